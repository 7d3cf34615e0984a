package trainer

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/reward"
)

// onLocal runs fn on the engine with the default student as a local language model, in fp32.
func onLocal(t *testing.T, fn func(l *localLM)) {
	t.Helper()
	err := torch.Run(func() error {
		s, err := OpenStudent(studentPath(), model.Options{Device: testDevice(t), DType: torch.Float32})
		if err != nil {
			return err
		}
		fn(&localLM{student: s, maxTokens: 24, rows: 3, yes: s.spellings("yes"), no: s.spellings("no")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var localPrompts = []reward.Prompt{
	{User: "Is seven more than three? Answer yes or no."},
	{System: "Answer in one word.", User: "Is the sky made of cheese?"},
	{User: "Say no."},
	{User: "Count from one to five."},
	{User: "Which is the capital of France?"},
}

// What a model believes comes from the same log-probabilities as everything else, whatever else
// is asked at the same time.
func TestLocalModelChooses(t *testing.T) {
	onLocal(t, func(l *localLM) {
		for word, ids := range map[string][]int{"yes": l.yes, "no": l.no} {
			var spelt []string
			for _, id := range ids {
				spelt = append(spelt, l.student.Tokenizer.Decode([]int{id}))
			}
			for _, want := range []string{word, " " + word, strings.ToUpper(word[:1]) + word[1:], " " + strings.ToUpper(word[:1]) + word[1:]} {
				if !slices.Contains(spelt, want) {
					t.Errorf("%q is not among the spellings of %s, %q", want, word, spelt)
				}
			}
		}
		beliefs, err := l.Choose(context.Background(), localPrompts)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range localPrompts {
			ids, err := l.student.Prompt(p.System, p.User)
			if err != nil {
				t.Fatal(err)
			}
			for _, side := range []struct {
				got  float64
				want []int
			}{{beliefs[i].Yes, l.yes}, {beliefs[i].No, l.no}} {
				sequence := model.Sequence{Prompt: ids}
				for _, id := range side.want {
					sequence.Completions = append(sequence.Completions, []int{id})
				}
				want := 0.0
				for _, x := range l.student.LogProbs(model.NewBatch([]model.Sequence{sequence}), 1) {
					want += math.Exp(float64(x))
				}
				if !(want > 0) || math.Abs(side.got-want) > 1e-5+1e-3*want {
					t.Errorf("%q: probability %g of %v, want %g", p.User, side.got, side.want, want)
				}
			}
		}
		if b := beliefs[2]; b.No < b.Yes {
			t.Errorf("told to say no, it believes %+v", b)
		}
	})
}

// Replies are what each prompt alone would get, cut ones are marked, and a prompt that does not
// fit is missing.
func TestLocalModelWrites(t *testing.T) {
	onLocal(t, func(l *localLM) {
		tooLong := reward.Prompt{User: strings.Repeat("word ", 9000)}
		prompts := append([]reward.Prompt{tooLong}, localPrompts...)
		together, err := l.Write(context.Background(), prompts)
		if err != nil {
			t.Fatal(err)
		}
		if m := together[0].Missing; !strings.Contains(m, "do not fit") {
			t.Errorf("a prompt of 9,000 words: %+v", together[0])
		}
		cut := false
		for i, p := range localPrompts {
			alone, err := l.Write(context.Background(), []reward.Prompt{p})
			if err != nil {
				t.Fatal(err)
			}
			if got := together[i+1]; got != alone[0] || got.Text == "" {
				t.Errorf("%q: %+v among others, %+v alone", p.User, got, alone[0])
			}
			cut = cut || alone[0].Cut
		}
		if !cut {
			t.Error("no reply was cut at 24 tokens")
		}
		var notes []string
		l.note = func(message string) { notes = append(notes, message) }
		defer torch.FailAfter(-1)
		torch.OutOfMemoryAfter(50)
		fewer, err := l.Write(context.Background(), prompts)
		if err != nil || !slices.Equal(fewer, together) {
			t.Errorf("with memory for fewer at once: %+v, %v, want %+v", fewer, err, together)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "the reward's model: generating at most 1 completions at once") {
			t.Errorf("with memory for fewer at once it tells %q", notes)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := l.Write(ctx, localPrompts); err == nil {
			t.Error("a cancelled context gave replies")
		}
	})
}

func TestGSRMOfOtherPromptsIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := checkGSRM(dir); err != nil {
		t.Errorf("a model that does not say: %v", err)
	}
	if err := markGSRM(dir); err != nil {
		t.Fatal(err)
	}
	if err := checkGSRM(dir); err != nil {
		t.Errorf("one of this version: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, gsrmFile), []byte(`{"prompt_version": "gsrm-0"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := checkGSRM(dir); err == nil || !strings.Contains(err.Error(), "gsrm-0") {
		t.Errorf("one of another version: %v", err)
	}
}

// A reward model over the base of a student that trains an adapter shares its weights and does
// not see the adapter; one with weights of its own has its adapter merged in.
func TestLocalModelsShareWeights(t *testing.T) {
	c := tinyConfig(t, "lora={r: 4}")
	c.Structure.Decomposer.BackendOptions = reward.BackendOptions{Backend: reward.BackendLocal, Model: c.Model, MaxTokens: 8}
	openTiny(t, c, func(s *Student, g *GRPO) error {
		if _, err := g.Step(tinySamples(), 0.5); err != nil { // the student's adapter now matters
			return err
		}
		batch := model.NewBatch([]model.Sequence{{Prompt: []int{5, 9, 30}, Completions: [][]int{{7, 8, 9}}}})
		before := s.LogProbs(batch, 1)
		live := torch.Live()
		models := localModels{config: c, loaded: map[string]*Student{c.Model: s}}
		shared, err := models.open(c.Structure.Decomposer.BackendOptions)
		if err != nil {
			return err
		}
		if now := torch.Live(); now != live {
			t.Errorf("sharing the student's weights took %d tensors", now-live)
		}
		prompts := []reward.Prompt{{User: "1 + 1"}, {User: "2 + 3 = 5"}, {User: "no"}}
		got, err := shared.Write(context.Background(), prompts)
		if err != nil {
			return err
		}
		alone, err := localModels{config: c, loaded: map[string]*Student{}}.open(c.Structure.Decomposer.BackendOptions)
		if err != nil {
			return err
		}
		want, err := alone.Write(context.Background(), prompts)
		if err != nil {
			return err
		}
		if !slices.Equal(got, want) {
			t.Errorf("over the student's base %+v, over weights of its own %+v", got, want)
		}
		if now := s.LogProbs(batch, 1); !slices.Equal(now, before) {
			t.Error("the student speaks otherwise after the reward model worked on its weights")
		}
		dir := filepath.Join(t.TempDir(), "adapter")
		if err := s.SaveModel(dir); err != nil {
			return err
		}
		for _, judge := range []string{reward.BackendRules, reward.BackendLocal} {
			c.Structure.Judge.Backend, c.Structure.Judge.Model, c.Structure.Decomposer.Adapter = judge, c.Model, dir
			lm, err := localModels{config: c, loaded: map[string]*Student{}}.open(c.Structure.Decomposer.BackendOptions)
			if err != nil {
				return err
			}
			if merged := lm.(*localLM).adapter == nil; merged != (judge == reward.BackendRules) {
				t.Errorf("with a judge by %s the adapter is merged: %v", judge, merged)
			}
			adapted, err := lm.Write(context.Background(), prompts)
			if err != nil {
				return err
			}
			if slices.Equal(adapted, want) {
				t.Error("the adapter changes nothing")
			}
		}
		return nil
	})
}
