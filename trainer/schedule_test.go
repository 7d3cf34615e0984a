package trainer

import (
	"fmt"
	"testing"
)

// TestScheduleAgreesWithTransformers compares with schedule.json, the rates that transformers'
// schedulers gave for a peak of 1 (scripts/golden/schedule.py).
func TestScheduleAgreesWithTransformers(t *testing.T) {
	var cases []struct {
		Type   SchedulerType `json:"type"`
		Steps  int           `json:"steps"`
		Warmup int           `json:"warmup"`
		Rates  []float64     `json:"rates"`
	}
	readJSON(t, "schedule.json", &cases)
	seen := map[SchedulerType]bool{}
	for _, c := range cases {
		seen[c.Type] = true
		const peak = 3e-5
		s := Schedule{Type: c.Type, Peak: peak, Warmup: c.Warmup, Steps: c.Steps}
		got := make([]float64, c.Steps)
		for i := range got {
			got[i] = s.At(i) / peak
		}
		nearAll(t, fmt.Sprintf("%s, %d of %d steps warm-up", c.Type, c.Warmup, c.Steps), got, c.Rates, 1e-12)
	}
	if len(seen) != 3 {
		t.Errorf("schedule.json has the shapes %v, want all three", seen)
	}
}

// TestWarmupSteps counts as transformers' get_warmup_steps does: ceil(steps · ratio).
func TestWarmupSteps(t *testing.T) {
	for _, c := range []struct {
		ratio       float64
		steps, want int
	}{{0, 10, 0}, {0.1, 100, 10}, {0.1, 15, 2}, {0.1, 1, 1}, {1, 7, 7}} {
		if got := NewSchedule(ScheduleLinear, 1, c.ratio, c.steps).Warmup; got != c.want {
			t.Errorf("%g of %d steps: %d, want %d", c.ratio, c.steps, got, c.want)
		}
	}
}
