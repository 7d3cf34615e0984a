// Package tokenizer turns text into token ids and back, to the id as the
// Hugging Face tokenizers library does (release 0.23), in pure Go.
//
// It reads tokenizer.json files whose model is BPE: byte-level (GPT-2, Llama 3,
// Qwen, SmolLM) and SentencePiece-style with byte fallback (Llama 2, Mistral),
// and the vocabularies inside GGUF files. A component it does not know is
// refused by its name and place; nothing is skipped in silence. What only
// matters to offsets or batches (trim_offsets, truncation, padding) is ignored.
// Characters that Unicode added after version 15, the one Go knows, are no
// letters or digits here; the reference knows Unicode 16.
package tokenizer
