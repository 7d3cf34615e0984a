package files

import (
	"fmt"
	"slices"
	"strings"
)

// Family is the architecture of a model, by the model_type transformers gives it.
type Family string

// The families this program can run.
const (
	Llama Family = "llama" // Llama 1-3, SmolLM2 and what shares their code
	Qwen2 Family = "qwen2" // Qwen2, Qwen2.5, DeepSeek-R1-Distill-Qwen
	Qwen3 Family = "qwen3" // Qwen3, dense
)

var families = []Family{Llama, Qwen2, Qwen3}

// Config holds the hyper-parameters of a decoder-only language model, under
// the names of its config.json.
type Config struct {
	Family           Family
	VocabSize        int // rows of the embedding, at least the tokenizer's size
	HiddenSize       int
	IntermediateSize int
	NumLayers        int
	NumHeads         int
	NumKVHeads       int // divides NumHeads
	HeadDim          int // even; NumHeads*HeadDim may differ from HiddenSize

	RMSNormEps            float64
	RopeTheta             float64
	RopeScaling           RopeScaling
	MaxPositionEmbeddings int

	TieWordEmbeddings bool // lm_head is the embedding
	AttentionBias     bool // q_proj, k_proj and v_proj have a bias
	OutputBias        bool // o_proj has a bias
	MLPBias           bool // gate_proj, up_proj and down_proj have a bias
	QKNorm            bool // each head of q and k is RMS-normalised before RoPE

	InitializerRange float64
	DType            DType // the type the weights are meant to be kept in

	BOS int   // -1 when there is none
	EOS []int // every id config.json or the GGUF file lists as the end of a text
	Pad int   // -1 when there is none
}

// RopeType is a kind of RoPE scaling, spelled as in a config.json.
type RopeType string

// The kinds of RoPE scaling.
const (
	RopeDefault RopeType = "default"
	RopeLinear  RopeType = "linear"
	RopeLlama3  RopeType = "llama3"
	RopeYarn    RopeType = "yarn"
)

// RopeScaling says how RoPE frequencies are stretched for a longer context.
// A parameter that its Type does not use is zero. For yarn, the optional
// AttentionFactor, BetaFast, BetaSlow, MScale and MScaleAllDim are zero when
// the file does not give them and take the paper's values.
type RopeScaling struct {
	Type            RopeType
	Factor          float64 // linear, llama3, yarn
	LowFreqFactor   float64 // llama3
	HighFreqFactor  float64 // llama3
	OriginalContext int     // llama3, yarn: original_max_position_embeddings
	AttentionFactor float64 // yarn
	BetaFast        float64 // yarn
	BetaSlow        float64 // yarn
	MScale          float64 // yarn
	MScaleAllDim    float64 // yarn
	Truncate        bool    // yarn: round the correction range to whole dimensions
}

// Sanity bounds: far above any real model, and low enough that a corrupt file
// cannot make the list of tensors exhaust the memory.
const (
	maxLayers = 10_000
	maxSize   = 1 << 28
)

// check reports the first field that no model can have, by its config.json name.
func (c Config) check() error {
	sizes := []struct {
		name  string
		value int
		limit int
	}{
		{"vocab_size", c.VocabSize, maxSize},
		{"hidden_size", c.HiddenSize, maxSize},
		{"intermediate_size", c.IntermediateSize, maxSize},
		{"num_hidden_layers", c.NumLayers, maxLayers},
		{"num_attention_heads", c.NumHeads, maxSize},
		{"num_key_value_heads", c.NumKVHeads, maxSize},
		{"head_dim", c.HeadDim, maxSize},
		{"max_position_embeddings", c.MaxPositionEmbeddings, maxSize},
	}
	for _, s := range sizes {
		if s.value < 1 || s.value > s.limit {
			return fmt.Errorf("%s: %d is not between 1 and %d", s.name, s.value, s.limit)
		}
	}
	switch {
	case c.NumHeads%c.NumKVHeads != 0:
		return fmt.Errorf("num_key_value_heads: %d does not divide num_attention_heads %d", c.NumKVHeads, c.NumHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim: %d is odd, RoPE needs pairs", c.HeadDim)
	case !(c.RMSNormEps > 0 && c.RMSNormEps < 1):
		return fmt.Errorf("rms_norm_eps: %g is not between 0 and 1", c.RMSNormEps)
	case !(c.RopeTheta > 1):
		return fmt.Errorf("rope_theta: %g is not above 1", c.RopeTheta)
	}
	return c.RopeScaling.check()
}

func (r RopeScaling) check() error {
	if r.Type == RopeDefault {
		return nil
	}
	if !(r.Factor > 0) {
		return fmt.Errorf("rope_scaling.factor: %g is not positive", r.Factor)
	}
	if r.Type == RopeLinear {
		return nil
	}
	if r.OriginalContext < 1 || r.OriginalContext > maxSize {
		return fmt.Errorf("rope_scaling.original_max_position_embeddings: %d is not between 1 and %d", r.OriginalContext, maxSize)
	}
	if r.Type == RopeLlama3 && !(r.LowFreqFactor > 0 && r.HighFreqFactor > r.LowFreqFactor) {
		return fmt.Errorf("rope_scaling.high_freq_factor: %g is not above low_freq_factor %g, or that is not positive", r.HighFreqFactor, r.LowFreqFactor)
	}
	for _, v := range []struct {
		name  string
		value float64
	}{
		{"attention_factor", r.AttentionFactor}, {"beta_fast", r.BetaFast}, {"beta_slow", r.BetaSlow},
		{"mscale", r.MScale}, {"mscale_all_dim", r.MScaleAllDim},
	} {
		if !(v.value >= 0) {
			return fmt.Errorf("rope_scaling.%s: %g is negative", v.name, v.value)
		}
	}
	return nil
}

// parseFamily names the family of a config.json's model_type or of a GGUF
// file's general.architecture; the two agree for every supported family.
func parseFamily(name string) (Family, error) {
	if slices.Contains(families, Family(name)) {
		return Family(name), nil
	}
	known := make([]string, len(families))
	for i, f := range families {
		known[i] = string(f)
	}
	return "", fmt.Errorf("%q is not supported (supported: %s)", name, strings.Join(known, ", "))
}
