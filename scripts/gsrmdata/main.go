// Command gsrmdata writes the labelled traces that the default generative structure reward
// model is trained and tested on, train.jsonl and test.jsonl:
//
//	go run ./scripts/gsrmdata --out .cache/gsrm
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/rlkd/rlkd/trainer/recipes/wordproblems"
)

func main() {
	seed := flag.Uint64("seed", 1, "the same seed gives the same files")
	out := flag.String("out", "", "directory to write train.jsonl and test.jsonl to")
	train := flag.Int("train", 3000, "rows in train.jsonl")
	test := flag.Int("test", 400, "rows in test.jsonl, half of them from held-out templates")
	flag.Parse()
	if err := run(*seed, *out, *train, *test); err != nil {
		fmt.Fprintln(os.Stderr, "gsrmdata:", err)
		os.Exit(1)
	}
}

// run generates the rows and writes both files.
func run(seed uint64, out string, train, test int) error {
	if out == "" || train < 0 || test < 0 || flag.NArg() > 0 {
		return fmt.Errorf("want --out DIR, no other arguments, and numbers of rows from 0")
	}
	trainRows, testRows := wordproblems.Traces(seed, train, test)
	return wordproblems.WriteJSONL(out, trainRows, testRows)
}
