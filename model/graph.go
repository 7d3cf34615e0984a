package model

import torch "github.com/rlkd/rlkd/cgo"

// recordAfter is how many steps of one shape come before it is recorded: recording costs about
// as much as so many steps.
const recordAfter = 2

// recorder lets a device that can record graphs record the steps of decoding and do them again by
// one call each. Of the shapes that steps have it keeps the one in use.
type recorder struct {
	off            bool   // the device cannot, or could not
	shape          [2]int // rows, and positions attended to
	seen           int    // steps of that shape
	graph          *torch.Graph
	ids, positions *torch.Tensor // [rows], what the graph reads
	logits         *torch.Tensor // [rows, vocab], what it writes
}

// step is work(ids, positions) on dev, whose shape is told by the number of ids and by used. What
// it returns is valid until the next step. The error says why the device does not record, once;
// the work has been done all the same.
func (r *recorder) step(dev torch.Device, ids, positions []int, used int, work func(ids, positions *torch.Tensor) *torch.Tensor) (logits *torch.Tensor, err error) {
	at, from := torch.FromInts(positions, dev, len(positions)), torch.FromInts(ids, dev, len(ids))
	if shape := [2]int{len(ids), used}; r.shape != shape {
		r.drop()
		r.shape, r.seen = shape, 0
	}
	if r.seen++; r.seen <= recordAfter || r.off {
		return work(from, at), nil
	}
	if r.graph == nil {
		if err := r.record(dev, from, at, work); err != nil {
			r.off = true
			return work(from, at), err
		}
	} else {
		r.ids.Copy_(from)
		r.positions.Copy_(at)
	}
	r.graph.Replay()
	return r.logits, nil
}

// record makes the graph. It and its tensors outlive the current scope, but not the one around it.
func (r *recorder) record(dev torch.Device, ids, positions *torch.Tensor, work func(ids, positions *torch.Tensor) *torch.Tensor) error {
	err := torch.Try(func() error {
		graph, logits := torch.Capture(dev, func() *torch.Tensor { return work(ids, positions) })
		r.graph, r.logits = graph, logits.Keep()
		return nil
	})
	if err == nil {
		r.ids, r.positions, r.logits = ids.Keep(), positions.Keep(), r.logits.Keep()
	}
	return err
}

// drop lets go of the graph.
func (r *recorder) drop() {
	if r.graph != nil {
		r.graph.Free()
		r.ids.Free()
		r.positions.Free()
		r.logits.Free()
		r.graph = nil
	}
}
