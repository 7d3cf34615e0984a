package files

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// LoRA says what an adapter is: low-rank terms on linear layers (Hu et al. 2021,
// arXiv 2106.09685), under PEFT's names in adapter_config.json.
type LoRA struct {
	Rank    int      // r
	Alpha   float64  // lora_alpha
	Dropout float64  // lora_dropout: the share of a term's input that is zeroed in training
	Targets []string // target_modules: names of linear layers, or AllLinear
	RSLoRA  bool     // use_rslora: divide by the root of the rank instead of the rank
	Base    string   // base_model_name_or_path: where the model lies that the adapter is for
}

// Linears are the names of the linear layers of a transformer block.
var Linears = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// parent is the module of a block that a linear layer is in.
func parent(linear string) string {
	if i := slices.Index(Linears, linear); i >= 4 {
		return "mlp"
	}
	return "self_attn"
}

// AllLinear as a target stands for all of [Linears].
const AllLinear = "all-linear"

// Scale is the factor of the terms.
func (l LoRA) Scale() float64 {
	if l.RSLoRA {
		return l.Alpha / math.Sqrt(float64(l.Rank))
	}
	return l.Alpha / float64(l.Rank)
}

// Modules are the targets by name, in the order of [Linears].
func (l LoRA) Modules() []string {
	if slices.Contains(l.Targets, AllLinear) {
		return slices.Clone(Linears)
	}
	var out []string
	for _, name := range Linears {
		if slices.Contains(l.Targets, name) {
			out = append(out, name)
		}
	}
	return out
}

// Check returns the first field that no adapter can have, by PEFT's name, and what is wrong
// with it; both are empty if all are well.
func (l LoRA) Check() (key, problem string) {
	switch {
	case l.Rank < 1 || l.Rank > maxSize:
		return "r", fmt.Sprintf("want an integer of 1 or more, got %d", l.Rank)
	case !(l.Alpha > 0) || math.IsInf(l.Alpha, 0):
		return "lora_alpha", fmt.Sprintf("want a number above 0, got %g", l.Alpha)
	case !(l.Dropout >= 0 && l.Dropout < 1):
		return "lora_dropout", fmt.Sprintf("want at least 0 and below 1, got %g", l.Dropout)
	case len(l.Targets) == 0:
		return "target_modules", "want at least one linear layer, or " + AllLinear
	}
	for _, name := range l.Targets {
		if name != AllLinear && !slices.Contains(Linears, name) {
			return "target_modules", fmt.Sprintf("%q is none of %s, %s", name, strings.Join(Linears, ", "), AllLinear)
		}
	}
	return "", ""
}

// LoRAPair is the term of one linear layer: the layer's output gains Scale * B A x.
type LoRAPair struct {
	Weight string     // the layer's weight, as in [Config.Tensors]
	A, B   TensorSpec // [rank, in] and [out, rank], named as in PEFT's files
}

// Pairs lists the terms on a model, in the order of [Config.Tensors].
func (l LoRA) Pairs(c Config) []LoRAPair {
	targets := l.Modules()
	var out []LoRAPair
	for _, s := range c.Tensors() {
		module, weight := strings.CutSuffix(s.Name, ".weight")
		if !weight || !slices.Contains(targets, module[strings.LastIndex(module, ".")+1:]) {
			continue
		}
		name := "base_model.model." + module
		out = append(out, LoRAPair{
			Weight: s.Name,
			A:      TensorSpec{name + ".lora_A.weight", []int{l.Rank, s.Shape[1]}},
			B:      TensorSpec{name + ".lora_B.weight", []int{s.Shape[0], l.Rank}},
		})
	}
	return out
}
