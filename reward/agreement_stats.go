package reward

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
)

// Share is a part of N things that were counted, with a 95 % interval. Of nothing it is null in
// JSON.
type Share struct {
	Value, Low, High float64
	N                int
}

// MarshalJSON writes {"value", "low", "high", "n"}, or null when N is 0.
func (s Share) MarshalJSON() ([]byte, error) {
	if s.N == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Value float64 `json:"value"`
		Low   float64 `json:"low"`
		High  float64 `json:"high"`
		N     int     `json:"n"`
	}{s.Value, s.Low, s.High, s.N})
}

// wilson is the share of k in n independent things, with Wilson's score interval (1927).
func wilson(k, n int) Share {
	if n == 0 {
		return Share{}
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	center := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return Share{p, max(0, center-half), min(1, center+half), n}
}

// resamplings is how often a bootstrap draws.
const resamplings = 1000

// ratio is the sum of the first number over the sum of the second that part gives for each text.
// What is counted within a text is not independent, so the interval is that of a percentile
// bootstrap over texts, always with the same random numbers.
func ratio[T any](texts []T, part func(T) (above, below int)) Share {
	above, below := make([]int, len(texts)), make([]int, len(texts))
	sumAbove, sumBelow := 0, 0
	for i, t := range texts {
		above[i], below[i] = part(t)
		sumAbove, sumBelow = sumAbove+above[i], sumBelow+below[i]
	}
	if sumBelow == 0 {
		return Share{}
	}
	random := rand.New(rand.NewPCG(1, 2))
	var values []float64
	for range resamplings {
		a, b := 0, 0
		for range texts {
			i := random.IntN(len(texts))
			a, b = a+above[i], b+below[i]
		}
		if b > 0 {
			values = append(values, float64(a)/float64(b))
		}
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(math.Round(q*float64(len(values)-1)))] }
	return Share{float64(sumAbove) / float64(sumBelow), at(0.025), at(0.975), sumBelow}
}

// grouped summarizes what was counted for each value of each group.
func grouped[C, S any](counts []C, groups []map[string]string, summarize func([]C) S) map[string]map[string]S {
	parts := map[string]map[string][]C{}
	for i, c := range counts {
		for key, value := range groups[i] {
			if parts[key] == nil {
				parts[key] = map[string][]C{}
			}
			parts[key][value] = append(parts[key][value], c)
		}
	}
	by := map[string]map[string]S{}
	for key, values := range parts {
		by[key] = map[string]S{}
		for value, part := range values {
			by[key][value] = summarize(part)
		}
	}
	return by
}
