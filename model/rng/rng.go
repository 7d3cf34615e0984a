// Package rng draws random numbers as a pure function of what they are for.
//
// Every number comes from Philox4x64-10, a counter-based generator: it has no state to
// carry along, so a completion does not depend on which others are sampled beside it, and
// a resumed run continues exactly without a saved generator.
package rng

import "math/bits"

// The round multipliers and key increments of Philox4x64, from Salmon, Moraes, Dror and
// Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, table 2 and section 4.3.
const (
	multiplier0 = 0xD2E7470EE14C6C93
	multiplier1 = 0xCA5A826395121157
	weyl0       = 0x9E3779B97F4A7C15
	weyl1       = 0xBB67AE8584CAA73B
	rounds      = 10
)

// Block returns the 256 random bits that Philox4x64-10 assigns to counter under key.
func Block(key [2]uint64, counter [4]uint64) [4]uint64 {
	k0, k1 := key[0], key[1]
	c := counter
	for range rounds {
		hi0, lo0 := bits.Mul64(multiplier0, c[0])
		hi1, lo1 := bits.Mul64(multiplier1, c[2])
		c = [4]uint64{hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0}
		k0 += weyl0
		k1 += weyl1
	}
	return c
}

// uniformKey is the second key word of [Uniform]; a [Stream] uses others, so that the two
// never read the same block.
const uniformKey = 0

// Uniform returns the number in the open interval (0, 1) that belongs to one sampled token:
// the run's seed, the training step, the prompt, the sample among the prompt's completions,
// and the position of the token in the completion. It is a multiple of 2^-24 with an odd
// numerator, hence never 0 and never 1, and exact as a float32.
func Uniform(seed, step, prompt, sample, position uint64) float32 {
	x := Block([2]uint64{seed, uniformKey}, [4]uint64{position, sample, prompt, step})[0]
	return float32(x>>41<<1|1) / (1 << 24)
}

// Keep sets each byte of dst to 1 with the given probability, to the nearest multiple of
// 2^-16, else to 0: the mask of a dropout. It is a function of the seed and of what the mask
// is for alone.
func Keep(dst []byte, probability float64, seed uint64, what [3]uint64) {
	limit := uint64(probability*(1<<16) + 0.5)
	key := [2]uint64{seed, uint64(dropout)}
	for lo := 0; lo < len(dst); lo += 16 {
		block := Block(key, [4]uint64{uint64(lo / 16), what[0], what[1], what[2]})
		for i := range dst[lo:min(lo+16, len(dst))] {
			bits := block[i/4] >> (16 * (i % 4)) & 0xFFFF
			dst[lo+i] = byte((bits - limit) >> 63) // 1 where bits is below limit
		}
	}
}

// Stream is an endless sequence of random numbers named by a seed, a purpose and an index.
// Streams that differ in any of the three are independent. The zero value is not for use;
// call [NewStream]. A Stream is not safe for concurrent use.
type Stream struct {
	key     [2]uint64
	counter [4]uint64
	block   [4]uint64
	left    int // words of block not yet handed out
}

// Purpose tells apart the streams of one seed.
type Purpose uint64

// The purposes in use. Their values are part of what makes a run repeatable: add, never renumber.
// From 0x77700 on they are those of trainer/recipes/wordproblems.
const (
	Shuffle   Purpose = 1 // order of the rows in an epoch; index = epoch
	Bootstrap Purpose = 2 // resampling of problems; index = number of the statistic
	LoRA      Purpose = 3 // an adapter's start; index = number of the tensor
	dropout   Purpose = 4 // see [Keep]
)

// NewStream returns the stream of the given seed, purpose and index, at its start.
func NewStream(seed uint64, purpose Purpose, index uint64) *Stream {
	return &Stream{key: [2]uint64{seed, uint64(purpose)}, counter: [4]uint64{0, index, 0, 0}}
}

// Uint64 returns the next 64 random bits; it makes a Stream a Source of math/rand/v2.
func (s *Stream) Uint64() uint64 {
	if s.left == 0 {
		s.block = Block(s.key, s.counter)
		s.counter[0]++
		s.left = len(s.block)
	}
	s.left--
	return s.block[len(s.block)-1-s.left]
}

// Float64 returns the next number in [0, 1), a multiple of 2^-53.
func (s *Stream) Float64() float64 {
	return float64(s.Uint64()>>11) / (1 << 53)
}

// IntN returns the next integer in [0, n), without bias. It panics when n is not positive.
func (s *Stream) IntN(n int) int {
	if n <= 0 {
		panic("rng: IntN needs a positive bound")
	}
	// Lemire, "Fast random integer generation in an interval", 2019: the high word of
	// x·n is uniform once the few low words that would favour some values are rejected.
	bound := uint64(n)
	hi, lo := bits.Mul64(s.Uint64(), bound)
	for threshold := -bound % bound; lo < threshold; {
		hi, lo = bits.Mul64(s.Uint64(), bound)
	}
	return int(hi)
}

// Perm returns a random permutation of 0 … n-1.
func (s *Stream) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := s.IntN(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}
