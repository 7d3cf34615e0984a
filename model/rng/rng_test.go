package rng_test

import (
	"math"
	"slices"
	"testing"

	"github.com/rlkd/rlkd/model/rng"
)

// The vectors are the philox4x64 10 lines of Random123's kat_vectors; numpy's Philox bit
// generator prints the same words.
func TestBlockKnownAnswers(t *testing.T) {
	const ones = math.MaxUint64
	for _, c := range []struct {
		key     [2]uint64
		counter [4]uint64
		want    [4]uint64
	}{
		{
			want: [4]uint64{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b},
		}, {
			key:     [2]uint64{ones, ones},
			counter: [4]uint64{ones, ones, ones, ones},
			want:    [4]uint64{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0},
		}, {
			key:     [2]uint64{0x452821e638d01377, 0xbe5466cf34e90c6c},
			counter: [4]uint64{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
			want:    [4]uint64{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6},
		},
	} {
		if got := rng.Block(c.key, c.counter); got != c.want {
			t.Errorf("Block(%x, %x) = %x, want %x", c.key, c.counter, got, c.want)
		}
	}
}

// A change here changes what every seeded run samples. The first value is the top 23 bits of
// the first known-answer word: 0x16554d9eca36314c >> 41 = 731814, (2·731814 + 1) / 2^24.
func TestUniformIsFixed(t *testing.T) {
	if got, want := rng.Uniform(0, 0, 0, 0, 0), float32(1463629)/(1<<24); got != want {
		t.Errorf("Uniform(0, 0, 0, 0, 0) = %v, want %v", got, want)
	}
}

func TestUniformIsUniform(t *testing.T) {
	const n = 1 << 17
	var sum, squares float64
	var buckets [16]int
	for i := range uint64(n) {
		u := rng.Uniform(7, i>>12, i>>8&15, i>>4&15, i&15)
		if u <= 0 || u >= 1 {
			t.Fatalf("number %d is %v, want inside (0, 1)", i, u)
		}
		sum += float64(u)
		squares += float64(u) * float64(u)
		buckets[int(u*16)]++
	}
	mean, variance := sum/n, squares/n-(sum/n)*(sum/n)
	if math.Abs(mean-0.5) > 0.004 || math.Abs(variance-1.0/12) > 0.002 {
		t.Errorf("mean %v, variance %v, want 1/2 and 1/12", mean, variance)
	}
	for i, got := range buckets {
		if math.Abs(float64(got)-n/16) > 5*math.Sqrt(n/16) {
			t.Errorf("bucket %d of 16 has %d numbers, want about %d", i, got, n/16)
		}
	}
}

// Every argument must matter: no two coordinates may collapse into one.
func TestUniformReadsEveryCoordinate(t *testing.T) {
	seen := map[float32]bool{rng.Uniform(1, 1, 1, 1, 1): true}
	for _, u := range []float32{
		rng.Uniform(2, 1, 1, 1, 1), rng.Uniform(1, 2, 1, 1, 1), rng.Uniform(1, 1, 2, 1, 1),
		rng.Uniform(1, 1, 1, 2, 1), rng.Uniform(1, 1, 1, 1, 2),
	} {
		if seen[u] {
			t.Errorf("%v came out twice", u)
		}
		seen[u] = true
	}
}

func TestStreamHandsOutBlocksInOrder(t *testing.T) {
	s := rng.NewStream(5, rng.Shuffle, 9)
	for i := range uint64(3) {
		for j, want := range rng.Block([2]uint64{5, uint64(rng.Shuffle)}, [4]uint64{i, 9, 0, 0}) {
			if got := s.Uint64(); got != want {
				t.Fatalf("block %d word %d = %x, want %x", i, j, got, want)
			}
		}
	}
}

func TestIntNCoversItsRange(t *testing.T) {
	s := rng.NewStream(1, rng.Bootstrap, 0)
	var counts [7]int
	const n = 70_000
	for range n {
		counts[s.IntN(len(counts))]++
	}
	for i, got := range counts {
		if math.Abs(float64(got)-n/7) > 5*math.Sqrt(n/7) {
			t.Errorf("%d came out %d times of %d, want about %d", i, got, n, n/7)
		}
	}
}

func TestPermIsAPermutation(t *testing.T) {
	seen := map[int]bool{}
	for epoch := range uint64(50) {
		p := rng.NewStream(3, rng.Shuffle, epoch).Perm(6)
		sorted := slices.Clone(p)
		slices.Sort(sorted)
		if !slices.Equal(sorted, []int{0, 1, 2, 3, 4, 5}) {
			t.Fatalf("epoch %d: %v is no permutation", epoch, p)
		}
		seen[p[0]] = true
	}
	if len(seen) != 6 {
		t.Errorf("the first of six took only %d values in 50 epochs", len(seen))
	}
	if p := rng.NewStream(3, rng.Shuffle, 0).Perm(0); len(p) != 0 {
		t.Errorf("Perm(0) = %v", p)
	}
}

func BenchmarkUniform(b *testing.B) {
	var sum float32
	for i := range b.N {
		sum += rng.Uniform(1, 2, 3, 4, uint64(i))
	}
	if sum < 0 {
		b.Fatal(sum)
	}
}

// A mask has the share of ones that was asked for, is the same when it is asked for again, and
// another for everything else. A longer one begins with a shorter.
func TestKeep(t *testing.T) {
	mask := func(n int, probability float64, seed uint64, what ...uint64) []byte {
		dst := make([]byte, n)
		rng.Keep(dst, probability, seed, [3]uint64(what))
		return dst
	}
	const n = 100_003
	for _, p := range []float64{0, 0.05, 0.5, 0.9, 1} {
		ones := 0
		for _, b := range mask(n, p, 1, 2, 3, 4) {
			ones += int(b)
		}
		if sigma := math.Sqrt(p * (1 - p) / n); math.Abs(float64(ones)/n-p) > 4*sigma+1e-5 {
			t.Errorf("probability %g: %d ones of %d", p, ones, n)
		}
	}
	want := mask(100, 0.5, 1, 2, 3, 4)
	if !slices.Equal(mask(33, 0.5, 1, 2, 3, 4), want[:33]) {
		t.Error("a mask is not what it was")
	}
	for _, other := range [][]byte{mask(100, 0.5, 2, 2, 3, 4), mask(100, 0.5, 1, 0, 3, 4), mask(100, 0.5, 1, 2, 0, 4), mask(100, 0.5, 1, 2, 3, 0)} {
		if slices.Equal(other, want) {
			t.Error("two masks are the same")
		}
	}
}
