package reward

import (
	"regexp"
	"strings"
)

var (
	sentenceEnd = regexp.MustCompile(`[.!?]+["')\]]*(?:\s+|$)|\n+`)
	// The marks and words that open a clause: conclusions in group 1, reasons and circumstances in 2.
	clauseStart = regexp.MustCompile(`(?i)[,;:()\[\]{}]|\s[-–—]\s|\b(so|but|then|thus|therefore|hence)\b|` +
		`\b(because|since|which|who|while|whereas|although|though|given|if|when)\b`)
	possible = regexp.MustCompile(`(?i)\b(?:could|can|might|may|would|either|whether)\b`)
	// What is sought stands behind these.
	seeking = regexp.MustCompile(`(?i)\b(?:find(?:ing)?|figure out|work(?:ing)? out|comput(?:e|ing)|calculat(?:e|ing)|` +
		`determin(?:e|ing)|count(?:ing)?|get(?:ting)?|need|want|solv(?:e|ing)(?: for)?|(?:start|begin)(?:ning|ing)? (?:with|from|by)|` +
		`tak(?:e|ing)|handl(?:e|ing)|look(?:ing)? at|tackl(?:e|ing)|pick|choose|consider|go(?:ing)? (?:with|for)|turn to|move on to)\b`)
	// What is passed over stands behind these.
	contrast = regexp.MustCompile(`(?i)\b(?:rather than|instead of|ahead of|before|over|and not|not)\b`)
)

// span is a stretch of text, in bytes.
type span struct{ from, to int }

// cutAt returns the stretches of text that end where the pattern's matches do.
func cutAt(text string, pattern *regexp.Regexp) []span {
	var spans []span
	from := 0
	for _, m := range pattern.FindAllStringIndex(text, -1) {
		spans = append(spans, span{from, m[1]})
		from = m[1]
	}
	if from < len(text) {
		spans = append(spans, span{from, len(text)})
	}
	return spans
}

// focus returns the words of a text that say what it sets out to find, empty if there are
// none. They stand in the last sentence with any content, in its last clause that is no mere
// reason, unless an earlier one that leads up to it has a verb of seeking ("to find A, multiply
// by B"); from behind that verb up to what is passed over. So "A or B? The question names A, so
// first I find A" is about A, though it weighs B.
func focus(text string) string {
	sentences := cutAt(text, sentenceEnd)
	for i := len(sentences) - 1; i >= 0; i-- {
		if sought := focusOfSentence(text[sentences[i].from:sentences[i].to]); sought != "" {
			return sought
		}
	}
	return ""
}

// focusOfSentence is [focus] for one sentence.
func focusOfSentence(sentence string) string {
	clauses := clausesOf(sentence)
	last, reason := "", ""
	for i := len(clauses) - 1; i >= 0; i-- {
		sought, decided := soughtIn(clauses[i].text)
		switch {
		case sought == "":
		case clauses[i].opener == reasons:
			reason = sought
		case decided:
			return sought
		case last == "":
			last = sought
		}
		if last != "" && clauses[i].opener == conclusion {
			break
		}
	}
	if last == "" {
		return reason
	}
	return last
}

// opener is how a clause begins.
type opener int

const (
	mark       opener = iota // at a mark, or the start of the sentence
	conclusion               // with so, but, then or the like
	reasons                  // with because, which, if or the like
)

// clause is a part of a sentence, without what opens it.
type clause struct {
	text   string
	opener opener
}

// clausesOf cuts a sentence at its marks and conjunctions.
func clausesOf(sentence string) []clause {
	var clauses []clause
	from, opens := 0, mark
	for _, m := range clauseStart.FindAllStringSubmatchIndex(sentence, -1) {
		clauses = append(clauses, clause{strings.TrimSpace(sentence[from:m[0]]), opens})
		from, opens = m[1], mark
		if m[2] >= 0 {
			opens = conclusion
		}
		if m[4] >= 0 {
			opens = reasons
		}
	}
	return append(clauses, clause{strings.TrimSpace(sentence[from:]), opens})
}

// soughtIn returns the part of a clause that names what is sought, empty if the clause has no
// content words, and whether a verb says so. A verb of what could be done decides nothing.
func soughtIn(clause string) (sought string, decided bool) {
	if verbs := seeking.FindAllStringIndex(clause, -1); verbs != nil {
		at := verbs[len(verbs)-1]
		if behind := kept(clause[at[1]:]); behind != "" {
			return behind, !possible.MatchString(clause[:at[0]])
		}
	}
	return kept(clause), false
}

// kept returns a phrase up to what it passes over, if that leaves content words, else the
// whole phrase, or nothing when it has none.
func kept(phrase string) string {
	if at := contrast.FindStringIndex(phrase); at != nil && len(contentWords(phrase[:at[0]])) > 0 {
		phrase = phrase[:at[0]]
	}
	if len(contentWords(phrase)) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(phrase), ".,;:!?"))
}
