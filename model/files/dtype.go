package files

// DType is how the numbers of a tensor are stored.
type DType int

// The supported number formats. The Q formats are llama.cpp's: blocks of 32
// numbers along the last axis that share a scale.
const (
	F32  DType = iota + 1 // IEEE 754 binary32
	F16                   // IEEE 754 binary16
	BF16                  // the upper half of an F32
	Q8_0                  // 8 bits: scale·q
	Q4_0                  // 4 bits: scale·(q - 8)
	Q4_1                  // 4 bits: scale·q + minimum
)

var formats = map[DType]struct {
	name     string // in GGUF, and in safetensors where it exists
	numbers  int    // in a block
	bytes    int    // of a block
	ggufType uint32 // enum ggml_type
}{
	F32:  {"F32", 1, 4, 0},
	F16:  {"F16", 1, 2, 1},
	BF16: {"BF16", 1, 2, 30},
	Q8_0: {"Q8_0", 32, 34, 8},
	Q4_0: {"Q4_0", 32, 18, 2},
	Q4_1: {"Q4_1", 32, 20, 3},
}

// String returns the name the format has in GGUF and safetensors.
func (d DType) String() string { return formats[d].name }

// size returns the bytes that n numbers take; n is a multiple of the block.
func (d DType) size(n int64) int64 {
	f := formats[d]
	return n / int64(f.numbers) * int64(f.bytes)
}
