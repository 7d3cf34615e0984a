package openr1

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var columns = Columns{Llama: true, Keep: []string{"uuid", "source", "problem_type", "no_such_column"}}

// read returns all records of a file, which must be readable.
func read(t *testing.T, path string) []Record {
	t.Helper()
	var all []Record
	if err := Read(path, columns, func(r Record) error {
		if r.Generations == nil {
			r.Generations = []string{}
		}
		if r.MathVerify == nil {
			r.MathVerify = []bool{}
		}
		all = append(all, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFormsAgree checks that parquet as published, parquet as other writers make it, JSON lines
// and gzipped JSON lines hold the same records, as pyarrow read them back.
func TestFormsAgree(t *testing.T) {
	want := read(t, "testdata/published.jsonl")
	if len(want) != 78 {
		t.Fatalf("%d records, want 78", len(want))
	}
	text, err := os.ReadFile("testdata/published.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(text)
	z.Close()
	zipped := filepath.Join(t.TempDir(), "rows.jsonl.gz")
	if err := os.WriteFile(zipped, packed.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"testdata/published.parquet", "testdata/renamed.parquet", zipped} {
		got := read(t, path)
		if len(got) != len(want) {
			t.Errorf("%s: %d records, want %d", path, len(got), len(want))
			continue
		}
		for i := range got {
			w := want[i]
			if path == "testdata/renamed.parquet" {
				w.Llama = nil // a column of nulls
			}
			if !reflect.DeepEqual(got[i], w) {
				t.Errorf("%s: record %d: got\n%#v\nwant\n%#v", path, i, got[i], w)
			}
		}
	}
}

// TestBadFiles checks that each fault is an error that names the file and what is wrong there.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile("testdata/published.parquet")
	if err != nil {
		t.Fatal(err)
	}
	good := `{"problem":"p","answer":"a","generations":["g"],"correctness_math_verify":[true]}` + "\n"
	for name, text := range map[string]string{
		"json.jsonl":      good + `{"problem":`,
		"key.jsonl":       good + `{"problem":"p","answer":"a"}`,
		"type.jsonl":      good + good + `{"problem":"p","answer":1,"generations":[],"correctness_math_verify":[]}`,
		"verdicts.jsonl":  `{"problem":"p","answer":"1","generations":[],"correctness_math_verify":[1]}`,
		"list.jsonl":      "[" + good + "]",
		"cut.jsonl.gz":    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4a",
		"pointer.parquet": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
		"text.parquet":    good,
		"empty.parquet":   "",
		"head.parquet":    string(whole[:100]),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, want string }{
		{"testdata/schema-type.parquet", `column "answer": want text, got DOUBLE`},
		{"testdata/schema-list.parquet", `column "generations": want a list of texts, got STRING`},
		{"testdata/schema-verdicts.parquet", `column "correctness_math_verify": want a list of booleans, got a list of INT64`},
		{"testdata/schema-missing.parquet", `no column "generations"; want a list of texts`},
		{"testdata/schema-renamed.parquet", `no column "problem"; want text`},
		{"testdata/rle.parquet", `column "correctness_math_verify": booleans stored as run lengths cannot be read`},
		{"testdata/truncated.parquet", "not a whole parquet file"},
		{dir + "/json.jsonl", "json.jsonl:2: not valid JSON"},
		{dir + "/key.jsonl", `key.jsonl:2: missing key "generations"`},
		{dir + "/type.jsonl", "type.jsonl:3: answer: want text, got the number 1"},
		{dir + "/verdicts.jsonl", "verdicts.jsonl:1: correctness_math_verify: want a list, each true or false"},
		{dir + "/list.jsonl", "list.jsonl:1: "},
		{dir + "/cut.jsonl.gz", "cut.jsonl.gz"},
		{dir + "/pointer.parquet", "a Git LFS pointer"},
		{dir + "/text.parquet", "not a whole parquet file"},
		{dir + "/empty.parquet", "not a whole parquet file"},
		{dir + "/head.parquet", "not a whole parquet file"},
		{dir + "/none.parquet", "none.parquet: no such file"},
	} {
		err := Read(c.path, columns, func(Record) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.path) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", c.path, err, c.want)
		}
	}
}

// TestDamagedParquet changes bytes of a parquet file all over: what comes out is records or an
// error that names the file, never a panic.
func TestDamagedParquet(t *testing.T) {
	whole, err := os.ReadFile("testdata/published.parquet")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.parquet")
	failed := 0
	for at := 4; at < len(whole); at += 37 {
		bad := bytes.Clone(whole)
		bad[at] ^= 0xa5
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := Read(path, columns, func(Record) error { return nil }); err != nil {
			failed++
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("byte %d: %v", at, err)
			}
		}
	}
	if failed < 50 {
		t.Errorf("only %d of %d damages were noticed", failed, len(whole)/37)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.parquet", "a.parquet", "c.jsonl.gz", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet"), filepath.Join(dir, "c.jsonl.gz")
	for _, test := range []struct {
		patterns, want []string
	}{
		{[]string{dir}, []string{a, b, c}},
		{[]string{filepath.Join(dir, "*.parquet")}, []string{a, b}},
		{[]string{c, a}, []string{c, a}},
		{[]string{a, dir}, nil},
		{[]string{filepath.Join(dir, "no-*.parquet")}, nil},
		{[]string{filepath.Join(dir, "none")}, nil},
	} {
		got, err := Files(test.patterns)
		if (err != nil) != (test.want == nil) || fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v: got %v, %v", test.patterns, got, err)
		}
	}
}
