package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// scoredRow is a score as /score returns it.
type scoredRow struct {
	reward.Explained
	// Reward is the total, or null where a part that has a weight is missing: a sum without
	// it is not comparable with those of other completions.
	Reward *float64 `json:"reward"`
}

// handleScore scores one row, or those of {"rows": […]}, and answers in the same form.
func (s *Server) handleScore(r *http.Request) (any, *refusal) {
	body, no := s.body(r)
	if no != nil {
		return nil, no
	}
	o, no := parseObject(body)
	if no != nil {
		return nil, no
	}
	if !o.has("rows") {
		item, no := s.item(o)
		if no != nil {
			return nil, no
		}
		scores, no := s.scores(r.Context(), []reward.Item{item})
		if no != nil {
			return nil, no
		}
		return s.row(scores[0]), nil
	}
	items, no := s.items(o["rows"])
	if no != nil {
		return nil, no
	}
	scores, no := s.scores(r.Context(), items)
	if no != nil {
		return nil, no
	}
	rows := make([]scoredRow, len(scores))
	for i, score := range scores {
		rows[i] = s.row(score)
	}
	return map[string]any{"rows": rows}, nil
}

func (s *Server) row(score reward.Score) scoredRow {
	row := scoredRow{Explained: score.Explain()}
	if s.missing(score) == "" {
		row.Reward = &row.Total.V
	}
	return row
}

// missing is why the total of a score lacks something, empty if it does not.
func (s *Server) missing(score reward.Score) string {
	for _, p := range s.parts(score) {
		if p.value.Missing != "" {
			return p.value.Missing
		}
	}
	return ""
}

type part struct {
	name  string
	value reward.Value
}

// parts are the parts of a score that have a weight.
func (s *Server) parts(score reward.Score) (out []part) {
	w := s.options.Weights
	for _, p := range []struct {
		weight float64
		part   part
	}{
		{w.Accuracy, part{"accuracy", score.Accuracy}}, {w.Format, part{"format", score.Format}},
		{w.TagCount, part{"tag_count", score.TagCount}}, {w.Structure, part{"structure", score.Structure}},
	} {
		if p.weight != 0 {
			out = append(out, p.part)
		}
	}
	return out
}

// items reads the rows of a request.
func (s *Server) items(raw json.RawMessage) ([]reward.Item, *refusal) {
	var rows []json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil || rows == nil {
		return nil, &refusal{status: http.StatusBadRequest, Error: "rows: want a list of objects", Key: "rows"}
	}
	items := make([]reward.Item, len(rows))
	for i, row := range rows {
		o, no := parseObject(row)
		if no == nil {
			items[i], no = s.item(o)
		}
		if no != nil {
			return nil, no.in(i, no.Key)
		}
	}
	return items, nil
}

// item reads one row. An answer and a generation that are absent or null come from the dataset.
func (s *Server) item(o object) (item reward.Item, no *refusal) {
	if no := o.text("problem", &item.Problem); no != nil {
		return item, no
	}
	if no := o.text("completion", &item.Completion); no != nil {
		return item, no
	}
	if o.has("cut") {
		if err := json.Unmarshal(o["cut"], &item.Cut); err != nil {
			return item, &refusal{status: http.StatusBadRequest, Error: "cut: want true or false", Key: "cut"}
		}
	}
	return item, s.teacher(o, &item)
}

// steps reads the teacher's steps where a row has them.
func steps(o object) (steps []reward.Step, no *refusal) {
	if !o.has("steps") {
		return nil, nil
	}
	wrong := func(format string, args ...any) *refusal {
		no := refuse(http.StatusBadRequest, "steps"+format, args...)
		no.Key = "steps"
		return no
	}
	if json.Unmarshal(o["steps"], &steps) != nil {
		return nil, wrong(": want a list of objects with number, meta, query and answer")
	}
	last := 0
	for i, step := range steps {
		if step.Number <= last {
			return nil, wrong("[%d].number: want more than %d, got %d", i, last, step.Number)
		}
		if strings.TrimSpace(step.Meta) == "" {
			return nil, wrong("[%d].meta: empty", i)
		}
		last = step.Number
	}
	return steps, nil
}

// teacher fills in the answer, the teacher's text and, if they are known, its steps.
func (s *Server) teacher(o object, item *reward.Item) *refusal {
	known, found := s.lookup.problem(item.Problem)
	if found && !o.has("generation") {
		item.TeacherSteps = known.TeacherSteps
	}
	if given, no := steps(o); no != nil {
		return no
	} else if given != nil {
		item.TeacherSteps = given
	}
	for _, field := range []struct {
		key  string
		dst  *string
		from string
	}{{"answer", &item.Answer, known.Answer}, {"generation", &item.Generation, known.Generation}} {
		switch {
		case o.has(field.key):
			if no := o.text(field.key, field.dst); no != nil {
				return no
			}
		case found:
			*field.dst = field.from
		case s.lookup.empty():
			return &refusal{status: http.StatusBadRequest, Error: field.key + ": missing; send it, or start the server with --data", Key: field.key}
		default:
			return &refusal{status: http.StatusBadRequest, Error: field.key + ": missing, and the problem is in no row of --data", Key: field.key}
		}
	}
	return nil
}

// object is a JSON object whose keys are matched exactly.
type object map[string]json.RawMessage

func parseObject(data []byte) (o object, no *refusal) {
	err := json.Unmarshal(data, &o)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) || err == nil && o == nil:
		return nil, refuse(http.StatusBadRequest, "want a JSON object")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "not valid JSON: %v", err)
	}
	return o, nil
}

// has tells whether the object has a value other than null for the key.
func (o object) has(key string) bool {
	raw, ok := o[key]
	return ok && !bytes.Equal(raw, []byte("null"))
}

// text reads a key that must be a text.
func (o object) text(key string, dst *string) *refusal {
	if _, ok := o[key]; !ok {
		return &refusal{status: http.StatusBadRequest, Error: key + ": missing", Key: key}
	}
	if err := json.Unmarshal(o[key], dst); err != nil || !o.has(key) {
		return &refusal{status: http.StatusBadRequest, Error: key + ": want text", Key: key}
	}
	return nil
}
