package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/model/files"
)

// The measuring processes are this program itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestWork compares with what a pencil says of a model of three layers: each has 4·(4+2·2) + 4·4 +
// 3·4·8 = 144 weights in linear layers and 8 in norms.
func TestWork(t *testing.T) {
	k := costsOf(files.Config{HiddenSize: 4, NumHeads: 2, NumKVHeads: 1, HeadDim: 2, IntermediateSize: 8, NumLayers: 3, VocabSize: 10, TieWordEmbeddings: true})
	if want := (costs{layers: 432, head: 40, all: 500, pair: 48, cached: 12}); k != want {
		t.Fatalf("got %+v, want %+v", k, want)
	}
	s := Shape{Rows: 2, Group: 2, Prompt: 3, Completion: 2}
	for name, c := range map[string]struct{ got, want Work }{
		"prefill":   {k.prefill(s, 2), Work{2*432*3 + 48*6 + 2*40, 2 * (432 + 40 + 3*12)}},
		"decode":    {k.decode(s, 1, 2), Work{2 * (2*472 + 48*4), 2 * (472 + 2*4*12)}},
		"pass":      {k.pass(s, 2), Work{3 * (2*432*7 + 48*(6+2*(4+5)) + 2*40*4), 500 * (2*2 + 4)}},
		"optimizer": {k.optimizer(), Work{6000, 500 * 28}},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, c.got, c.want)
		}
	}
	l := Limits{FLOPs: map[string]float64{"bf16": 1000}, Bytes: 1000}
	if w, seconds := k.rollout(s, "bf16", l); w != (Work{2960 + 2272, 1016 + 1136}) || math.Abs(seconds-5.232) > 1e-9 {
		t.Errorf("rollout: %+v in %g s", w, seconds)
	}
	if _, seconds := k.update(s, "bf16", l); math.Abs(seconds-36.56) > 1e-9 {
		t.Errorf("update: %g s", seconds)
	}
}

func TestParseShape(t *testing.T) {
	for text, want := range map[string]Shape{
		"16x64+128": {16, 8, 64, 128}, "1x64+1024": {1, 1, 64, 1024}, "16x64+128/4": {16, 4, 64, 128}, "16x64+128/8": {16, 8, 64, 128},
	} {
		if got, err := ParseShape(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "16", "16x64", "16x64+128+1", "x64+128", "0x64+128", "16x64+128/3", "16x64+128/0", "16x-1+2", "16x64+128/"} {
		if got, err := ParseShape(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

// TestTable measures a tiny model at two shapes, as `make bench` does, in processes of its own.
func TestTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "student")
	for _, source := range []string{"../model/testdata/tiny-llama3-rope", "../trainer/testdata/tiny-tokenizer"} {
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "out.json")
	app := newApp()
	var out bytes.Buffer
	app.Writer = &out
	err := app.Run([]string{"bench", "--model", dir, "--dtype", "f32", "--shapes", "4x6+5/2,2x12+3", "--steps", "2", "--json", path})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Shapes) != 2 || len(r.Limits) != 3 {
		t.Fatalf("%d shapes, limits %+v", len(r.Shapes), r.Limits)
	}
	for i, want := range []string{"4x6+5/2", "2x12+3"} {
		s := r.Shapes[i]
		if s.Shape != want || len(s.Raw.Steps) != 2 || s.Raw.Job.Shape.String() != want {
			t.Errorf("shape %s with %d steps, want %s", s.Shape, len(s.Raw.Steps), want)
		}
		for _, of := range []func(Limits) float64{
			func(l Limits) float64 { return l.FLOPs["f32"] }, func(l Limits) float64 { return l.FLOPs["bf16"] }, func(l Limits) float64 { return l.Bytes },
		} {
			if a, b, mean := of(r.Limits[i]), of(r.Limits[i+1]), of(s.Limits); a <= 0 || b <= 0 || mean != (a+b)/2 {
				t.Errorf("%s: limits %g before, %g after, %g between", want, a, b, mean)
			}
		}
		for _, f := range s.Rows {
			if !(f.Min > 0 && f.Min <= f.Median && f.Median <= f.Max) || f.Limit < 0 {
				t.Errorf("%s: %+v", want, f)
			}
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %s:\n%s", want, &out)
		}
	}
}

// TestCompare checks which way round a ratio is.
func TestCompare(t *testing.T) {
	turn := func(rollout, all, peak float64) Turn {
		return Turn{Startup: 1, Steps: []Step{{Rollout: rollout, All: all}}, PeakBytes: peak}
	}
	c := Contest{
		Shape: Shape{Rows: 1, Group: 1, Prompt: 1, Completion: 6}, Goals: []float64{2, 2, 2, 2},
		Ours: []Turn{turn(1, 2, 1e9), turn(2, 2, 1e9)}, Theirs: []Turn{turn(6, 8, 3e9), turn(6, 8, 3e9)},
	}
	c.compare()
	for i, want := range []Spread{{3, 4.5, 6}, {4, 4, 4}, {3, 3, 3}, {1, 1, 1}} {
		if c.Rows[i].Times != want {
			t.Errorf("%s: %v times better, want %v", c.Rows[i].Figure, c.Rows[i].Times, want)
		}
	}
	if c.Rows[0].Ours != (Spread{3, 4.5, 6}) || c.Rows[0].Theirs != (Spread{1, 1, 1}) {
		t.Errorf("rollout: ours %v, theirs %v tokens/s", c.Rows[0].Ours, c.Rows[0].Theirs)
	}
}
