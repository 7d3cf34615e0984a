package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// DType is an element type, with libtorch's numbers (c10/core/ScalarType.h).
type DType int

// The element types in use.
const (
	Uint8    DType = 0
	Int16    DType = 2
	Int64    DType = 4
	Float16  DType = 5
	Float32  DType = 6
	Bool     DType = 11
	BFloat16 DType = 15
)

func (d DType) String() string {
	switch d {
	case Uint8:
		return "u8"
	case Int16:
		return "i16"
	case Int64:
		return "i64"
	case Float16:
		return "f16"
	case Float32:
		return "f32"
	case Bool:
		return "bool"
	case BFloat16:
		return "bf16"
	}
	return fmt.Sprintf("dtype(%d)", int(d))
}

// Size is the number of bytes of one element.
func (d DType) Size() int {
	switch d {
	case Uint8, Bool:
		return 1
	case Int16, Float16, BFloat16:
		return 2
	case Float32:
		return 4
	}
	return 8
}

// Device names where a tensor lives: "cpu", "cuda" or "cuda:1".
type Device string

// CPU is the host.
const CPU Device = "cpu"

// cstring is the device's name for C; the caller frees it. What has no tensor to begin with names
// a device: so that it waits for libtorch, this does.
func (d Device) cstring() *C.char {
	need()
	return C.CString(string(d))
}

// shape is dims for C. It has a spare element, so that a scalar's shape has an address too.
func shape(dims []int) (*C.int64_t, C.int) {
	out := make([]C.int64_t, len(dims)+1)
	for i, d := range dims {
		out[i] = C.int64_t(d)
	}
	return &out[0], C.int(len(dims))
}

// FromFloat32s copies data to a new tensor of the given dtype, device and shape.
func FromFloat32s(data []float32, dt DType, dev Device, dims ...int) *Tensor {
	checkLen("FromFloat32s", len(data), dims)
	d, n := shape(dims)
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("FromFloat32s", &o, C.torch_from_f32(&o, (*C.float)(unsafe.SliceData(data)), d, n, C.int(dt), name))
}

// FromInts copies data to a new int64 tensor of the given device and shape.
func FromInts(data []int, dev Device, dims ...int) *Tensor {
	checkLen("FromInts", len(data), dims)
	d, n := shape(dims)
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("FromInts", &o, C.torch_from_i64(&o, (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(data))), d, n, name))
}

// FromBytes copies raw little-endian elements of dtype from to a new tensor of dtype to.
func FromBytes(data []byte, from, to DType, dev Device, dims ...int) *Tensor {
	checkLen("FromBytes", len(data)/from.Size(), dims)
	d, n := shape(dims)
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("FromBytes", &o, C.torch_from_bytes(&o, unsafe.Pointer(unsafe.SliceData(data)), C.int(from), d, n, C.int(to), name))
}

// Full makes a tensor with every element set to value.
func Full(value float64, dt DType, dev Device, dims ...int) *Tensor {
	d, n := shape(dims)
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("Full", &o, C.torch_full(&o, C.double(value), d, n, C.int(dt), name))
}

// Zeros makes a tensor of zeros.
func Zeros(dt DType, dev Device, dims ...int) *Tensor { return Full(0, dt, dev, dims...) }

// Empty makes a tensor whose elements are not set.
func Empty(dt DType, dev Device, dims ...int) *Tensor {
	d, n := shape(dims)
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("Empty", &o, C.torch_empty(&o, d, n, C.int(dt), name))
}

// Reserve is Zeros whose memory the system gives when it is first written to: for what is large and
// not needed at once. On other devices than the CPU it is Zeros.
func Reserve(dt DType, dev Device, dims ...int) *Tensor {
	if dev != CPU {
		return Zeros(dt, dev, dims...)
	}
	need()
	d, n := shape(dims)
	var o C.tensor
	return own("Reserve", &o, C.torch_reserve(&o, d, n, C.int(dt)))
}

// Arange is the int64 tensor 0, 1, … n-1.
func Arange(n int, dev Device) *Tensor {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("Arange", &o, C.torch_arange(&o, C.int64_t(n), name))
}

// To is t with the given dtype and device: t itself, under a new handle, when it has both.
func (t *Tensor) To(dt DType, dev Device) *Tensor {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var o C.tensor
	return own("To", &o, C.torch_to(&o, t.handle(), C.int(dt), name))
}

// Cast is t with the given dtype, where it lives.
func (t *Tensor) Cast(dt DType) *Tensor {
	var o C.tensor
	return own("Cast", &o, C.torch_to_dtype(&o, t.handle(), C.int(dt)))
}

// Float32s copies t's elements to the host, row-major, converted to fp32. It waits for the
// device.
func (t *Tensor) Float32s() []float32 {
	out := make([]float32, t.Numel())
	check("Float32s", C.torch_read_f32(t.handle(), (*C.float)(unsafe.SliceData(out)), C.int64_t(len(out))))
	return out
}

// Host is the memory of t, which must be fp32, contiguous and on the CPU: valid as long as t lives.
func (t *Tensor) Host() []float32 {
	var p *C.float
	check("Host", C.torch_host(&p, t.handle()))
	return unsafe.Slice((*float32)(unsafe.Pointer(p)), t.Numel())
}

// Ints copies t's elements to the host, row-major, converted to integers. It waits for the
// device.
func (t *Tensor) Ints() []int {
	out := make([]int, t.Numel())
	check("Ints", C.torch_read_i64(t.handle(), (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(out))), C.int64_t(len(out))))
	return out
}

// Bytes copies t's elements to the host as they are, row-major and little-endian. It waits
// for the device.
func (t *Tensor) Bytes() []byte {
	out := make([]byte, t.Numel()*t.DType().Size())
	check("Bytes", C.torch_read_bytes(t.handle(), unsafe.Pointer(unsafe.SliceData(out)), C.int64_t(len(out))))
	return out
}

// Item is the value of a tensor of one element. It waits for the device.
func (t *Tensor) Item() float64 {
	var v C.double
	check("Item", C.torch_item(t.handle(), &v))
	return float64(v)
}

// Dims is t's shape.
func (t *Tensor) Dims() []int {
	var d [8]C.int64_t
	n := C.int(len(d))
	check("Dims", C.torch_dims(t.handle(), &d[0], &n))
	out := make([]int, n)
	for i := range out {
		out[i] = int(d[i])
	}
	return out
}

// Dim is the size of dimension i; a negative i counts from the end.
func (t *Tensor) Dim(i int) int {
	d := t.Dims()
	if i < 0 {
		i += len(d)
	}
	if i < 0 || i >= len(d) {
		panic(&Error{Op: "Dim", Msg: fmt.Sprintf("no dimension %d in %v", i, d)})
	}
	return d[i]
}

// Numel is the number of t's elements.
func (t *Tensor) Numel() int {
	_, n, _ := t.meta()
	return n
}

// DType is t's element type.
func (t *Tensor) DType() DType {
	d, _, _ := t.meta()
	return d
}

// Device is where t lives.
func (t *Tensor) Device() Device {
	_, _, d := t.meta()
	return d
}

func (t *Tensor) meta() (DType, int, Device) {
	var (
		dt   C.int
		n    C.int64_t
		name [32]C.char
	)
	check("meta", C.torch_meta(t.handle(), &dt, &n, &name[0], C.int(len(name))))
	return DType(dt), int(n), Device(C.GoString(&name[0]))
}
