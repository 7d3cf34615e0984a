package trainer

// Stage is a part of a run that has a known number of steps. Those of an evaluation are
// completions.
type Stage struct {
	Name        string
	Done, Steps int
	Sampling    bool // an evaluation
}

// Watch is how a run tells its caller what it does. Functions that are nil are not called.
type Watch struct {
	Stage    func(s Stage)            // a stage begins
	Step     func(done int, r Record) // a step is over
	Sampled  func(tokens, ended int)  // so many tokens are new, so many completions have ended by them; below 0: lost for want of memory
	Note     func(message string)     // something worth a line
	Evaluate func(e *Evaluation)      // an evaluation is over
	Stop     <-chan struct{}          // closed: finish the step, save, and end with ErrStopped
}

func (w Watch) stage(s Stage) {
	if w.Stage != nil {
		w.Stage(s)
	}
}

func (w Watch) step(done int, r Record) {
	if w.Step != nil {
		w.Step(done, r)
	}
}

func (w Watch) sampled(tokens, ended int) error {
	if w.Sampled != nil {
		w.Sampled(tokens, ended)
	}
	return nil
}

func (w Watch) note(message string) {
	if w.Note != nil {
		w.Note(message)
	}
}

func (w Watch) evaluated(e *Evaluation) {
	if w.Evaluate != nil {
		w.Evaluate(e)
	}
}

// stopped tells whether the caller wants an end.
func (w Watch) stopped() bool {
	select {
	case <-w.Stop:
		return true
	default:
		return false
	}
}
