package model

import (
	"fmt"
	"math"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/rng"
)

// Adapter is a LoRA adapter on one model: the output of each target layer gains
// Scale * B A x (Hu et al. 2021, arXiv 2106.09685). A model can have several; the one that
// [Model.Use] or [Model.With] names takes part in every pass.
type Adapter struct {
	Config files.LoRA
	// Seed makes the dropout masks; see [Model.DropoutAt].
	Seed uint64

	model *Model
	pairs []*pair // in the order of Config.Pairs
	on    map[*Param]*pair
	pass  [2]uint64 // the training pass that masks are for: update and micro-batch
}

// pair is the term of one layer.
type pair struct {
	weight *Param // of the layer, [out, in]
	a, b   *Param // [rank, in], [out, rank]
	number int    // its place in pairs
}

// NewAdapter makes an adapter that is to be trained and as yet changes nothing: A is uniform
// within 1/sqrt(in), as in PEFT (Kaiming with a = sqrt(5)), and drawn from the seed; B is zero.
// Its tensors belong to the current scope.
func (m *Model) NewAdapter(c files.LoRA, seed uint64) (*Adapter, error) {
	return m.adapter(c, seed, true, func(i int, s files.TensorSpec) ([]float32, error) {
		values := make([]float32, s.Shape[0]*s.Shape[1])
		if i%2 == 0 { // an A
			draw, bound := rng.NewStream(seed, rng.LoRA, uint64(i)), 1/math.Sqrt(float64(s.Shape[1]))
			for j := range values {
				values[j] = float32((2*draw.Float64() - 1) * bound)
			}
		}
		return values, nil
	})
}

// LoadAdapter brings an opened adapter to the model it is for. With train it has masters to go
// on with. Its tensors belong to the current scope.
func (m *Model) LoadAdapter(src *files.Adapter, train bool) (*Adapter, error) {
	if err := src.Fits(m.Config); err != nil {
		return nil, err
	}
	return m.adapter(src.Config, 0, train, func(_ int, s files.TensorSpec) ([]float32, error) {
		values, _, err := src.Read(s.Name)
		return values, err
	})
}

// OpenAdapter is LoadAdapter from a directory as PEFT writes it.
func (m *Model) OpenAdapter(dir string, train bool) (*Adapter, error) {
	src, err := files.OpenAdapter(dir)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return m.LoadAdapter(src, train)
}

// adapter makes one whose tensor number i, of A, B, A, B …, has the values that read gives.
func (m *Model) adapter(c files.LoRA, seed uint64, train bool, read func(i int, s files.TensorSpec) ([]float32, error)) (*Adapter, error) {
	if key, problem := c.Check(); key != "" {
		return nil, fmt.Errorf("adapter: %s: %s", key, problem)
	}
	weights := map[string]*Param{}
	for _, p := range m.params {
		weights[p.Name] = p
	}
	a := &Adapter{Config: c, Seed: seed, model: m, on: map[*Param]*pair{}}
	o := Options{Device: m.Device, DType: m.DType, Train: train}
	for i, spec := range c.Pairs(m.Config) {
		p := &pair{weight: weights[spec.Weight], number: i}
		for j, half := range []files.TensorSpec{spec.A, spec.B} {
			values, err := read(2*i+j, half)
			if err != nil {
				return nil, err
			}
			made := newParam(half.Name, torch.FromFloat32s(values, torch.Float32, torch.CPU, half.Shape...), o)
			if j == 0 {
				p.a = made
			} else {
				p.b = made
			}
		}
		a.pairs = append(a.pairs, p)
		a.on[p.weight] = p
	}
	return a, nil
}

// Params are the adapter's weights, A and B of each layer, named as in PEFT's files.
func (a *Adapter) Params() []*Param {
	var out []*Param
	for _, p := range a.pairs {
		out = append(out, p.a, p.b)
	}
	return out
}

// Use makes a the adapter of all passes to come; nil for none.
func (m *Model) Use(a *Adapter) {
	if a != nil && a.model != m {
		panic(&torch.Error{Op: "Use", Msg: "the adapter was made for another model"})
	}
	m.active = a
}

// With runs fn with the adapter a active, or none if a is nil, and brings back the one that
// was active before, also when fn panics.
func (m *Model) With(a *Adapter, fn func()) {
	was := m.active
	m.Use(a)
	defer func() { m.active = was }()
	fn()
}

// DropoutAt says which micro-batch of which update the training passes to come are of. The
// active adapter's dropout masks are a function of that and of its Seed, so that a resumed run
// has the same, and a layer computed again for a checkpoint too.
func (m *Model) DropoutAt(update, batch int) {
	if m.active != nil {
		m.active.pass = [2]uint64{uint64(update), uint64(batch)}
	}
}

// Merge adds an adapter's terms to the weights for good: the model then says without the
// adapter what it said with it, up to rounding to the model's dtype.
func (m *Model) Merge(a *Adapter) {
	torch.NoGrad(func() {
		for _, p := range a.pairs {
			torch.Scope(func() {
				full := func(q *Param) *torch.Tensor { return q.Value().Cast(torch.Float32) }
				p.weight.Set(full(p.weight).Add(full(p.b).MatMul(full(p.a)).MulScalar(a.Config.Scale())))
			})
		}
	})
}

// adapted is y, the output of the layer with weight w on x, with the active adapter's term.
func (p *pass) adapted(y, x *torch.Tensor, w *Param) *torch.Tensor {
	if p.adapter == nil || p.adapter.on[w] == nil {
		return y
	}
	a, l := p.adapter, p.adapter.on[w]
	scale := a.Config.Scale()
	if drop := a.Config.Dropout; p.graph && drop > 0 {
		x = x.Mul(a.mask(l, x))
		scale /= 1 - drop
	}
	h := torch.Linear(x, l.a.tensor(), nil).MulScalar(scale)
	return y.Add(torch.Linear(h, l.b.tensor(), nil))
}

// mask is 1 for the elements of x that dropout keeps, else 0.
func (a *Adapter) mask(l *pair, x *torch.Tensor) *torch.Tensor {
	keep := make([]byte, x.Numel())
	rng.Keep(keep, 1-a.Config.Dropout, a.Seed, [3]uint64{uint64(l.number), a.pass[1], a.pass[0]})
	return torch.FromBytes(keep, torch.Uint8, x.DType(), x.Device(), x.Dims()...)
}
