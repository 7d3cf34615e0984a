package trainer

import (
	"math"
	"testing"
)

func TestQuantileAsNumpy(t *testing.T) {
	// numpy.quantile([1, 2, 4, 8], q)
	for q, want := range map[float64]float64{0: 1, 0.025: 1.075, 0.5: 3, 0.975: 7.7, 1: 8} {
		near(t, "quantile", quantile([]float64{1, 2, 4, 8}, q), want, 1e-12)
	}
}

func TestPassAtK(t *testing.T) {
	for _, c := range []struct {
		n, right, k int
		want        float64
	}{
		{4, 0, 1, 0}, {4, 1, 1, 0.25}, {4, 1, 4, 1}, {4, 2, 2, 1 - 1.0/6}, {4, 4, 1, 1}, {10, 3, 5, 1 - 21.0/252},
		{4, 1, 5, nan}, {4, 1, 0, nan},
	} {
		nearAll(t, "pass@k", []float64{PassAtK(c.n, c.right, c.k)}, []float64{c.want}, 1e-12)
	}
}

// TestBootstrapInterval compares with the normal interval, to which that of a mean of many
// values tends: 0.5 ± 1.96 · √(1/12)/√400 for values spread evenly over 0 to 1.
func TestBootstrapInterval(t *testing.T) {
	values := make([]float64, 400)
	for i := range values {
		values[i] = (float64(i) + 0.5) / 400
	}
	e := Bootstrap(append(values, nan), 4000, 1, 0)
	nearAll(t, "mean, low, high", []float64{e.Mean, e.Low, e.High}, []float64{0.5, 0.4717, 0.5283}, 0.002)
	if again := Bootstrap(values, 4000, 1, 0); again != e {
		t.Errorf("not repeatable, or NaN counts: %v, then %v", e, again)
	}
	if other := Bootstrap(values, 4000, 1, 1); other == e {
		t.Error("two streams give the same interval")
	}
	if none := Bootstrap([]float64{nan}, 10, 1, 0); !math.IsNaN(none.Mean) || !math.IsNaN(none.Low) {
		t.Errorf("of nothing: %v", none)
	}
}

// TestPairedDifference checks that the problems' own spread does not widen the interval.
func TestPairedDifference(t *testing.T) {
	before, after := make([]float64, 50), make([]float64, 50)
	for i := range before {
		before[i] = float64(i)
		after[i] = before[i] + 1
	}
	before[3], after[4] = nan, nan
	if d := PairedDifference(before, after, 1000, 1, 0); d != (Estimate{1, 1, 1}) {
		t.Errorf("got %v, want exactly 1", d)
	}
}
