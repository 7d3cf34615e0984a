// Package torch is a small, hand-written binding to libtorch: tensors, some eighty
// operations, autograd, and one way to own memory.
//
// The folder is called cgo because that is what it is made of; the package is called
// torch because that is what it is (and because a package cgo collides with runtime/cgo).
// It is the only package of the program that imports "C".
//
// # Library
//
// What is linked to libtorch is C++ (shim/), a library that lies beside the program and is opened
// when an operation needs it, or ahead of that by [Preload] and [Run].
//
// # Engine
//
// libtorch keeps its grad mode, its OpenMP pool and its streams per thread, so all tensor
// work runs inside [Run], on one goroutine locked to one OS thread. An operation called
// elsewhere is an error, not a crash.
//
// # Ownership
//
// Go's collector sees eight bytes where there are megabytes, so there are no finalizers.
// A tensor belongs to the innermost scope open when it was made and dies with it:
//
//	torch.Scope(func() {
//		y := x.MatMul(w)       // made here, freed here
//		z = y.Relu().Keep()    // handed to the enclosing scope
//	})
//
// [Tidy] is a Scope that returns one tensor, [NoGrad] a Scope that records no graph,
// [Try] a Scope that turns a failed operation into an error. Using a tensor after its
// scope ended is an error that says so. [Live] counts the tensors alive: a training step
// must leave it as it was.
//
// # Errors
//
// An operation that fails panics with an *[Error]; Run and Try turn that into an error
// after the scopes in between have freed what they own. So model code reads as formulas,
// and an out-of-memory failure is recoverable where somebody knows what to do about it.
package torch
