package files

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// ggufReader reads little-endian fields and keeps the first error.
type ggufReader struct {
	r    *bufio.Reader
	left int64  // bytes of the file not read yet
	last []byte // the bytes that were read last
	err  error
}

// Far above any vocabulary and any chat template, and low enough that a corrupt
// length cannot exhaust the memory. A list grows as it is read.
const (
	maxList   = 1 << 24
	maxString = 1 << 26
)

// The value types of GGUF metadata.
const (
	ggufUint8 = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

func (r *ggufReader) value(kind uint32, key string) any {
	switch kind {
	case ggufUint8, ggufUint16, ggufUint32, ggufUint64:
		return r.unsigned(kind)
	case ggufInt8, ggufInt16, ggufInt32, ggufInt64:
		return r.signed(kind)
	case ggufFloat32, ggufFloat64:
		return r.float(kind)
	case ggufBool:
		return r.uint8() != 0
	case ggufString:
		return r.string()
	case ggufArray:
		return r.array(key)
	}
	if r.err == nil {
		r.err = fmt.Errorf("metadata: %s: value type %d is unknown", key, kind)
	}
	return nil
}

func (r *ggufReader) array(key string) any {
	kind, n := r.uint32(), r.uint64()
	if r.err == nil && n > maxList {
		r.err = fmt.Errorf("metadata: %s: a list of %d values is out of range", key, n)
	}
	switch kind {
	case ggufUint8, ggufUint16, ggufUint32, ggufUint64:
		return list(r, n, func() uint64 { return r.unsigned(kind) })
	case ggufInt8, ggufInt16, ggufInt32, ggufInt64:
		return list(r, n, func() int64 { return r.signed(kind) })
	case ggufFloat32, ggufFloat64:
		return list(r, n, func() float64 { return r.float(kind) })
	case ggufBool:
		return list(r, n, func() bool { return r.uint8() != 0 })
	case ggufString:
		return list(r, n, r.string)
	}
	if r.err == nil {
		r.err = fmt.Errorf("metadata: %s: a list of value type %d is not supported", key, kind)
	}
	return nil
}

func list[T any](r *ggufReader, n uint64, next func() T) []T {
	var values []T
	for i := uint64(0); i < n && r.err == nil; i++ {
		values = append(values, next())
	}
	return values
}

func (r *ggufReader) unsigned(kind uint32) uint64 {
	switch kind {
	case ggufUint8:
		return uint64(r.uint8())
	case ggufUint16:
		return uint64(r.uint16())
	case ggufUint32:
		return uint64(r.uint32())
	default:
		return r.uint64()
	}
}

func (r *ggufReader) signed(kind uint32) int64 {
	switch kind {
	case ggufInt8:
		return int64(int8(r.uint8()))
	case ggufInt16:
		return int64(int16(r.uint16()))
	case ggufInt32:
		return int64(int32(r.uint32()))
	default:
		return int64(r.uint64())
	}
}

func (r *ggufReader) float(kind uint32) float64 {
	if kind == ggufFloat64 {
		return math.Float64frombits(r.uint64())
	}
	return float64(math.Float32frombits(r.uint32()))
}

func (r *ggufReader) string() string {
	n := r.uint64()
	if r.err == nil && n > maxString {
		r.err = fmt.Errorf("metadata: a string of %d bytes is out of range", n)
	}
	return string(r.bytes(n))
}

// bytes returns the next n bytes, or zeros after an error. They are valid until the next call.
func (r *ggufReader) bytes(n uint64) []byte {
	if r.err == nil && n > uint64(r.left) {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err != nil {
		return make([]byte, min(n, 8))
	}
	r.last = slices.Grow(r.last[:0], int(n))[:n]
	_, r.err = io.ReadFull(r.r, r.last)
	r.left -= int64(n)
	return r.last
}

func (r *ggufReader) uint8() uint8   { return r.bytes(1)[0] }
func (r *ggufReader) uint16() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }
func (r *ggufReader) uint32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *ggufReader) uint64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }
