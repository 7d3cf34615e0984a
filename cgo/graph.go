package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import "unsafe"

// Graph is work that a device has recorded, to be done again by one call: it reads the tensors
// it read when it was recorded, at what they hold then, and writes the same results. Work that
// is made of many small operations, such as decoding a token, is limited by how fast the host
// can ask for them; a graph asks once.
type Graph struct{ c C.graph }

// CanCapture tells whether dev can record graphs.
func CanCapture(dev Device) bool {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	return C.torch_can_capture(name) != 0
}

// Capture records what fn does on dev, having run it once before so that what libraries prepare
// for a shape is there. fn must do the same work each time, make no gradients, and copy nothing
// between host and device. Its result, which belongs to the current scope, is set by each
// [Graph.Replay]. The tensors that fn reads but does not make must live as long as the graph;
// they are what is written to between replays. The caller frees the graph.
func Capture(dev Device, fn func() *Tensor) (g *Graph, result *Tensor) {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	g = &Graph{}
	check("Capture", C.torch_graph_new(&g.c, name))
	whole := false
	defer func() {
		e := C.torch_graph_end(g.c)
		if whole && e == nil {
			return
		}
		g.Free()
		if whole { // otherwise a panic is under way, which says what failed
			result.Free()
			check("Capture", e)
		}
		C.free(unsafe.Pointer(e))
	}()
	Scope(func() { fn() })
	checkInPlace("Capture", C.torch_graph_begin(g.c))
	result = Tidy(fn)
	whole = true
	return g, result
}

// Replay does the recorded work again.
func (g *Graph) Replay() {
	if g.c == nil {
		panic(&Error{Op: "Replay", Msg: "the graph was freed"})
	}
	checkInPlace("Replay", C.torch_graph_replay(g.c))
}

// Free lets go of the graph and of the memory of what was made in it. A second Free does nothing.
func (g *Graph) Free() {
	checkEngine("Free")
	if g.c != nil {
		C.torch_graph_free(g.c)
		g.c = nil
	}
}
