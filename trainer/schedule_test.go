package trainer

import (
	"fmt"
	"testing"
)

// TestScheduleAgreesWithTransformers compares with schedule.json, the rates that transformers'
// schedulers gave (scripts/golden/schedule.py).
func TestScheduleAgreesWithTransformers(t *testing.T) {
	var cases []struct {
		Type   SchedulerType `json:"type"`
		Peak   float64       `json:"peak"`
		Warmup int           `json:"warmup_steps"`
		Steps  int           `json:"steps"`
		Rates  []float64     `json:"lrs"`
	}
	readJSON(t, "schedule.json", &cases)
	if len(cases) == 0 {
		t.Fatal("schedule.json has no cases")
	}
	for _, c := range cases {
		s := Schedule{Type: c.Type, Peak: c.Peak, Warmup: c.Warmup, Steps: c.Steps}
		got := make([]float64, len(c.Rates))
		for i := range got {
			got[i] = s.At(i)
		}
		nearAll(t, fmt.Sprintf("%s, %d of %d steps warm-up", c.Type, c.Warmup, c.Steps), got, c.Rates, 1e-12*c.Peak)
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
