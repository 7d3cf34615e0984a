package files

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// metadata reads the keys of a GGUF file and keeps the first thing that is
// wrong, as object does for JSON.
type metadata struct {
	where  string // the file
	prefix string // the architecture and a dot, put before every key that begins with a dot
	values map[string]any
	err    error
}

func (m *metadata) key(key string) string {
	if strings.HasPrefix(key, ".") {
		return m.prefix + key
	}
	return key
}

func (m *metadata) fail(key, format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf("%s: metadata: %s: %s", m.where, m.key(key), fmt.Sprintf(format, args...))
	}
}

func (m *metadata) has(key string) bool {
	_, ok := m.values[m.key(key)]
	return ok
}

// lookup returns a key's value where it is there and of type T.
func lookup[T any](m *metadata, key, want string, absent T) T {
	v, ok := m.values[m.key(key)]
	if !ok {
		return absent
	}
	t, ok := v.(T)
	if !ok {
		m.fail(key, "want %s, have %s", want, describe(v))
	}
	return t
}

func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %.40q", v)
	case bool, uint64, int64, float64:
		return fmt.Sprint(v)
	default:
		return "a list"
	}
}

func (m *metadata) integer(key string, absent int) int {
	switch v := m.values[m.key(key)].(type) {
	case nil:
		return absent
	case uint64:
		if v <= math.MaxInt32 {
			return int(v)
		}
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return int(v)
		}
	}
	m.fail(key, "want a whole number, have %s", describe(m.values[m.key(key)]))
	return 0
}

func (m *metadata) needInteger(key string) int {
	if !m.has(key) {
		m.fail(key, "missing")
	}
	return m.integer(key, 0)
}

// number reads a float32 as the decimal a person would have written: 1e-5,
// not 9.999999747378752e-06, so that a configuration read from GGUF equals the
// one it was converted from.
func (m *metadata) number(key string, absent float64) float64 {
	return shortest(lookup(m, key, "a number", absent))
}

// ggufConfig reads the hyper-parameters from a GGUF file's metadata. What the
// metadata leave out is read off the tensors: the vocabulary from the
// embedding, a tied head from the absence of output.weight, biases from those
// of the first layer.
func ggufConfig(path string, g *gguf) (Config, error) {
	m := &metadata{where: path, values: g.values}
	name := lookup(m, "general.architecture", "a string", "")
	if m.err != nil {
		return Config{}, m.err
	}
	family, err := parseFamily(name)
	if err != nil {
		return Config{}, fmt.Errorf("%s: metadata: general.architecture: %w", path, err)
	}
	m.prefix = name
	c := Config{
		Family:                family,
		HiddenSize:            m.needInteger(".embedding_length"),
		IntermediateSize:      m.needInteger(".feed_forward_length"),
		NumLayers:             m.needInteger(".block_count"),
		NumHeads:              m.needInteger(".attention.head_count"),
		MaxPositionEmbeddings: m.needInteger(".context_length"),
		RMSNormEps:            m.number(".attention.layer_norm_rms_epsilon", 0),
		InitializerRange:      0.02,
		DType:                 F32,
		BOS:                   m.integer("tokenizer.ggml.bos_token_id", -1),
		Pad:                   m.integer("tokenizer.ggml.padding_token_id", -1),
		TieWordEmbeddings:     !g.holds("output.weight"),
		QKNorm:                family == Qwen3,
	}
	c.setBiases(g.holds("blk.0.attn_q.bias"), g.holds("blk.0.ffn_gate.bias"))
	if id := m.integer("tokenizer.ggml.eos_token_id", -1); id >= 0 {
		c.EOS = []int{id}
	}
	c.NumKVHeads = m.integer(".attention.head_count_kv", c.NumHeads)
	if i := slices.IndexFunc(g.tensors, func(t ggufTensor) bool { return t.name == ggufEmbedding }); i >= 0 {
		c.VocabSize = g.tensors[i].shape[0]
	}
	c.readGGUFHeadDim(m)
	c.readGGUFRope(m)
	c.refuseGGUF(m)
	if m.err != nil {
		return Config{}, m.err
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: metadata: %w", path, err)
	}
	return c, c.readRopeFactors(path, g)
}

func (g *gguf) holds(tensor string) bool {
	return slices.ContainsFunc(g.tensors, func(t ggufTensor) bool { return t.name == tensor })
}

