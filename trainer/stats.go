package trainer

import (
	"math"
	"slices"

	"github.com/rlkd/rlkd/model/rng"
)

// mean returns the arithmetic mean, NaN of nothing.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// std returns the standard deviation with n - 1, NaN of fewer than two values.
func std(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// Estimate is a mean with the bounds of its 95 % bootstrap interval.
type Estimate struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Bootstrap returns the mean over problems with the 95 % percentile interval of n resamplings
// of the problems (Efron 1979). NaN marks a problem without a value, which is left out; with
// no value at all the estimate is NaN. The stream number keeps apart the statistics of one
// seed, so that their errors are independent.
func Bootstrap(perProblem []float64, n int, seed, stream uint64) Estimate {
	var values []float64
	for _, v := range perProblem {
		if !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 || n < 1 {
		m := mean(values)
		return Estimate{m, math.NaN(), math.NaN()}
	}
	random := rng.NewStream(seed, rng.Bootstrap, stream)
	means := make([]float64, n)
	for i := range means {
		sum := 0.0
		for range values {
			sum += values[random.IntN(len(values))]
		}
		means[i] = sum / float64(len(values))
	}
	slices.Sort(means)
	return Estimate{mean(values), quantile(means, 0.025), quantile(means, 0.975)}
}

// PairedDifference is [Bootstrap] of after - before, problem by problem; the slices are of
// one length and a problem without a value on either side is left out. Resampling problems
// rather than sides takes the problems' difficulty out of the comparison.
func PairedDifference(before, after []float64, n int, seed, stream uint64) Estimate {
	diff := make([]float64, len(after))
	for i := range diff {
		diff[i] = after[i] - before[i]
	}
	return Bootstrap(diff, n, seed, stream)
}

// quantile interpolates linearly between order statistics, as numpy.quantile does.
func quantile(sorted []float64, q float64) float64 {
	position := q * float64(len(sorted)-1)
	i := int(position)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (position-float64(i))*(sorted[i+1]-sorted[i])
}

// PassAtK returns the unbiased estimate of the chance that at least one of k samples is right,
// from n samples of which right are: 1 - C(n-right, k) / C(n, k) (Chen et al. 2021, "Evaluating
// large language models trained on code", eq. 1). It is NaN when k is not between 1 and n.
func PassAtK(n, right, k int) float64 {
	if k < 1 || k > n {
		return math.NaN()
	}
	if n-right < k {
		return 1
	}
	fail := 1.0
	for i := n - right + 1; i <= n; i++ {
		fail *= 1 - float64(k)/float64(i)
	}
	return 1 - fail
}
