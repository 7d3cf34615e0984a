package files

import (
	"fmt"
	"slices"
	"strings"
)

// parseHFConfig reads a config.json as transformers 5.23 does, in the older
// spelling (rope_theta, rope_scaling, torch_dtype) and in the one of
// transformers 5 (rope_parameters, dtype). Values transformers would default
// in a way that differs between models must be there. What would change the
// model's output and is not supported is an error that names the key.
func parseHFConfig(o *object) (Config, error) {
	o.require("model_type")
	name := o.text("model_type", "")
	if o.err != nil {
		return Config{}, o.err
	}
	family, err := parseFamily(name)
	if err != nil {
		return Config{}, fmt.Errorf("%s: model_type: %w", o.where, err)
	}
	c := Config{
		Family:                family,
		VocabSize:             o.needInteger("vocab_size"),
		HiddenSize:            o.needInteger("hidden_size"),
		IntermediateSize:      o.needInteger("intermediate_size"),
		NumLayers:             o.needInteger("num_hidden_layers"),
		NumHeads:              o.needInteger("num_attention_heads"),
		RMSNormEps:            o.needNumber("rms_norm_eps"),
		MaxPositionEmbeddings: o.needInteger("max_position_embeddings"),
		TieWordEmbeddings:     o.boolean("tie_word_embeddings", false),
		InitializerRange:      o.number("initializer_range", 0.02),
		QKNorm:                family == Qwen3,
		Pad:                   o.integer("pad_token_id", -1),
	}
	c.readEnds(o)
	c.readHeads(o)
	c.setBiases(o.boolean("attention_bias", false), o.boolean("mlp_bias", false))
	c.readDType(o)
	c.readRope(o)
	c.refuse(o)
	if o.err != nil {
		return Config{}, o.err
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", o.where, err)
	}
	return c, nil
}

// readEnds reads the ids that begin and end a text. LlamaConfig alone has ids
// of its own for a key that is absent, though not for one that is null.
func (c *Config) readEnds(o *object) {
	c.BOS, c.EOS = o.integer("bos_token_id", -1), o.integers("eos_token_id")
	if c.Family != Llama {
		return
	}
	if _, ok := o.fields["bos_token_id"]; !ok {
		c.BOS = 1
	}
	if _, ok := o.fields["eos_token_id"]; !ok {
		c.EOS = []int{2}
	}
}

// readHeads reads the head counts and sizes. Only llama's key and value heads
// and only llama's and qwen2's head_dim can be left out: elsewhere transformers
// falls back to the numbers of one particular checkpoint.
func (c *Config) readHeads(o *object) {
	if c.Family != Llama {
		o.require("num_key_value_heads")
	}
	c.NumKVHeads = o.integer("num_key_value_heads", c.NumHeads)
	if c.Family == Qwen3 {
		o.require("head_dim")
	}
	if !o.has("head_dim") && c.NumHeads > 0 {
		if c.HiddenSize%c.NumHeads != 0 {
			o.fail("num_attention_heads", "%d does not divide hidden_size %d, and head_dim is missing", c.NumHeads, c.HiddenSize)
		}
		c.HeadDim = c.HiddenSize / c.NumHeads
	}
	c.HeadDim = o.integer("head_dim", c.HeadDim)
}

// setBiases follows modeling_{llama,qwen2,qwen3}.py: attention_bias covers all
// four projections, but qwen2 has biases on q, k and v, whatever it says, and
// only llama can have them in the MLP.
func (c *Config) setBiases(attention, mlp bool) {
	c.AttentionBias = attention || c.Family == Qwen2
	c.OutputBias = attention && c.Family != Qwen2
	c.MLPBias = mlp && c.Family == Llama
}

// readDType reads what the weights are meant to be kept in; a config.json that
// does not say so means fp32, as in transformers.
func (c *Config) readDType(o *object) {
	key := "dtype"
	if !o.has(key) {
		key = "torch_dtype"
	}
	switch name := strings.TrimPrefix(o.text(key, "float32"), "torch."); name {
	case "float32":
		c.DType = F32
	case "float16":
		c.DType = F16
	case "bfloat16":
		c.DType = BF16
	default:
		o.fail(key, "%q is not supported (supported: float32, float16, bfloat16)", name)
	}
}

