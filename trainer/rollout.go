package trainer

import (
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/reward"
)

// Rollout is one sampled completion.
type Rollout struct {
	Problem    Problem
	Group      int // its prompt's place in the step
	Sample     int // its place in the group
	Prompt     []int
	Completion []int // the token that ended it included
	Text       string
	Finished   bool // it ended by itself; otherwise it was cut at max_completion_length
}

// prompted is a problem with its prompt in the student's tokens.
type prompted struct {
	Problem
	ids []int
}

// prompts renders problems and drops, and counts, those longer than limit tokens.
func (s *Student) prompts(system string, problems []Problem, limit int) (kept []prompted, dropped int, err error) {
	for _, p := range problems {
		ids, err := s.Prompt(system, p.Prompt)
		if err != nil {
			return nil, 0, err
		}
		if len(ids) > limit {
			dropped++
			continue
		}
		kept = append(kept, prompted{p, ids})
	}
	return kept, dropped, nil
}

// sampler draws completions for problems.
type sampler struct {
	student     *Student
	sampling    model.Sampling
	generations int // completions per problem
	maxTokens   int
	rows        int // most completions worked on at once
	uniform     func(row, sample, position int) float32
	progress    func(tokens, ended int) error
	done        func(group int, rollouts []Rollout) // told of each group that is complete, if set
	note        func(message string)                // something worth a line, if set
}

// sample returns the rollouts of problems: generations for each, in order.
func (s *sampler) sample(problems []prompted) ([]Rollout, error) {
	requests := make([]model.Request, len(problems))
	for i, p := range problems {
		requests[i] = model.Request{Prompt: p.ids, N: s.generations}
	}
	g := model.Generator{
		Model: s.student.Model, Sampling: s.sampling, Stop: s.student.Stop, MaxTokens: s.maxTokens,
		Rows: max(s.rows, s.generations), Progress: s.progress,
		Uniform: func(request, sample, position int) float32 {
			return s.uniform(problems[request].Row, sample, position)
		},
	}
	if s.done != nil {
		g.Done = func(request int, c []model.Completion) { s.done(request, s.group(request, problems[request], c)) }
	}
	if s.note != nil {
		g.Tell(s.note)
	}
	groups, err := g.Generate(requests)
	s.student.PhaseEnds()
	if err != nil {
		return nil, err
	}
	var out []Rollout
	for i, completions := range groups {
		out = append(out, s.group(i, problems[i], completions)...)
	}
	return out, nil
}

// group are the rollouts of one problem.
func (s *sampler) group(group int, p prompted, completions []model.Completion) []Rollout {
	out := make([]Rollout, len(completions))
	for j, c := range completions {
		out[j] = Rollout{
			Problem: p.Problem, Group: group, Sample: j, Prompt: p.ids,
			Completion: c.IDs, Text: s.student.Text(c), Finished: c.Finished,
		}
	}
	return out
}

// items are what the reward sees of rollouts.
func items(rollouts []Rollout) []reward.Item {
	out := make([]reward.Item, len(rollouts))
	for i, r := range rollouts {
		p := r.Problem
		out[i] = reward.Item{
			Problem: p.Prompt, Answer: p.Answer, Generation: p.Teacher, TeacherSteps: p.Steps,
			Completion: r.Text, Cut: !r.Finished,
		}
	}
	return out
}
