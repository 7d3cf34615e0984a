package files

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
)

// saveText writes everything but the weights.
func (m *Model) saveText(dir string, d DType) error {
	if err := writeJSON(filepath.Join(dir, configFile), m.configFields(d)); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, generationFile), m.generationFields()); err != nil {
		return err
	}
	return m.saveTokenizer(dir)
}

// saveTokenizer writes the tokenizer and the chat template.
func (m *Model) saveTokenizer(dir string) error {
	tokenizer, err := m.Tokenizer()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name   string
		fields map[string]any
	}{
		{tokenizerConfig, m.tokenizerFields()},
		{specialTokensFile, m.specialFields()},
	} {
		if err := writeJSON(filepath.Join(dir, f.name), f.fields); err != nil {
			return err
		}
	}
	data, err := tokenizer.JSON()
	if err != nil {
		return err
	}
	if err := writeBytes(filepath.Join(dir, tokenizerFile), data); err != nil {
		return err
	}
	template := m.hf.template
	if m.gguf != nil {
		template = m.ChatTemplate
	}
	if template == "" {
		return nil // there is none, or tokenizer_config.json has it
	}
	return writeBytes(filepath.Join(dir, templateFile), []byte(template))
}

func writeBytes(path string, data []byte) error {
	return writeFile(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// writeJSON writes keys in sorted order, and templates and tokens readable:
// < and > as they are.
func writeJSON(path string, fields map[string]any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(fields); err != nil {
		return err
	}
	return writeBytes(path, text.Bytes())
}

// copyOf returns the fields of a source's file as a start for the saved one.
func copyOf(o *object) map[string]any {
	fields := make(map[string]any)
	if o != nil {
		for key, raw := range o.fields {
			fields[key] = raw
		}
	}
	return fields
}

// dtypeNames are the names of the formats in a config.json.
var dtypeNames = map[DType]string{F32: "float32", F16: "float16", BF16: "bfloat16"}

// architectures are transformers' classes of the families.
var architectures = map[Family]string{Llama: "LlamaForCausalLM", Qwen2: "Qwen2ForCausalLM", Qwen3: "Qwen3ForCausalLM"}

// configFields are those of config.json: what the source's has, under the
// configuration in both spellings, that of transformers 5 (dtype,
// rope_parameters) and the older one (torch_dtype, rope_theta, rope_scaling).
func (m *Model) configFields(d DType) map[string]any {
	c := m.Config
	fields := copyOf(m.hf.config)
	delete(fields, "_name_or_path") // where the source once lay
	delete(fields, "auto_map")      // names Python files that are not copied
	maps.Copy(fields, map[string]any{
		"architectures":           []string{architectures[c.Family]},
		"model_type":              c.Family,
		"vocab_size":              c.VocabSize,
		"hidden_size":             c.HiddenSize,
		"intermediate_size":       c.IntermediateSize,
		"num_hidden_layers":       c.NumLayers,
		"num_attention_heads":     c.NumHeads,
		"num_key_value_heads":     c.NumKVHeads,
		"head_dim":                c.HeadDim,
		"hidden_act":              "silu",
		"max_position_embeddings": c.MaxPositionEmbeddings,
		"initializer_range":       c.InitializerRange,
		"rms_norm_eps":            c.RMSNormEps,
		"tie_word_embeddings":     c.TieWordEmbeddings,
		"dtype":                   dtypeNames[d],
		"torch_dtype":             dtypeNames[d],
		"rope_theta":              decimal(c.RopeTheta),
		"rope_scaling":            nil,
		"bos_token_id":            idOrNull(c.BOS),
		"eos_token_id":            oneOrList(c.EOS),
		"pad_token_id":            idOrNull(c.Pad),
	})
	if c.Family != Qwen2 { // whose biases are fixed
		fields["attention_bias"] = c.AttentionBias
	}
	if c.Family == Llama {
		fields["mlp_bias"] = c.MLPBias
	}
	if c.RopeScaling.Type != RopeDefault {
		fields["rope_scaling"] = c.RopeScaling.fields()
	}
	parameters := c.RopeScaling.fields()
	parameters["rope_theta"] = decimal(c.RopeTheta)
	fields["rope_parameters"] = parameters
	return fields
}

// decimal is a number that is written with a decimal point even when it is
// whole, as transformers wants RoPE's, lest it warns.
type decimal float64

// MarshalJSON implements json.Marshaler.
func (d decimal) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(float64(d))
	if err == nil && !bytes.ContainsAny(text, ".e") {
		text = append(text, ".0"...)
	}
	return text, err
}

// fields are the keys of rope_scaling, those alone that the type uses and the
// source gave.
func (r RopeScaling) fields() map[string]any {
	fields := map[string]any{"rope_type": r.Type}
	for key, v := range map[string]float64{
		"factor": r.Factor, "low_freq_factor": r.LowFreqFactor, "high_freq_factor": r.HighFreqFactor,
		"attention_factor": r.AttentionFactor, "beta_fast": r.BetaFast, "beta_slow": r.BetaSlow,
		"mscale": r.MScale, "mscale_all_dim": r.MScaleAllDim,
	} {
		if v != 0 {
			fields[key] = decimal(v)
		}
	}
	if r.OriginalContext != 0 {
		fields["original_max_position_embeddings"] = r.OriginalContext
	}
	if r.Type == RopeYarn && !r.Truncate {
		fields["truncate"] = false
	}
	return fields
}

// generationFields are those of generation_config.json: the source's, and every
// id that ends a completion, which transformers looks for here alone.
func (m *Model) generationFields() map[string]any {
	fields := copyOf(m.hf.generation)
	fields["eos_token_id"] = oneOrList(m.Stop)
	for key, id := range map[string]int{"bos_token_id": m.Config.BOS, "pad_token_id": m.Config.Pad} {
		if _, ok := fields[key]; !ok && id >= 0 {
			fields[key] = id
		}
	}
	return fields
}

// tokenizerFields are those of tokenizer_config.json. The class made where
// there is no such file is the one that does what tokenizer.json says.
func (m *Model) tokenizerFields() map[string]any {
	fields := copyOf(m.hf.tokenizer)
	if len(fields) > 0 {
		return fields
	}
	for name, token := range m.SpecialTokens {
		fields[name] = token
	}
	fields["tokenizer_class"] = "PreTrainedTokenizerFast"
	fields["clean_up_tokenization_spaces"] = false
	fields["model_max_length"] = m.Config.MaxPositionEmbeddings
	if m.ChatTemplate != "" {
		fields["chat_template"] = m.ChatTemplate
	}
	return fields
}

// specialFields are those of special_tokens_map.json.
func (m *Model) specialFields() map[string]any {
	fields := copyOf(m.hf.special)
	for name, token := range m.SpecialTokens {
		if _, ok := fields[name]; !ok {
			fields[name] = token
		}
	}
	return fields
}

func idOrNull(id int) any {
	if id < 0 {
		return nil
	}
	return id
}

func oneOrList(ids []int) any {
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return ids[0]
	}
	return ids
}
