package main

import (
	"fmt"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/model/tokenizer"
)

// words are tokens of their own, with a blank before, in most vocabularies.
var words = strings.Fields(`the of and to in is that for it as was with be by on not he his but at are this have from or had an they
which one you were her all she there would their we him been has when who will more no if out so said what up its about into than them can
only other new some could time these two may then do first any my now such like our over man me even most made after also did many before
must through back years where much your way well down should because each just those people how too little state good very make world still
own see men work long get here between both life being under never day same another know while last might us great old year off come since
against go came right used take three`)

// The random streams of bench, beside those of package rng.
const (
	promptWords rng.Purpose = 0x66600 + iota
	randomWeights
)

// prompts are n different texts of exactly so many tokens, and their ids, from a seed.
func prompts(t *tokenizer.Tokenizer, n, tokens int, seed uint64) (texts []string, ids [][]int, err error) {
	for i := range n {
		stream := rng.NewStream(seed, promptWords, uint64(i))
		text, got, fits := "", 0, true
		for tries := 0; got < tokens; tries++ {
			if tries > 8*tokens+100 {
				return nil, nil, fmt.Errorf("the tokenizer makes no text of %d tokens of common words", tokens)
			}
			longer := text + " " + words[stream.IntN(len(words))]
			if !fits { // a word is more than a token
				longer = text + words[0][:1]
			}
			k := len(t.Encode(longer, false))
			if fits = k <= tokens; fits {
				text, got = longer, k
			}
		}
		texts = append(texts, text)
		ids = append(ids, t.Encode(text, false))
	}
	return texts, ids, nil
}
