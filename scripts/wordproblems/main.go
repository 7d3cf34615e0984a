// Command wordproblems writes the quick start's data, train.jsonl and test.jsonl:
//
//	go run ./scripts/wordproblems --seed 1 --out trainer/recipes/quickstart
//
// With --steps every row has the exact steps of its teacher's text as well:
//
//	go run ./scripts/wordproblems --seed 1 --steps --out .cache/quickstart-steps
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
	train := flag.Int("train", 600, "rows in train.jsonl")
	test := flag.Int("test", 200, "rows in test.jsonl")
	steps := flag.Bool("steps", false, "write the steps of the teacher's texts too")
	flag.Parse()
	if err := run(*seed, *out, *train, *test, *steps); err != nil {
		fmt.Fprintln(os.Stderr, "wordproblems:", err)
		os.Exit(1)
	}
}

// run generates the rows and writes both files.
func run(seed uint64, out string, train, test int, steps bool) error {
	if out == "" || train < 0 || test < 0 || flag.NArg() > 0 {
		return fmt.Errorf("want --out DIR, no other arguments, and numbers of rows from 0")
	}
	rows, problems := wordproblems.Generate(seed, train, test)
	if steps {
		rows = wordproblems.WithSteps(seed, rows, problems)
	}
	return wordproblems.WriteJSONL(out, rows[:train], rows[train:])
}
