package model

import torch "github.com/rlkd/rlkd/cgo"

// attempt is one to continue the prompts of those requests whose completions are not in out yet,
// at most rows at once. What it has when it fails is of whole requests.
func (g *Generator) attempt(requests []Request, out [][]Completion, rows int) *decoder {
	d := &decoder{Generator: g, rows: rows, requests: requests, out: out, under: map[int][]Completion{}, open: map[int]int{}}
	for i := range requests {
		if out[i] == nil {
			d.waiting = append(d.waiting, i)
		}
	}
	d.all = d.waiting
	return d
}

// generate makes the attempt.
func (d *decoder) generate() (err error) {
	g, width := d.Generator, 0
	for _, i := range d.all {
		width = max(width, len(d.requests[i].Prompt)+g.MaxTokens)
	}
	torch.NoGrad(func() {
		d.cache, d.packs = g.Model.newCache(d.rows, width), g.Model.pack()
		d.recorder.off = g.Eager || !torch.CanCapture(g.Model.Device)
		defer d.recorder.drop()
		err = d.run()
	})
	return err
}

// retract tells Progress what it was told of and is not in whole requests.
func (d *decoder) retract() error {
	tokens, ended := 0, 0
	for _, i := range d.all {
		for _, c := range d.out[i] {
			tokens, ended = tokens+len(c.IDs), ended+1
		}
	}
	return d.tell(tokens-d.tokens, ended-d.ended)
}

// tell is Progress, if there is one, and keeps count.
func (d *decoder) tell(tokens, ended int) error {
	if d.Progress == nil {
		return nil
	}
	d.tokens, d.ended = d.tokens+tokens, d.ended+ended
	return d.Progress(tokens, ended)
}
