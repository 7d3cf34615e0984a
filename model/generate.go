package model

import (
	"errors"
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
	// completions have ended by it; an error stops. Where memory runs out (see Fewer) it is told
	// negative numbers: of what it was told of, so much is lost and will be made again.
	Progress func(tokens, ended int) error

	// Done, if set, is told when all completions of a request have ended.
	Done func(request int, completions []Completion)

	// Eager has steps done one operation after the other also where the device can record them as
	// graphs. NoGraph, if set, is told why such a device did not; then it is eager.
	Eager   bool
	NoGraph func(err error)

	// Fewer, if set, is told when Rows completions at once do not fit into the device's memory, and
	// how many are worked on instead, by this and every later call for the model.
	Fewer func(rows int, err error)
}

// Tell has note told, a line each, what NoGraph and Fewer are told.
func (g *Generator) Tell(note func(message string)) {
	g.NoGraph = func(err error) { note("decoding goes on without a graph: " + err.Error()) }
	g.Fewer = func(rows int, err error) {
		note(fmt.Sprintf("generating at most %d completions at once from here on: %v", rows, err))
	}
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
	most, total := 0, 0 // completions of one request, of all
	for i, r := range requests {
		if len(r.Prompt) == 0 || r.N < 1 {
			return nil, fmt.Errorf("generate: request %d has %d prompt tokens and asks for %d completions", i, len(r.Prompt), r.N)
		}
		if r.N > g.Rows {
			return nil, fmt.Errorf("generate: request %d asks for %d completions, but at most %d rows are worked on at once", i, r.N, g.Rows)
		}
		most, total = max(most, r.N), total+r.N
	}
	out = make([][]Completion, len(requests))
	for {
		rows := min(g.Rows, total)
		if fit := g.Model.fitRows; fit > 0 {
			rows = min(rows, max(fit, most))
		}
		d := g.attempt(requests, out, rows)
		err := torch.Try(d.generate)
		var failed *torch.Error
		if !errors.As(err, &failed) || !failed.OutOfMemory() || rows == most {
			return out, err
		}
		g.Model.fitRows = max(rows/2, most)
		torch.EmptyCache() // what is kept for reuse is of the wrong sizes
		if g.Fewer != nil {
			g.Fewer(g.Model.fitRows, err)
		}
		if err := d.retract(); err != nil {
			return out, err
		}
	}
}

// decoder is one attempt to generate.
type decoder struct {
	*Generator
	rows     int // most at once
	requests []Request
	all      []int                // requests of this attempt
	waiting  []int                // those of them not yet begun
	under    map[int][]Completion // those of the requests under way
	open     map[int]int          // of each of them, how many have not ended
	out      [][]Completion       // those of the others
	cache    *cache
	packs    *packs
	active   []row // in the order of the cache's rows
	last     []int // the newest token of each active row
	recorder recorder

	tokens, ended int // what Progress was told
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
		if err != nil || len(d.active) == 0 && len(d.waiting) == 0 {
			return err
		}
	}
}

// prefillTokens bounds the tokens of the prompts that are run at once, where there are several: they
// take far more memory than what is decoded later.
const prefillTokens = 16384

// admitted is the part of all rows, one of so many, that has to be free before waiting requests begin:
// one by one they would share no prefix, and each would stop the others for a short pass of its own.
const admitted = 4

// admit begins as many of the waiting requests as there are free rows for and can be run at once,
// and returns how many rows that made active.
func (d *decoder) admit() (began int) {
	if len(d.active) > 0 && d.rows-len(d.active) < d.rows/admitted {
		return 0
	}
	for tokens := 0; len(d.waiting) > 0; d.waiting = d.waiting[1:] {
		request := d.waiting[0]
		r := d.requests[request]
		tokens += len(r.Prompt)
		if len(d.active)+r.N > d.rows || began > 0 && tokens > prefillTokens {
			break
		}
		d.under[request], d.open[request] = make([]Completion, r.N), r.N
		for s := range r.N {
			d.active = append(d.active, row{request, s, &d.under[request][s]})
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
		p := d.Model.passAt(positions, false, nil)
		p.packs = d.packs
		d.cache.decode(p, positions, used)
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
			if d.open[request]--; d.open[request] == 0 {
				d.out[request] = d.under[request]
				if d.Done != nil {
					d.Done(request, d.out[request])
				}
			}
		}
	}
	return d.tell(len(ids), before-len(d.active))
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
