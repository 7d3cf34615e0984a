package plan

// phases are those of a run, in its order.
func (j Job) phases() []Phase {
	later := j.Reference == ReferenceModel // it is loaded when the optimizer is there
	held := j.bytes()
	if j.LoRA == nil && j.Half && !later {
		held += 2 // masters
	}
	out := []Phase{phase("loading", j.held(later, later), j.onHost(j.Student.Tensors(), held))}
	add := func(name string, held []Part, more ...Part) { out = append(out, phase(name, held, more...)) }
	var update []Part
	if j.WarmUp != nil {
		update = j.update(*j.WarmUp)
		add("warm-up", j.held(true, false), update...)
	}
	all := j.held(true, true)
	if j.Rollout != nil {
		add("rollout", all, j.generate(j.Student, *j.Rollout)...)
	}
	for _, r := range j.Rewards {
		if r.Writes != nil {
			add(r.Name, all, j.generate(r.Model, *r.Writes)...)
		} else {
			add(r.Name, all, j.choose(r.Model)...)
		}
	}
	if j.Update != nil {
		update = j.update(*j.Update)
		add("update", all, update...)
	}
	if j.Evaluate != nil {
		add("evaluation", all, j.generate(j.Student, *j.Evaluate)...)
	}
	add("saving", all, j.toFile(update)...)
	return out
}

// phase adds up what is held and what comes on top; parts without bytes are left out.
func phase(name string, held []Part, more ...Part) Phase {
	p := Phase{Name: name}
	for _, parts := range [][]Part{held, more} {
		for _, part := range parts {
			if part.Bytes > 0 {
				p.Parts = append(p.Parts, part)
				p.Bytes += part.Bytes
			}
		}
	}
	return p
}

// shape is the size of a pass: see the head of the package.
type shape struct{ P, N, T, M int64 }

// places is N*T.
func (s shape) places() int64 { return s.N * s.T }

// shape is that of the largest micro-batch: as many sequences of full length as the packer
// (trainer.microBatches) lets into it, a prompt once for the completions of its group.
func (t Training) shape() shape {
	one := t.Prompt + t.Completion
	tokens, rows := one, 1
	for rows < t.Sequences {
		cost := t.Completion
		if rows%t.Group == 0 {
			cost = one
		}
		if tokens+cost > t.MicroTokens {
			break
		}
		tokens += cost
		rows++
	}
	return shape{P: roundUp(tokens), N: int64(rows), T: int64(one), M: int64(rows * t.Completion)}
}

func roundUp(tokens int) int64 { return int64((tokens + tokenStep - 1) / tokenStep * tokenStep) }
