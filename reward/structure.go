package reward

import "context"

// pair is what the structure reward compares.
type pair struct {
	problem          string
	student, teacher Decomposition
}

// compare returns scores with the structure part filled in. It asks in two rounds over the
// whole batch: all meta questions, then the queries and answers of the steps before the first
// mismatch. Meta verdicts after a mismatch are thrown away, failed ones too.
func (s *Scorer) compare(ctx context.Context, pairs []pair) ([]Score, error) {
	scores := make([]Score, len(pairs))
	for i, p := range pairs {
		scores[i] = sideBySide(p)
	}
	if err := s.round(ctx, pairs, scores, Meta); err != nil {
		return nil, err
	}
	for i := range scores {
		scores[i].endAtMismatch()
	}
	if err := s.round(ctx, pairs, scores, Query, Answer); err != nil {
		return nil, err
	}
	for i := range scores {
		scores[i].conclude(s.options.Normalize)
	}
	return scores, nil
}

// sideBySide returns the score of a pair before anything is judged: its steps side by side.
func sideBySide(p pair) Score {
	score := Score{StudentSteps: len(p.student.Steps), TeacherSteps: len(p.teacher.Steps), Ungrounded: p.student.Ungrounded}
	switch {
	case p.teacher.Missing != "":
		score.Structure.Missing = "steps of the teacher: " + p.teacher.Missing
	case len(p.teacher.Steps) == 0:
		score.Structure.Missing = "teacher: no steps in the generation"
	case p.student.Missing != "":
		score.Structure.Missing = "steps of the student: " + p.student.Missing
	default:
		score.Steps = make([]StepScore, len(p.teacher.Steps))
	}
	for i := range score.Steps {
		step := &score.Steps[i]
		step.Number, step.Teacher = i+1, p.teacher.Steps[i]
		if i < len(p.student.Steps) {
			step.Student = p.student.Steps[i]
		}
	}
	return score
}

// round asks the questions of the given kinds and puts the verdicts in their places. A query or
// answer is asked only where the meta-reasoning matched, and a part only if the teacher has it.
func (s *Scorer) round(ctx context.Context, pairs []pair, scores []Score, kinds ...Kind) error {
	var questions []Question
	var places []**Verdict
	for i := range scores {
		for j := range scores[i].Steps {
			step := &scores[i].Steps[j]
			for _, kind := range kinds {
				q, place := step.question(kind)
				if kind != Meta && (step.Meta == nil || !step.Meta.Same) || q.Teacher == "" {
					continue
				}
				q.Problem = pairs[i].problem
				questions, places = append(questions, q), append(places, place)
			}
		}
	}
	verdicts, err := s.ask(ctx, questions)
	if err != nil {
		return err
	}
	for i, q := range questions {
		v := verdicts[q]
		*places[i] = &v
	}
	return nil
}

// question returns what to ask about a part of the step, but for the problem, and where the
// verdict goes.
func (step *StepScore) question(kind Kind) (Question, **Verdict) {
	a, b := step.Student, step.Teacher
	switch kind {
	case Meta:
		return Question{Kind: kind, Student: a.Meta, Teacher: b.Meta}, &step.Meta
	case Query:
		return Question{Kind: kind, Student: a.Query, Teacher: b.Query}, &step.Query
	default:
		return Question{Kind: kind, Student: a.Answer, Teacher: b.Answer}, &step.Answer
	}
}

// endAtMismatch forgets the meta verdicts after the first that is not the same. If that one is
// missing, so is the structure reward.
func (score *Score) endAtMismatch() {
	ended := false
	for i := range score.Steps {
		meta := &score.Steps[i].Meta
		switch {
		case ended:
			*meta = nil
		case *meta == nil:
			ended = true
		default:
			score.Structure.Missing = (*meta).Missing
			ended = !(*meta).Same || (*meta).Missing != ""
		}
	}
}

// conclude computes the structure reward from the verdicts: a matched step is worth 1, halved
// by a query and by an answer that do not match; steps from the first mismatch on are worth 0.
func (score *Score) conclude(normalize string) {
	sum := 0.0
	for i := range score.Steps {
		step := &score.Steps[i]
		if step.Meta == nil || !step.Meta.Same {
			break
		}
		step.Score = 1
		for _, v := range []*Verdict{step.Query, step.Answer} {
			switch {
			case v != nil && v.Missing != "":
				score.Structure.Missing = v.Missing
			case v != nil && !v.Same:
				step.Score /= 2
			}
		}
		sum += step.Score
	}
	if score.Structure.Missing != "" {
		return
	}
	if normalize == NormalizeTeacher {
		sum /= float64(score.TeacherSteps)
	}
	score.Structure.V = sum
}
