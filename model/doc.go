// Package model holds decoder-only language models of the llama, qwen2 and qwen3 families,
// written with package torch: weights in and out, the forward pass, log-probabilities with
// their gradients, and generation.
//
// One forward serves all of it ([Model.layer]). It works on packed tokens, [P, hidden]: the
// tokens of all sequences one after the other, a shared prompt only once, nothing padded.
// What differs between training, prefill and decoding is how a token sees the others, so
// that is a function handed in: packed for training and prefill (pack.go), over a cache for
// decoding (cache.go).
//
// Everything here runs on the engine (torch.Run) and, unless a comment says otherwise,
// reports failed operations by the panics that torch.Run and torch.Try turn into errors.
package model
