package files

import (
	"encoding/binary"
	"math"
)

// encode converts fp32 numbers to F32, BF16 or F16, rounding to nearest, ties
// to even. It returns the index of the first finite number that would become
// infinite, or -1.
func encode(dst []byte, d DType, src []float32) int {
	switch d {
	case F32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
		return -1
	case BF16:
		return encode16(dst, src, toBF16, 0x7f80)
	case F16:
		return encode16(dst, src, toF16, 0x7c00)
	}
	panic("files: encode " + d.String())
}

// encode16 stops at the first finite number whose conversion is infinite.
func encode16(dst []byte, src []float32, convert func(float32) uint16, infinity uint16) int {
	for i, v := range src {
		h := convert(v)
		if h&0x7fff == infinity && !math.IsInf(float64(v), 0) {
			return i
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return -1
}

// toBF16 rounds to the upper half of a float32. A NaN stays one and quiet.
func toBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// toF16 rounds to an IEEE 754 binary16. A NaN stays one and quiet.
func toF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, magnitude := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case magnitude > 0x7f800000: // NaN
		return sign | 0x7e00 | uint16(magnitude>>13)&0x1ff
	case magnitude >= 0x47800000: // 2^16 or more
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24, subnormal unless it rounds up
		units := math.RoundToEven(float64(math.Float32frombits(magnitude)) * (1 << 24))
		return sign | uint16(units)
	}
	// The exponent's bias goes from 127 to 15 and 13 bits of the fraction go; a
	// carry out of the fraction rightly enters the exponent, up to infinity.
	return sign | uint16((magnitude-112<<23+0xfff+magnitude>>13&1)>>13)
}