func (c *Config) readGGUFHeadDim(m *metadata) {
	if c.NumHeads > 0 {
		c.HeadDim = c.HiddenSize / c.NumHeads
		if !m.has(".attention.key_length") && c.HiddenSize%c.NumHeads != 0 {
			m.fail(".attention.head_count", "%d does not divide embedding_length %d", c.NumHeads, c.HiddenSize)
		}
	}
	c.HeadDim = m.integer(".attention.key_length", c.HeadDim)
	for _, key := range []string{".attention.value_length", ".rope.dimension_count"} {
		if n := m.integer(key, c.HeadDim); n != c.HeadDim {
			m.fail(key, "%d is not supported (supported: the head size %d)", n, c.HeadDim)
		}
	}
}

func (c *Config) readGGUFRope(m *metadata) {
	c.RopeTheta = m.number(".rope.freq_base", defaultTheta)
	s := RopeScaling{Type: RopeDefault}
	switch kind := lookup(m, ".rope.scaling.type", "a string", "none"); kind {
	case "none":
	case "linear":
		s.Type = RopeLinear
		s.Factor = m.number(".rope.scaling.factor", 1)
	case "yarn":
		s.Type = RopeYarn
		s.Factor = m.number(".rope.scaling.factor", 1)
		s.OriginalContext = m.integer(".rope.scaling.original_context_length", c.MaxPositionEmbeddings)
		s.BetaFast = m.number(".rope.scaling.yarn_beta_fast", 0)
		s.BetaSlow = m.number(".rope.scaling.yarn_beta_slow", 0)
		s.Truncate = true
	default:
		m.fail(".rope.scaling.type", "%q is not supported (supported: none, linear, yarn)", kind)
	}
	if factor := m.number(".rope.scale_linear", 1); factor != 1 && s.Type == RopeDefault {
		s = RopeScaling{Type: RopeLinear, Factor: factor}
	}
	c.RopeScaling = s
}

// refuseGGUF names the other keys that change what the model computes.
func (c *Config) refuseGGUF(m *metadata) {
	for _, k := range []struct {
		key   string
		plain float64
	}{
		{".rope.scaling.attn_factor", 1},
		{".rope.scaling.yarn_attn_factor", 1},
		{".rope.scaling.yarn_ext_factor", 1},
		{".rope.scaling.yarn_log_multiplier", 0},
		{".attention.scale", 0},
		{".attention.clamp_kqv", 0},
		{".logit_scale", 0},
		{".residual_scale", 0},
		{".embedding_scale", 0},
	} {
		if v := m.number(k.key, k.plain); v != k.plain {
			m.fail(k.key, "%g is not supported (supported: %g)", v, k.plain)
		}
	}
	for _, key := range []string{".expert_count", ".attention.sliding_window"} {
		if n := m.integer(key, 0); n != 0 {
			m.fail(key, "%d is not supported (supported: 0)", n)
		}
	}
	if !lookup(m, ".attention.causal", "true or false", true) {
		m.fail(".attention.causal", "false is not supported (supported: true)")
	}
	if n := m.integer("split.count", 1); n > 1 {
		m.fail("split.count", "a model in %d files is not supported; join them with llama-gguf-split --merge", n)
	}
}

// llama3Context is the context Llama 3 was trained in before its RoPE was
// stretched, with the two other constants of every Llama 3.1 and 3.2 model.
// llama.cpp stores none of the three.
const (
	llama3Context  = 8192
	llama3LowFreq  = 1
	llama3HighFreq = 4
)

// readRopeFactors recovers llama3 scaling from rope_freqs.weight, where
// llama.cpp's converter keeps only what it amounts to: the divisor of each
// frequency. The recovered scaling must give those divisors back.
func (c *Config) readRopeFactors(path string, g *gguf) error {
	i := slices.IndexFunc(g.tensors, func(t ggufTensor) bool { return t.name == ggufRopeFactors })
	if i < 0 {
		return nil
	}
	if n := g.tensors[i].numel(); n != c.HeadDim/2 {
		return fmt.Errorf("%s: %s: %d numbers, not %d", path, ggufRopeFactors, n, c.HeadDim/2)
	}
	divisors, err := g.tensors[i].read()
	if err != nil {
		return err
	}
	if slices.Max(divisors) == 1 && slices.Min(divisors) == 1 {
		return nil
	}
	scaled := *c
	scaled.RopeScaling = RopeScaling{
		Type: RopeLlama3, Factor: float64(slices.Max(divisors)),
		LowFreqFactor: llama3LowFreq, HighFreqFactor: llama3HighFreq, OriginalContext: llama3Context,
	}
	plain, _ := c.InvFreq()
	stretched, _ := scaled.InvFreq()
	for i, d := range divisors {
		if c.RopeScaling.Type != RopeDefault || !(math.Abs(float64(plain[i]/stretched[i]/d)-1) < 1e-4) {
			return fmt.Errorf("%s: %s: not the llama3 scaling of a Llama 3 model; use its Hugging Face directory", path, ggufRopeFactors)
		}
	}
	*c = scaled
	return nil
}
