package serve

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// rewards is what OpenRLHF expects back, a value for each query. ExtraLogs has the parts that
// have a weight.
type rewards struct {
	Rewards   []float64            `json:"rewards"`
	Scores    []float64            `json:"scores"` // the share of the highest total; what its dynamic filtering looks at
	ExtraLogs map[string][]float64 `json:"extra_logs"`
}

// handleReward answers OpenRLHF (0.11, utils/agent.py): {"query", "prompts", "labels"}, lists of
// equal length. A query is a prompt with its completion and the token that ended it. A label is
// a JSON object, or the text of one, with answer and generation, and maybe problem; or it is the
// answer alone, and the row of the dataset is the one with that answer whose problem is in the
// prompt.
//
// OpenRLHF knows no missing reward: null would end its run with a TypeError, and any number
// would teach something wrong. It asks again after an error, so a missing reward is a 503.
func (s *Server) handleReward(r *http.Request) (any, *refusal) {
	body, no := s.body(r)
	if no != nil {
		return nil, no
	}
	o, no := parseObject(body)
	if no != nil {
		return nil, no
	}
	items, no := s.queries(o)
	if no != nil {
		return nil, no
	}
	scores, no := s.scores(r.Context(), items)
	if no != nil {
		return nil, no
	}
	w := s.options.Weights
	highest := w.Accuracy + w.Format + w.TagCount + w.Structure
	out := rewards{Rewards: []float64{}, Scores: []float64{}, ExtraLogs: map[string][]float64{}}
	for i, score := range scores {
		if reason := s.missing(score); reason != "" {
			return nil, refuse(http.StatusServiceUnavailable, "no reward: %s", reason).in(i, "query")
		}
		out.Rewards = append(out.Rewards, score.Total.V)
		out.Scores = append(out.Scores, score.Total.V/highest)
		for _, p := range s.parts(score) {
			out.ExtraLogs[p.name] = append(out.ExtraLogs[p.name], p.value.V)
		}
	}
	return out, nil
}

// queries reads the items of a request.
func (s *Server) queries(o object) ([]reward.Item, *refusal) {
	var queries, prompts []string
	var labels []json.RawMessage
	for _, list := range []struct {
		key, want string
		dst       any
	}{{"query", "a list of texts", &queries}, {"prompts", "a list of texts", &prompts}, {"labels", "a list", &labels}} {
		if err := json.Unmarshal(o[list.key], list.dst); err != nil || !o.has(list.key) {
			return nil, &refusal{status: http.StatusBadRequest, Error: list.key + ": want " + list.want, Key: list.key}
		}
	}
	if len(prompts) != len(queries) || len(labels) != len(queries) {
		return nil, refuse(http.StatusBadRequest, "query, prompts and labels have %d, %d and %d entries; want as many of each", len(queries), len(prompts), len(labels))
	}
	items := make([]reward.Item, len(queries))
	for i := range queries {
		completion, found := strings.CutPrefix(queries[i], prompts[i])
		if !found {
			return nil, refuse(http.StatusBadRequest, "query: does not begin with its prompt, which may have been cut; raise the trainer's maximum length").in(i, "query")
		}
		item, no := s.label(labels[i], prompts[i])
		if no != nil {
			return nil, no.in(i, no.Key)
		}
		var ended bool
		item.Completion, ended = s.trimEnd(completion)
		item.Cut = !ended
		items[i] = item
	}
	return items, nil
}

// trimEnd drops the token that ended a completion, and tells whether there was one.
func (s *Server) trimEnd(completion string) (string, bool) {
	for _, end := range s.options.Ends {
		if text, found := strings.CutSuffix(completion, end); found {
			return text, true
		}
	}
	return completion, false
}

// label finds the row that a label names.
func (s *Server) label(raw json.RawMessage, prompt string) (item reward.Item, no *refusal) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if o, no := parseObject([]byte(text)); no == nil {
			return s.labelled(o, prompt)
		}
		item, found := s.lookup.answer(text, prompt)
		if !found {
			return item, &refusal{status: http.StatusBadRequest, Key: "labels",
				Error: "labels: not the text of a JSON object with answer and generation, nor the answer of a row of --data whose problem is in the prompt"}
		}
		return item, nil
	}
	o, no := parseObject(raw)
	if no != nil {
		return item, &refusal{status: http.StatusBadRequest, Error: "labels: want text or an object", Key: "labels"}
	}
	return s.labelled(o, prompt)
}

// labelled reads a label that is an object. Without a problem the whole prompt stands for it.
func (s *Server) labelled(o object, prompt string) (item reward.Item, no *refusal) {
	item.Problem = prompt
	if o.has("problem") {
		if no := o.text("problem", &item.Problem); no != nil {
			return item, no
		}
	}
	return item, s.teacher(o, &item)
}
