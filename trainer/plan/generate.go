package plan

import "github.com/rlkd/rlkd/model/files"

// prefillTokens is how many tokens of prompts are run at once (model.prefillTokens).
const prefillTokens = 16384

// generate are the parts of sampling from a model.
//
//	KV cache         2 L rows width K b, all of it from the beginning
//	packed weights   2 a weight of the layers' matrices and the head: the copy that kernels read
//	prompts at work  the first pass over prompts, see prefill
//	logits           rows V b, and where they are filtered 32 rows V: sorted, with their order;
//	                 with our kernels 4 rows V, in fp32
func (j Job) generate(c files.Config, s Sampling) []Part {
	d, b := sizes(c), j.bytes()
	rows := min(s.Rows, s.Prompts*s.PerPrompt)
	prompts := (rows + s.PerPrompt - 1) / s.PerPrompt
	width := int64(s.Prompt + s.Completion)
	logits := int64(rows) * d.V * b
	if s.Filtered && j.Kernels {
		logits += 4 * int64(rows) * d.V
	} else if s.Filtered {
		logits += 32 * int64(rows) * d.V
	}
	prompts = min(prompts, max(1, prefillTokens/s.Prompt))
	tokens := prompts * s.Prompt
	if s.SharedBy > 0 { // and computed once
		tokens -= s.Shared * (prompts - (prompts+s.SharedBy-1)/s.SharedBy)
	}
	first := shape{P: roundUp(tokens), N: int64(prompts), T: int64(s.Prompt)}
	return []Part{
		{"KV cache", 2 * d.L * int64(rows) * width * d.K * b},
		j.packed(c),
		{"prompts at work", j.prefill(c, first, int64(prompts*s.PerPrompt))},
		{"logits", logits},
	}
}

// packed is the second copy of the weights that decoding by kernels uses.
func (j Job) packed(c files.Config) Part {
	if !j.Kernels {
		return Part{}
	}
	return Part{"packed weights", 2 * (matrices(c) + int64(c.VocabSize)*int64(c.HiddenSize))}
}

// prefill are the temporaries of one layer on whole prompts without a graph:
//
//	P (7 H + 3 Q + 5 K + 3 I) b   what the layer makes on its way
//	2 rows T K b                  the keys and values on their way into the cache
//	N T (2 Q + 2 K) b + P I b     without our kernels: q, k, v and the result of attention, padded,
//	                              and silu(gate)
func (j Job) prefill(c files.Config, s shape, rows int64) int64 {
	d, b := sizes(c), j.bytes()
	bytes := s.P*(7*d.H+3*d.Q+5*d.K+3*d.I)*b + 2*rows*s.T*d.K*b
	if !j.Kernels {
		bytes += s.places()*(2*d.Q+2*d.K)*b + s.P*d.I*b
	}
	return bytes
}

// choiceTokens is how many tokens of questions are looked at together (trainer.budget).
const choiceTokens = 4096

// choose are the parts of a model that says how likely yes and no are: one pass over questions,
// and the logits of one token of each in fp32, with their exponentials. Questions are taken to
// have 128 tokens or more.
func (j Job) choose(c files.Config) []Part {
	s := shape{P: choiceTokens, N: choiceTokens / 128, T: 128}
	return []Part{
		{"prompts at work", j.prefill(c, s, 0)},
		{"logits", s.N * int64(c.VocabSize) * (8 + j.bytes())},
	}
}
