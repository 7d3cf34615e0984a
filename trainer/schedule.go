package trainer

import "math"

// SchedulerType names the shape of the learning rate after the warm-up.
type SchedulerType string

// The shapes, each equal to the function of the same kind in transformers' optimization.py:
// get_constant_schedule_with_warmup, get_linear_schedule_with_warmup, get_cosine_schedule_with_warmup.
const (
	ScheduleConstant SchedulerType = "constant" // stays at the peak
	ScheduleLinear   SchedulerType = "linear"   // falls to 0 in a straight line
	ScheduleCosine   SchedulerType = "cosine"   // falls to 0 along half a cosine
)

// Schedule gives the learning rate of every optimizer step of a run.
type Schedule struct {
	Type   SchedulerType
	Peak   float64 // the rate at the end of the warm-up
	Warmup int     // steps in which the rate rises linearly from 0
	Steps  int     // optimizer steps of the whole run
}

// NewSchedule returns the schedule of a run of the given number of optimizer steps, of which
// the share warmupRatio, rounded up, is warm-up.
func NewSchedule(kind SchedulerType, peak, warmupRatio float64, steps int) Schedule {
	return Schedule{Type: kind, Peak: peak, Warmup: int(math.Ceil(warmupRatio * float64(steps))), Steps: steps}
}

// At returns the learning rate of the step after done steps: At(0) is the first step's, which
// is 0 when there is a warm-up.
func (s Schedule) At(done int) float64 {
	if done < s.Warmup {
		return s.Peak * float64(done) / float64(s.Warmup)
	}
	rest := float64(max(1, s.Steps-s.Warmup))
	switch s.Type {
	case ScheduleLinear:
		return s.Peak * max(0, float64(s.Steps-done)/rest)
	case ScheduleCosine:
		progress := float64(done-s.Warmup) / rest
		return s.Peak * max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	}
	return s.Peak
}
