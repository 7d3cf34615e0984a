package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
)

// Tensor is a handle to a libtorch tensor. It belongs to the scope it was made in and
// must not be used after that scope ended.
type Tensor struct {
	c     C.tensor // nil once freed
	owner *scope
}

type scope struct{ made []*Tensor }

var (
	engine sync.Mutex // one engine at a time
	stack  []*scope   // the open scopes; touched only by the engine goroutine
)

// Run gives fn the engine: the calling goroutine, locked to its OS thread, with one root
// scope. It returns fn's error, or the *Error of an operation that failed in it. Runs from
// several goroutines wait for each other; a Run inside a Run is an error. libtorch is loaded
// meanwhile if it is not yet: fn's first operation waits for it, and Run returns the
// *Unavailable that says why it cannot be loaded.
func Run(fn func() error) (err error) {
	if C.torch_on_engine() != 0 {
		return &Error{Op: "Run", Msg: "called inside another Run; use Scope"}
	}
	engine.Lock()
	defer engine.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.torch_engine(1)
	defer C.torch_engine(0)
	Preload()
	return Try(fn)
}

// Scope runs fn and then frees, also when fn panics, every tensor made in it that was not
// kept.
func Scope(fn func()) {
	checkEngine("Scope")
	s := &scope{}
	stack = append(stack, s)
	defer func() {
		stack = stack[:len(stack)-1]
		s.free()
	}()
	fn()
}

// Tidy is a Scope that hands fn's result to the enclosing scope.
func Tidy(fn func() *Tensor) (t *Tensor) {
	Scope(func() { t = fn().Keep() })
	return t
}

// NoGrad is a Scope that records no graph. The grad mode it found is restored at the end.
func NoGrad(fn func()) { withGrad(0, fn) }

// EnableGrad is a Scope that records a graph, whatever the mode around it.
func EnableGrad(fn func()) { withGrad(1, fn) }

func withGrad(on C.int, fn func()) {
	checkEngine("NoGrad")
	need()
	was := C.torch_grad_mode(on)
	defer C.torch_grad_mode(was)
	Scope(fn)
}

// Try is a Scope that returns the *Error of a failed operation, or the *Unavailable if libtorch
// is, instead of panicking, after everything fn made has been freed. Any other panic goes on.
func Try(fn func() error) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *Error:
			err = e
		case *Unavailable:
			err = e
		default:
			panic(e)
		}
	}()
	Scope(func() { err = fn() })
	return err
}

// Live counts the tensors alive in the process.
func Live() int {
	if !loaded.Load() {
		return 0
	}
	return int(C.torch_live())
}

// Keep hands t, if the innermost scope owns it, to the scope around that one, and returns t.
func (t *Tensor) Keep() *Tensor {
	t.handle()
	if len(stack) < 2 {
		panic(&Error{Op: "Keep", Msg: "there is no enclosing scope to hand the tensor to"})
	}
	if top := stack[len(stack)-1]; t.owner == top {
		stack[len(stack)-2].adopt(t)
	}
	return t
}

// Free lets go of t before its scope ends. A second Free does nothing.
func (t *Tensor) Free() {
	checkEngine("Free")
	if t != nil && t.c != nil {
		C.torch_free(&t.c, 1)
		t.c, t.owner = nil, nil
	}
}

func (s *scope) adopt(t *Tensor) {
	t.owner = s
	s.made = append(s.made, t)
}

// free releases what the scope still owns: not the tensors that were kept by another scope
// (their owner changed) nor those freed by hand.
func (s *scope) free() {
	handles := make([]C.tensor, 0, len(s.made))
	for _, t := range s.made {
		if t.owner == s && t.c != nil {
			handles = append(handles, t.c)
			t.c, t.owner = nil, nil
		}
	}
	if len(handles) > 0 {
		C.torch_free(&handles[0], C.int(len(handles)))
	}
}

// own makes the Tensor of the handle an operation wrote to out, or panics with its error.
func own(op string, out *C.tensor, e C.err) *Tensor {
	check(op, e)
	t := adopt(*out)
	inject(op)
	return t
}

// adopt gives a handle to the innermost scope.
func adopt(c C.tensor) *Tensor {
	t := &Tensor{c: c}
	stack[len(stack)-1].adopt(t)
	return t
}

// handle is t's C handle; using a freed tensor panics with an *Error.
func (t *Tensor) handle() C.tensor {
	if t == nil {
		panic(&Error{Op: "use", Msg: "nil tensor"})
	}
	if t.c == nil {
		panic(&Error{Op: "use", Msg: "tensor used after its scope ended"})
	}
	return t.c
}

// optional is the handle of t, or nil when there is no t.
func (t *Tensor) optional() C.tensor {
	if t == nil {
		return nil
	}
	return t.handle()
}

func handles(ts []*Tensor) []C.tensor {
	cs := make([]C.tensor, len(ts))
	for i, t := range ts {
		cs[i] = t.handle()
	}
	return cs
}
