package model

import (
	"fmt"
	"slices"

	torch "github.com/rlkd/rlkd/cgo"
)

// Request is one prompt to be continued N times.
type Request struct {
	Prompt []int // token ids, at least one
	Shared []int // lengths, ascending, of prefixes that other prompts may have too: equal ones are computed once
	N      int
}

// Completion is what the model wrote after a prompt.
type Completion struct {
	IDs      []int // the token that ended it included
	Finished bool  // it ended by a stop token, not for want of room
}

// Generator continues prompts. Rows that end leave the batch, and the next prompts take
// their places.
type Generator struct {
	Model     *Model
	Sampling  Sampling
	Stop      []int // token ids that end a completion
	MaxTokens int   // most tokens of a completion
	Rows      int   // most completions worked on at once

	// Uniform is the random stream: the variate in (0, 1) for token number position of a
	// sample of a request. It is not asked when the temperature is 0.
	Uniform func(request, sample, position int) float32

	// Progress, if set, is told after each step how many tokens are new and how many
	// completions have ended by it; an error stops.
	Progress func(tokens, ended int) error

	// Done, if set, is told when all completions of a request have ended.
	Done func(request int, completions []Completion)

	// NoGraph, if set, is told why a device that can record steps as graphs did not; then they are
	// done one operation after the other.
	NoGraph func(err error)
}

// row is a completion under way.
type row struct {
	request, sample int
	done            *Completion // where it is written
}

// Generate returns, for each request, its N completions. A prompt's first pass is run once
// and its cache replicated. What a completion says depends on its prompt and its random
// stream alone, not on what else is in the batch.
func (g *Generator) Generate(requests []Request) (out [][]Completion, err error) {
	width := 0
	var open []int
	for i, r := range requests {
		if len(r.Prompt) == 0 || r.N < 1 {
			return nil, fmt.Errorf("generate: request %d has %d prompt tokens and asks for %d completions", i, len(r.Prompt), r.N)
		}
		if r.N > g.Rows {
			return nil, fmt.Errorf("generate: request %d asks for %d completions, but at most %d rows are worked on at once", i, r.N, g.Rows)
		}
		width = max(width, len(r.Prompt)+g.MaxTokens)
		out, open = append(out, make([]Completion, r.N)), append(open, r.N)
	}
	torch.NoGrad(func() {
		d := decoder{Generator: g, requests: requests, out: out, open: open, cache: g.Model.newCache(g.rows(requests), width), packs: g.Model.pack()}
		d.recorder.off = !torch.CanCapture(g.Model.Device)
		defer d.recorder.drop()
		err = d.run()
	})
	return out, err
}

// rows is how many rows of cache the requests can fill.
func (g *Generator) rows(requests []Request) int {
	total := 0
	for _, r := range requests {
		total += r.N
	}
	return min(total, g.Rows)
}

// decoder is one call of Generate.
type decoder struct {
	*Generator
	requests []Request
	out      [][]Completion
	next     int   // the first request not yet begun
	open     []int // of each request, how many completions have not ended
	cache    *cache
	packs    *packs
	active   []row // in the order of the cache's rows
	last     []int // the newest token of each active row
	recorder recorder
}

func (d *decoder) run() error {
	for {
		var logits *torch.Tensor
		var began int
		var err error
		torch.Scope(func() {
			if began = d.admit(); began > 0 {
				logits = d.prefill(began)
			} else if len(d.active) > 0 {
				logits = d.step()
			}
			if logits != nil {
				err = d.take(logits, began)
			}
		})
		if err != nil || len(d.active) == 0 && d.next == len(d.requests) {
			return err
		}
	}
}

// prefillTokens bounds the tokens of the prompts that are run at once, where there are several: they
// take far more memory than what is decoded later.
const prefillTokens = 16384

// admit begins as many of the waiting requests as there are free rows for and can be run at once,
// and returns how many rows that made active.
func (d *decoder) admit() (began int) {
	for tokens := 0; d.next < len(d.requests); d.next++ {
		r := d.requests[d.next]
		tokens += len(r.Prompt)
		if len(d.active)+r.N > d.Rows || began > 0 && tokens > prefillTokens {
			break
		}
		for s := range r.N {
			d.active = append(d.active, row{d.next, s, &d.out[d.next][s]})
			d.cache.lengths = append(d.cache.lengths, len(r.Prompt))
		}
		began += r.N
	}
	return began
}

