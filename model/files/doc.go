// Package files is what a decoder-only language model is on disk: its
// hyper-parameters, its tensors by Hugging Face name, its tokenizer, its chat
// template and the tokens that end a text. It reads a Hugging Face directory
// (config.json, *.safetensors, tokenizer.json) or a .gguf file through one
// [Open], and writes Hugging Face directories with [Save].
//
// The package is pure Go and computes nothing but conversions between number
// formats; the model itself lives in package model.
//
// Both containers are read by hand. The Go library for safetensors wants the
// whole file in memory, where one tensor at a time is enough. The Go library
// for GGUF (gpustack/gguf-parser-go 0.28.1) was tried: it strips white space
// from both ends of every string, which changes tokens and chat templates; a
// file of 63 bytes that declares a large split.tensors.count ends the program
// with an out-of-memory error that cannot be recovered; and it leaves reading
// the tensors to its caller, which is most of the work.
package files
