package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/trainer/plan"
)

// A plan of a model of 7.6 billion parameters needs no more of it than its config.json. Its
// numbers are those that can be worked out by hand.
func TestPlan(t *testing.T) {
	badFiles(t)
	before, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"plan", "--config", "train.yaml", "--set", "model=large", "--set", "device=cuda", "--memory", "192GB"}
	code, out, log := rlkd("", append(args, "--json")...)
	var p plan.Plan
	if err := json.Unmarshal([]byte(out), &p); code != 0 || err != nil || log != "" {
		t.Fatalf("exit %d, %v, stdout %q, stderr %q", code, err, out, log)
	}
	const parameters = 7_615_616_512
	if p.Parameters != parameters || p.Trained != parameters || p.Available != 192e9 || p.MicroTokens != 4096 {
		t.Errorf("%+v", p)
	}
	want := map[string]int64{"weights": 2 * parameters, "masters": 2 * parameters, "optimizer moments": 8 * parameters, "gradients": 4 * parameters,
		"KV cache": 2 * 28 * 64 * (512 + 1024) * 4 * 128 * 2}
	for _, phase := range p.Phases {
		sum := int64(0)
		for _, part := range phase.Parts {
			sum += part.Bytes
			if bytes, known := want[part.Name]; known && bytes != part.Bytes {
				t.Errorf("%s: %s is %d bytes, want %d", phase.Name, part.Name, part.Bytes, bytes)
			}
		}
		if sum != phase.Bytes || sum > p.Peak {
			t.Errorf("%s: %d bytes, its parts %d, the peak %d", phase.Name, phase.Bytes, sum, p.Peak)
		}
	}
	code, out, log = rlkd("", args...)
	for _, text := range []string{"optimizer moments", "56.7 GiB", "7615.6 million parameters", "the largest that fits is"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in\n%s", text, out)
		}
	}
	if code != 0 || log != "" {
		t.Errorf("exit %d, stderr %q", code, log)
	}
	if after, err := os.ReadDir("."); err != nil || len(after) != len(before) {
		t.Errorf("a plan left %v, %v", after, err)
	}
}
