package files

import (
	"encoding/binary"
	"math"
)

// block is the numbers in a block of every quantised format here.
const block = 32

// decode converts stored numbers to fp32. len(dst) is a multiple of the
// format's block and src holds exactly the bytes for it. Products are rounded
// to fp32 before they are added, on machines with fused multiply-add too, so
// that the weights are the same bits everywhere.
func decode(dst []float32, d DType, src []byte) {
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = fromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
	case Q8_0:
		decodeQ8_0(dst, src)
	case Q4_0:
		decodeQ4_0(dst, src)
	case Q4_1:
		decodeQ4_1(dst, src)
	}
}

// decodeQ8_0 reads blocks of an F16 scale and 32 signed bytes.
func decodeQ8_0(dst []float32, src []byte) {
	for ; len(dst) >= block; dst, src = dst[block:], src[2+block:] {
		scale := fromF16(binary.LittleEndian.Uint16(src))
		q := src[2 : 2+block]
		out := dst[:block]
		for i := range out {
			out[i] = scale * float32(int8(q[i]))
		}
	}
}

// decodeQ4_0 reads blocks of an F16 scale and 16 bytes; the low halves of the
// bytes are the first 16 numbers, the high halves the others.
func decodeQ4_0(dst []float32, src []byte) {
	for ; len(dst) >= block; dst, src = dst[block:], src[2+block/2:] {
		scale := fromF16(binary.LittleEndian.Uint16(src))
		q := src[2 : 2+block/2]
		low, high := dst[:block/2], dst[block/2:block]
		for i, b := range q {
			low[i] = scale * float32(int32(b&15)-8)
			high[i] = scale * float32(int32(b>>4)-8)
		}
	}
}

// decodeQ4_1 reads blocks of an F16 scale, an F16 minimum and 16 bytes laid
// out as in Q4_0.
func decodeQ4_1(dst []float32, src []byte) {
	for ; len(dst) >= block; dst, src = dst[block:], src[4+block/2:] {
		scale := fromF16(binary.LittleEndian.Uint16(src))
		minimum := fromF16(binary.LittleEndian.Uint16(src[2:]))
		q := src[4 : 4+block/2]
		low, high := dst[:block/2], dst[block/2:block]
		for i, b := range q {
			low[i] = float32(scale*float32(b&15)) + minimum
			high[i] = float32(scale*float32(b>>4)) + minimum
		}
	}
}

// fromF16 widens an IEEE 754 binary16.
func fromF16(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero or subnormal: fraction · 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*(1.0/(1<<24))))
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	default: // the exponent's bias goes from 15 to 127
		return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
	}
}