// defaultTheta is transformers' base period where a config.json gives none.
const defaultTheta = 10_000

// readRope reads rope_scaling with rope_theta beside it, or rope_parameters
// with rope_theta inside. Where both are given rope_scaling wins, as in
// transformers' convert_rope_params_to_dict.
func (c *Config) readRope(o *object) {
	key := "rope_scaling"
	if len(o.object(key).fields) == 0 {
		key = "rope_parameters"
	}
	r := o.object(key)
	for _, layers := range []string{"full_attention", "sliding_attention"} {
		if r.has(layers) {
			r.fail(layers, "RoPE by kind of layer is not supported")
		}
	}
	c.RopeTheta = r.number("rope_theta", o.number("rope_theta", defaultTheta))
	if f := r.number("partial_rotary_factor", o.number("partial_rotary_factor", 1)); f != 1 {
		o.fail("partial_rotary_factor", "%g is not supported (supported: 1)", f)
	}
	context := r.integer("original_max_position_embeddings", c.MaxPositionEmbeddings)
	context = o.integer("original_max_position_embeddings", context)

	s := RopeScaling{Type: RopeType(r.text("rope_type", r.text("type", string(RopeDefault))))}
	switch s.Type {
	case RopeDefault:
	case RopeLinear:
		s.Factor = r.needNumber("factor")
	case RopeLlama3:
		s.Factor = r.needNumber("factor")
		s.LowFreqFactor = r.needNumber("low_freq_factor")
		s.HighFreqFactor = r.needNumber("high_freq_factor")
		s.OriginalContext = context
	case RopeYarn:
		s.OriginalContext = context
		s.Factor = r.number("factor", float64(c.MaxPositionEmbeddings)/float64(max(context, 1)))
		s.AttentionFactor = r.number("attention_factor", 0)
		s.BetaFast = r.number("beta_fast", 0)
		s.BetaSlow = r.number("beta_slow", 0)
		s.MScale = r.number("mscale", 0)
		s.MScaleAllDim = r.number("mscale_all_dim", 0)
		s.Truncate = r.boolean("truncate", true)
	default:
		r.fail("rope_type", "%q is not supported (supported: default, linear, llama3, yarn)", string(s.Type))
	}
	c.RopeScaling = s
	if o.err == nil {
		o.err = r.err
	}
}

// refuse names every other key of a config.json that changes what the model
// computes in a way this program does not.
func (c *Config) refuse(o *object) {
	if act := o.text("hidden_act", "silu"); act != "silu" {
		o.fail("hidden_act", "%q is not supported (supported: silu)", act)
	}
	if o.has("quantization_config") {
		o.fail("quantization_config", "quantised safetensors are not supported; use the original weights or a GGUF file")
	}
	if d := o.number("attention_dropout", 0); d != 0 {
		o.fail("attention_dropout", "%g is not supported (supported: 0)", d)
	}
	for _, key := range []string{"num_experts", "num_local_experts", "n_routed_experts"} {
		if n := o.integer(key, 0); n != 0 {
			o.fail(key, "%d is not supported (supported: dense models)", n)
		}
	}
	var architectures []string
	o.get("architectures", "a list of strings", &architectures)
	if len(architectures) > 0 && !strings.HasSuffix(architectures[0], "ForCausalLM") {
		o.fail("architectures", "%q is not a causal language model", architectures[0])
	}
	c.refuseSlidingWindow(o)
}

// refuseSlidingWindow accepts only attention over the whole context. A list in
// layer_types overrides use_sliding_window, as in configuration_qwen2.py.
func (c *Config) refuseSlidingWindow(o *object) {
	var layers []string
	o.get("layer_types", "a list of strings", &layers)
	if i := slices.IndexFunc(layers, func(s string) bool { return s != "full_attention" }); i >= 0 {
		o.fail("layer_types", "%q (layer %d) is not supported (supported: full_attention)", layers[i], i)
	}
	if c.Family != Llama && layers == nil && o.boolean("use_sliding_window", false) {
		o.fail("use_sliding_window", "true is not supported (supported: false)")
	}
}