// prefill runs the prompts of the last began rows, each prompt and each prefix that prompts share
// once, and returns the logits of those rows' first tokens, [began, vocab].
func (d *decoder) prefill(began int) *torch.Tensor {
	m := d.Model
	b := &Batch{}
	known := map[string]int{}
	var ends []int // of each row, the packed token its prompt ends with
	var fill placement
	var prompt []int // the packed tokens of the prompt of the row at hand
	for r := len(d.active) - began; r < len(d.active); r++ {
		if d.active[r].sample == 0 {
			request := d.requests[d.active[r].request]
			prompt = b.chain(b.prompt(request.Prompt, request.Shared, known))
		}
		ends = append(ends, prompt[len(prompt)-1])
		for i, token := range prompt {
			fill.add(r, i, token)
		}
	}
	b.fill()
	p := m.newPass(b.positions, false, d.cache.prefill(b, fill))
	p.packs = d.packs
	x := p.layers(torch.Embedding(m.embed.work, torch.FromInts(b.ids, m.Device, len(b.ids))))
	return d.logits(p, x.IndexSelect(0, torch.FromInts(ends, m.Device, len(ends))))
}

// step feeds each active row its newest token and returns the logits of the next, [n, vocab].
func (d *decoder) step() *torch.Tensor {
	used := d.cache.used()
	logits, err := d.recorder.step(d.Model.Device, d.last, d.cache.lengths, used, func(ids, positions *torch.Tensor) *torch.Tensor {
		p := d.Model.passAt(positions, false, d.cache.decode(positions, used))
		p.packs = d.packs
		return d.logits(p, p.layers(torch.Embedding(d.Model.embed.work, ids)))
	})
	if err != nil && d.NoGraph != nil {
		d.NoGraph(err)
	}
	for r := range d.cache.lengths {
		d.cache.lengths[r]++
	}
	return logits
}

// logits are those of the tokens after x [n, hidden], [n, vocab] in the model's dtype.
func (d *decoder) logits(p *pass, x *torch.Tensor) *torch.Tensor {
	return p.linears(p.final(x), d.packs.head, []linear{{weight: d.Model.head}})[0]
}

// take draws a token for each of the rows that logits are for (the last began ones after a
// prefill, else all), and lets go of the rows that have ended.
func (d *decoder) take(logits *torch.Tensor, began int) error {
	first := 0
	if began > 0 {
		first = len(d.active) - began
	}
	rows := d.active[first:]
	ids := d.Sampling.sample(logits, d.uniforms(rows)).Ints()
	d.last = append(d.last[:first], ids...)
	for i, r := range rows {
		r.done.IDs = append(r.done.IDs, ids[i])
	}
	before := len(d.active)
	for r := len(d.active) - 1; r >= first; r-- {
		done := d.active[r].done
		done.Finished = slices.Contains(d.Stop, d.last[r])
		if done.Finished || len(done.IDs) == d.MaxTokens {
			request := d.active[r].request
			d.remove(r)
			if d.open[request]--; d.open[request] == 0 && d.Done != nil {
				d.Done(request, d.out[request])
			}
		}
	}
	if d.Progress != nil {
		return d.Progress(len(ids), before-len(d.active))
	}
	return nil
}

// uniforms are the rows' next variates.
func (d *decoder) uniforms(rows []row) []float32 {
	u := make([]float32, len(rows))
	if d.Sampling.Temperature > 0 {
		for i, r := range rows {
			u[i] = d.Uniform(r.request, r.sample, len(r.done.IDs))
		}
	}
	return u
}

// remove lets go of row r; the last row takes its place.
func (d *decoder) remove(r int) {
	last := len(d.active) - 1
	d.active[r], d.last[r] = d.active[last], d.last[last]
	d.active, d.last = d.active[:last], d.last[:last]
	d.cache.remove(r)
}
