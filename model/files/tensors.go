package files

import (
	"fmt"
	"slices"
	"strings"
)

// TensorSpec is one parameter a model must have.
type TensorSpec struct {
	Name  string // as in transformers' state_dict
	Shape []int  // a weight is [out, in]
}

// Tensors lists every parameter of the model: the embedding, the layers in
// order, the final norm, and lm_head unless it is tied to the embedding.
func (c Config) Tensors() []TensorSpec {
	q, kv := c.NumHeads*c.HeadDim, c.NumKVHeads*c.HeadDim
	specs := []TensorSpec{{"model.embed_tokens.weight", []int{c.VocabSize, c.HiddenSize}}}
	add := func(name string, shape ...int) {
		specs = append(specs, TensorSpec{name, shape})
	}
	linear := func(name string, out, in int, bias bool) {
		add(name+".weight", out, in)
		if bias {
			add(name+".bias", out)
		}
	}
	for i := range c.NumLayers {
		layer := fmt.Sprintf("model.layers.%d.", i)
		add(layer+"input_layernorm.weight", c.HiddenSize)
		linear(layer+"self_attn.q_proj", q, c.HiddenSize, c.AttentionBias)
		linear(layer+"self_attn.k_proj", kv, c.HiddenSize, c.AttentionBias)
		linear(layer+"self_attn.v_proj", kv, c.HiddenSize, c.AttentionBias)
		linear(layer+"self_attn.o_proj", c.HiddenSize, q, c.OutputBias)
		if c.QKNorm {
			add(layer+"self_attn.q_norm.weight", c.HeadDim)
			add(layer+"self_attn.k_norm.weight", c.HeadDim)
		}
		add(layer+"post_attention_layernorm.weight", c.HiddenSize)
		linear(layer+"mlp.gate_proj", c.IntermediateSize, c.HiddenSize, c.MLPBias)
		linear(layer+"mlp.up_proj", c.IntermediateSize, c.HiddenSize, c.MLPBias)
		linear(layer+"mlp.down_proj", c.HiddenSize, c.IntermediateSize, c.MLPBias)
	}
	add("model.norm.weight", c.HiddenSize)
	if !c.TieWordEmbeddings {
		add("lm_head.weight", c.VocabSize, c.HiddenSize)
	}
	return specs
}

// checkTensors compares what is stored with what the configuration asks for.
func (c Config) checkTensors(stored map[string]stored) error {
	if faults := compare(c.Tensors(), stored, c.ignored); faults != "" {
		return fmt.Errorf("tensors do not fit the configuration: %s", faults)
	}
	return nil
}

// compare says in one line how stored tensors differ from those wanted, the first few of each
// kind; "" if they do not. Surplus ones may be ignored.
func compare(specs []TensorSpec, stored map[string]stored, ignored func(name string) bool) string {
	wanted := make(map[string]bool, len(specs))
	var missing, misshaped, surplus []string
	for _, s := range specs {
		wanted[s.Name] = true
		t, ok := stored[s.Name]
		switch {
		case !ok:
			missing = append(missing, s.Name)
		case !slices.Equal(t.shape, s.Shape):
			misshaped = append(misshaped, fmt.Sprintf("%s is %v, not %v", s.Name, t.shape, s.Shape))
		}
	}
	for name := range stored {
		if !wanted[name] && !ignored(name) {
			surplus = append(surplus, name)
		}
	}
	slices.Sort(surplus)
	var faults []string
	for _, f := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"misshaped", misshaped}, {"surplus", surplus}} {
		if len(f.names) > 0 {
			faults = append(faults, fmt.Sprintf("%d %s (%s)", len(f.names), f.what, firstFew(f.names)))
		}
	}
	return strings.Join(faults, "; ")
}

// ignored reports whether a stored tensor that is no parameter is harmless:
// the head a tied model stores a second time, and frequencies that old
// versions of transformers saved and new ones compute.
func (c Config) ignored(name string) bool {
	return c.TieWordEmbeddings && name == "lm_head.weight" || strings.HasSuffix(name, "rotary_emb.inv_freq")
}

// checkTiedHead checks that a head stored beside a tied embedding is a copy of
// it. Where it is not, transformers would use it, whatever the configuration says.
func (m *Model) checkTiedHead() error {
	head, ok := m.tensors["lm_head.weight"]
	if !m.Config.TieWordEmbeddings || !ok {
		return nil
	}
	same, err := sameStored(head, m.tensors["model.embed_tokens.weight"])
	if err == nil && !same {
		err = fmt.Errorf("%s: lm_head.weight is no copy of model.embed_tokens.weight, though tie_word_embeddings is true", m.path)
	}
	return err
}

// firstFew joins at most three names and says that there are more.
func firstFew(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:few], ", ") + ", …"
}
