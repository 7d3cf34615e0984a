package reward

import (
	"regexp"
	"strings"
)

var (
	sentenceEnd = regexp.MustCompile(`[.!?]+["')\]]*(?:\s+|$)|\n+`)
	clauseStart = regexp.MustCompile(`(?i)[,;:()\[\]{}]|\s[-–—]\s|\b(?:so|but|then|thus|therefore|hence|` + subordinate + `)\b`)
	// A clause that opens with one of these gives a reason or a circumstance, not the choice.
	subordinate    = `because|since|which|who|while|whereas|although|though|given|if|when`
	subordinateWay = regexp.MustCompile(`(?i)^(?:` + subordinate + `)\b`)
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
// none: in the last sentence with any content, the last clause with content that is no mere
// reason, from behind the verb of seeking up to what is passed over. So "A or B? The question
// names A, so first I find A" is about A, though it weighs B.
func focus(text string) string {
	sentences := cutAt(text, sentenceEnd)
	for i := len(sentences) - 1; i >= 0; i-- {
		sentence := text[sentences[i].from:sentences[i].to]
		fallback := ""
		clauses := clausesOf(sentence)
		for j := len(clauses) - 1; j >= 0; j-- {
			sought := soughtIn(clauses[j])
			switch {
			case sought == "":
			case !subordinateWay.MatchString(clauses[j]):
				return sought
			case fallback == "":
				fallback = sought
			}
		}
		if fallback != "" {
			return fallback
		}
	}
	return ""
}

// clausesOf cuts a sentence before its conjunctions and marks; marks are left out.
func clausesOf(sentence string) []string {
	var clauses []string
	from := 0
	for _, m := range clauseStart.FindAllStringIndex(sentence, -1) {
		clauses = append(clauses, strings.TrimSpace(sentence[from:m[0]]))
		from = m[0]
		if !letter(sentence[m[0]]) {
			from = m[1]
		}
	}
	return append(clauses, strings.TrimSpace(sentence[from:]))
}

// letter tells whether a byte is an ASCII letter.
func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// soughtIn returns the part of a clause that names what is sought, empty if the clause has no
// content words.
func soughtIn(clause string) string {
	if verbs := seeking.FindAllStringIndex(clause, -1); verbs != nil {
		if behind := kept(clause[verbs[len(verbs)-1][1]:]); behind != "" {
			return behind
		}
	}
	return kept(clause)
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
