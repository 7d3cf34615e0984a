package files

import (
	"strconv"
	"strings"
)

const (
	ggufEmbedding   = "token_embd.weight"
	ggufRopeFactors = "rope_freqs.weight"
)

// hfModules maps llama.cpp's name of a module outside the layers to transformers'.
var hfModules = map[string]string{
	"token_embd":  "model.embed_tokens",
	"output_norm": "model.norm",
	"output":      "lm_head",
}

// hfLayerModules maps llama.cpp's name of a module of a layer to transformers'.
var hfLayerModules = map[string]string{
	"attn_norm":   "input_layernorm",
	"attn_q":      "self_attn.q_proj",
	"attn_k":      "self_attn.k_proj",
	"attn_v":      "self_attn.v_proj",
	"attn_output": "self_attn.o_proj",
	"attn_q_norm": "self_attn.q_norm",
	"attn_k_norm": "self_attn.k_norm",
	"ffn_norm":    "post_attention_layernorm",
	"ffn_gate":    "mlp.gate_proj",
	"ffn_up":      "mlp.up_proj",
	"ffn_down":    "mlp.down_proj",
}

// hfName returns transformers' name of a tensor of a GGUF file, and llama.cpp's
// name of its module. An unknown name is returned as it is.
func hfName(name string) (full, module string) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, ""
	}
	module, kind := name[:dot], name[dot:]
	if hf, ok := hfModules[module]; ok {
		return hf + kind, module
	}
	layer, module, ok := strings.Cut(strings.TrimPrefix(module, "blk."), ".")
	hf := hfLayerModules[module]
	if _, err := strconv.ParseUint(layer, 10, 31); !ok || err != nil || hf == "" {
		return name, ""
	}
	return "model.layers." + layer + "." + hf + kind, module
}

// byHFName returns the tensors of a GGUF file under transformers' names, and
// marks those whose rows llama.cpp's converter moved: q and k of the llama
// family (LlamaModel.permute in convert_hf_to_gguf.py).
func (g *gguf) byHFName(c Config) map[string]stored {
	tensors := make(map[string]stored, len(g.tensors))
	for _, t := range g.tensors {
		if t.name == ggufRopeFactors {
			continue // has become the configuration's RopeScaling
		}
		name, module := hfName(t.name)
		s := t.stored
		switch {
		case c.Family == Llama && module == "attn_q":
			s.heads = c.NumHeads
		case c.Family == Llama && module == "attn_k":
			s.heads = c.NumKVHeads
		}
		tensors[name] = s
	}
	return tensors
}
