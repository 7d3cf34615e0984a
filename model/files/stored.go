package files

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sync/errgroup"
)

// stored says where a tensor lies in a file. Its offset and size have been
// checked against the file's length.
type stored struct {
	file   *os.File
	offset int64
	dtype  DType
	shape  []int // row-major, as in PyTorch

	// heads is not zero where llama.cpp's converter interleaved the two halves
	// of each head's rows (see unpermute).
	heads int
}

// maxElements is beyond any tensor and keeps sizes in bytes far from overflow.
const maxElements = 1 << 48

// elements returns how many numbers a shape holds, or an error when a
// dimension is negative or the count is beyond any file.
func elements(shape []int) (int64, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > math.MaxInt32 || d > 0 && n > maxElements/int64(d) {
			return 0, fmt.Errorf("shape %v is out of range", shape)
		}
		n *= int64(d)
	}
	return n, nil
}

func (t stored) numel() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// chunk is how many numbers a worker converts at a time: its bytes fit the
// second-level cache, and it is a multiple of every block.
const chunk = 1 << 17

// chunkSize returns the numbers of one independent piece of the tensor: a whole
// head where rows move within their head.
func (t stored) chunkSize() int {
	if t.heads > 0 {
		return t.numel() / t.heads
	}
	return chunk
}

// each reads consecutive pieces of the tensor on all processors and calls fn
// with the bytes of the numbers [lo, hi), in PyTorch's order. They are read to
// where into says, or, if into is nil, to a buffer that is valid until fn
// returns; if fn is nil nothing is called.
func (t stored) each(into func(lo, hi int) []byte, fn func(lo, hi int, raw []byte)) error {
	n, size := t.numel(), t.chunkSize()
	if n == 0 {
		return nil
	}
	pieces := (n + size - 1) / size
	workers := min(runtime.GOMAXPROCS(0), pieces)
	var group errgroup.Group
	for w := range workers {
		group.Go(func() error {
			var buffer, moved []byte
			for p := w; p < pieces; p += workers {
				lo, hi := p*size, min((p+1)*size, n)
				var raw []byte
				if into != nil {
					raw = into(lo, hi)
				} else {
					buffer = slices.Grow(buffer[:0], int(t.dtype.size(int64(size))))
					raw = buffer[:t.dtype.size(int64(hi-lo))]
				}
				if err := t.readAt(raw, t.dtype.size(int64(lo))); err != nil {
					return err
				}
				if t.heads > 0 {
					moved = append(moved[:0], raw...)
					unpermute(raw, moved, t.shape[0]/t.heads)
				}
				if fn != nil {
					fn(lo, hi, raw)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (t stored) readAt(raw []byte, at int64) error {
	_, err := t.file.ReadAt(raw, t.offset+at)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: ends before byte %d: was it changed since it was opened?", t.file.Name(), t.offset+at+int64(len(raw)))
	}
	return err
}

// sameStored reports whether two tensors hold the same bytes.
func sameStored(a, b stored) (bool, error) {
	if a.dtype != b.dtype || !slices.Equal(a.shape, b.shape) {
		return false, nil
	}
	size := a.dtype.size(int64(a.numel()))
	bufA, bufB := make([]byte, min(size, 4*chunk)), make([]byte, min(size, 4*chunk))
	for at := int64(0); at < size; at += int64(len(bufA)) {
		n := min(size-at, int64(len(bufA)))
		if err := errors.Join(a.readAt(bufA[:n], at), b.readAt(bufB[:n], at)); err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// read converts the tensor to fp32.
func (t stored) read() ([]float32, error) {
	dst := make([]float32, t.numel())
	return dst, t.readTo(dst)
}

// readTo is read into dst, which has room for all of the tensor.
func (t stored) readTo(dst []float32) error {
	if t.dtype == F32 && littleEndian {
		return t.each(func(lo, hi int) []byte { return memory(dst[lo:hi]) }, nil)
	}
	return t.each(nil, func(lo, hi int, raw []byte) { decode(dst[lo:hi], t.dtype, raw) })
}

// littleEndian machines hold fp32 as files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// memory is what v is made of.
func memory(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// readRaw returns the tensor's bytes as they are stored.
func (t stored) readRaw() ([]byte, error) {
	dst := make([]byte, t.dtype.size(int64(t.numel())))
	return dst, t.each(func(lo, hi int) []byte { return dst[t.dtype.size(int64(lo)):t.dtype.size(int64(hi))] }, nil)
}

// unpermute undoes, for the rows of one head, what llama.cpp's converter does
// to q and k of the llama family so that its RoPE can rotate neighbours: row
// 2i+j of the file is row j·rows/2+i of transformers.
func unpermute(dst, src []byte, rows int) {
	size := len(src) / rows
	for i := range rows / 2 {
		for j := range 2 {
			to, from := (j*rows/2+i)*size, (2*i+j)*size
			copy(dst[to:to+size], src[from:from+size])
		}
	}
}
