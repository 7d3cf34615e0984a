package trainer

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMetricsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	m, err := OpenMetrics(path, -1)
	if err != nil {
		t.Fatal(err)
	}
	r := Record{Step: 3}
	r.Add("loss", -0.25)
	r.Add("rewards/accuracy/mean", nan)
	r.Add("grad_norm", math.Inf(1))
	r.Add("num_tokens", 12345678)
	r.Add("learning_rate", 3e-7)
	r.Add(`a"b`, 1)
	for range 2 {
		if err := m.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	const line = `{"step":3,"loss":-0.25,"rewards/accuracy/mean":null,"grad_norm":null,"num_tokens":12345678,"learning_rate":3e-7,"a\"b":1}` + "\n"
	if got, _ := os.ReadFile(path); string(got) != line+line {
		t.Errorf("got\n%swant twice\n%s", got, line)
	}
	if r.Get("loss") != -0.25 || !math.IsNaN(r.Get("no such")) {
		t.Errorf("Get: %g and %g", r.Get("loss"), r.Get("no such"))
	}
	if err := m.Write(r); err == nil {
		t.Error("a closed file was written to")
	}
}

func TestMetricsResume(t *testing.T) {
	const one, two, odd, three = "{\"step\":1,\"loss\":1}\n", "{\"step\":2,\"loss\":1e0}\n", "{ \"loss\": 1.50, \"step\": 2 }\r\n", "{\"step\":3}\n"
	for _, c := range []struct {
		name, before string
		last         int
		after, err   string
	}{
		{"no file", "", 5, "", ""},
		{"all kept", one + two, 2, one + two, ""},
		{"kept byte for byte", one + odd + three, 2, one + odd, ""},
		{"later steps cut", one + two + three, 1, one, ""},
		{"nothing kept", one + two, -1, "", ""},
		{"torn last line", one + two + `{"step":2,"lo`, 2, one + two, ""},
		{"last line without its end", one + strings.TrimSpace(two), 2, one, ""},
		{"last line of zeros", one + "\x00\x00\x00\n", 2, one, ""},
		{"bad line before the cut", one + "what\n" + two, 2, one + "what\n" + two, `metrics.jsonl:2: not a line of metrics: "what"`},
		{"line without a step", "{}\n" + two, 2, "{}\n" + two, `metrics.jsonl:1: not a line of metrics: "{}"`},
		{"bad line after the cut", one + three + "what\n" + two, 1, one, ""},
	} {
		path := filepath.Join(t.TempDir(), "metrics.jsonl")
		if err := os.WriteFile(path, []byte(c.before), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMetrics(path, c.last)
		if !strings.Contains(errorText(err), c.err) || (err != nil) != (c.err != "") {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
		if err == nil {
			if err := m.Write(Record{Step: c.last + 1}); err != nil {
				t.Fatal(err)
			}
			line, _ := Record{Step: c.last + 1}.MarshalJSON()
			c.after += string(line) + "\n"
			m.Close()
		}
		if got, _ := os.ReadFile(path); string(got) != c.after {
			t.Errorf("%s: file is %q, want %q", c.name, got, c.after)
		}
	}
}
