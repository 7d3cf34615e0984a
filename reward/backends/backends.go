// Package backends makes scorers with the backends that a configuration names: rules, models
// behind servers, and models in this process, whose answers a file keeps.
package backends

import (
	"fmt"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/reward/cache"
	"github.com/rlkd/rlkd/reward/openai"
)

// NewScorer returns a scorer with the backends and the cache that the options name, and has
// local open the models in this process; nil where there can be none. It fails on the first
// invalid option, on a model that cannot be opened and on a cache that is none.
func NewScorer(w reward.Weights, o reward.Options, local func(reward.BackendOptions) (reward.LM, error)) (*reward.Scorer, error) {
	keep := func(lm reward.LM) reward.LM { return lm }
	if key, _ := o.Check(); key == "" && o.Cache != "" {
		store, err := cache.Open(o.Cache)
		if err != nil {
			return nil, fmt.Errorf("structure.cache: %w", err)
		}
		keep = store.Keep
	}
	return reward.NewScorerOpening(w, o, func(b reward.BackendOptions) (reward.LM, error) {
		lm, err := open(b, local)
		if err != nil {
			return nil, err
		}
		return keep(lm), nil
	})
}

// open opens the model of one backend.
func open(b reward.BackendOptions, local func(reward.BackendOptions) (reward.LM, error)) (reward.LM, error) {
	switch {
	case b.Backend == reward.BackendOpenAI:
		return openai.New(b)
	case local == nil:
		return nil, fmt.Errorf("backend: no model can be opened in this process; want %s or %s", reward.BackendRules, reward.BackendOpenAI)
	default:
		return local(b)
	}
}
