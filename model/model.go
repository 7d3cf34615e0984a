package model

import (
	"fmt"
	"slices"
	"sync"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
)

// Model is a decoder-only language model on a device.
type Model struct {
	Config files.Config
	Device torch.Device
	DType  torch.DType // what the forward computes in

	params    []*Param // in the order of Config.Tensors
	embed     *Param   // [vocab, hidden]
	layers    []block
	norm      *Param        // [hidden]
	head      *Param        // [vocab, hidden]; embed itself when tied
	invFreq   *torch.Tensor // [1, headDim], fp32: the rotary frequencies, twice over
	ropeScale float64
	active    *Adapter // takes part in every pass; nil for none
	fitRows   int      // completions at once that are generated since more did not fit into memory; 0 for any
}

// block holds the weights of one transformer layer; those a family lacks are nil.
type block struct {
	inputNorm, postNorm *Param
	qkv                 [3]linear // they share their input
	o                   linear
	qNorm, kNorm        *Param
	gateUp              [2]linear // they share their input
	down                linear
}

// linear is one linear layer; bias may be nil.
type linear struct{ weight, bias *Param }

// Options say where a model goes and what for.
type Options struct {
	Device torch.Device
	DType  torch.DType // Float32 or BFloat16
	Train  bool        // keep fp32 masters that record gradients; without, an adapter can still be trained
}

// Load brings the weights of src to a device. The tensors belong to the current scope.
func Load(src *files.Model, o Options) (*Model, error) {
	m := &Model{Config: src.Config, Device: o.Device, DType: o.DType}
	if err := m.read(src, o); err != nil {
		return nil, err
	}
	byName := map[string]*Param{}
	for _, p := range m.params {
		byName[p.Name] = p
	}
	m.bind(byName)
	freq, scale := m.Config.InvFreq()
	m.invFreq = torch.FromFloat32s(append(freq, freq...), torch.Float32, o.Device, 1, 2*len(freq))
	m.ropeScale = scale
	return m, nil
}

// readAhead is how many numbers may have been read, or be read, beside those of one tensor.
const readAhead = 1 << 24

// read makes the parameters. All processors read, some tensors at a time; libtorch's threads wait
// for more work by being busy, so one converts what has been read.
func (m *Model) read(src *files.Model, o Options) error {
	if o.Device == torch.CPU {
		torch.Populate(m.bytes(o))
	}
	defer torch.SetThreads(torch.Threads())
	torch.SetThreads(1)
	type reading struct {
		name   string
		values *torch.Tensor
		done   chan error
	}
	var queue []reading
	var readers sync.WaitGroup
	defer readers.Wait() // what they write to must not be gone
	queued := 0
	finish := func(most int) error { // readings, the oldest first, until at most so many numbers are in the queue
		for len(queue) > 0 && queued > most {
			r := queue[0]
			if err := <-r.done; err != nil {
				return err
			}
			queue, queued = queue[1:], queued-r.values.Numel()
			m.params = append(m.params, newParam(r.name, r.values, o))
		}
		return nil
	}
	for _, spec := range m.Config.Tensors() {
		if err := finish(readAhead); err != nil {
			return err
		}
		r := reading{spec.Name, torch.Empty(torch.Float32, torch.CPU, spec.Shape...), make(chan error, 1)}
		into := r.values.Host()
		readers.Go(func() { r.done <- src.ReadTo(r.name, into) })
		queue, queued = append(queue, r), queued+len(into)
	}
	return finish(-1)
}

// bytes is what the parameters take.
func (m *Model) bytes(o Options) (n int) {
	size := o.DType.Size()
	if o.Train {
		size = torch.Float32.Size() // in bf16 in two parts
	}
	for _, spec := range m.Config.Tensors() {
		n += int(spec.Numel()) * size
	}
	return n
}

// bind hangs the parameters where the forward pass looks for them.
func (m *Model) bind(p map[string]*Param) {
	m.embed, m.norm, m.head = p["model.embed_tokens.weight"], p["model.norm.weight"], p["lm_head.weight"]
	if m.head == nil {
		m.head = m.embed
	}
	for i := range m.Config.NumLayers {
		at := func(name string) *Param { return p[fmt.Sprintf("model.layers.%d.%s", i, name)] }
		layer := func(name string) linear { return linear{at(name + ".weight"), at(name + ".bias")} }
		m.layers = append(m.layers, block{
			inputNorm: at("input_layernorm.weight"), postNorm: at("post_attention_layernorm.weight"),
			qkv: [3]linear{layer("self_attn.q_proj"), layer("self_attn.k_proj"), layer("self_attn.v_proj")},
			o:   layer("self_attn.o_proj"), qNorm: at("self_attn.q_norm.weight"), kNorm: at("self_attn.k_norm.weight"),
			gateUp: [2]linear{layer("mlp.gate_proj"), layer("mlp.up_proj")}, down: layer("mlp.down_proj"),
		})
	}
}

// Params are the weights, in the order of Config.Tensors; those of an adapter are not among them.
func (m *Model) Params() []*Param { return m.params }

// trained are the weights that training changes: the model's, and those of the active adapter.
func (m *Model) trained() []*Param {
	all := m.params
	if m.active != nil {
		all = append(m.active.Params(), all...)
	}
	return slices.DeleteFunc(slices.Clone(all), func(p *Param) bool { return !p.trained })
}
