package tokenizer

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// piece is a run of text on its way to the model.
type piece struct {
	text  string
	first bool // it begins where the whole text begins
}

// emit passes on the part of p between two offsets, unless it is empty.
func (p piece) emit(start, end int, to func(piece)) {
	if start < end {
		to(piece{p.text[start:end], p.first && start == 0})
	}
}

// splitter is a pre-tokenizer: it calls emit for the parts of a piece that is
// not empty.
type splitter func(p piece, emit func(piece))

// newSplitter returns the splitter of a pre-tokenizer, and whether the model
// is to read bytes. Words stay as they are until then: the byte alphabet is
// applied by the model, so ByteLevel can only come last.
func newSplitter(c component) (split splitter, byteLevel bool, err error) {
	switch c.Type {
	case "":
		return func(p piece, emit func(piece)) { emit(p) }, false, nil
	case "Sequence":
		return newSplitterSequence(c)
	case "ByteLevel":
		split, err = newByteLevel(c)
		return split, true, err
	case "Split":
		split, err = newSplit(c)
	case "Digits":
		split, err = newDigits(c)
	case "Metaspace":
		split, err = newMetaspace(c)
	case "WhitespaceSplit":
		split = behaviors["Removed"](runs(unicode.IsSpace), false)
	case "Whitespace":
		split = behaviors["Removed"](words, true)
	default:
		err = c.unsupported("Sequence", "ByteLevel", "Split", "Digits", "Metaspace", "Whitespace", "WhitespaceSplit")
	}
	return split, false, err
}

func newSplitterSequence(c component) (splitter, bool, error) {
	parts, err := c.list("pretokenizers")
	if err != nil {
		return nil, false, err
	}
	split, byteLevel := func(p piece, emit func(piece)) { emit(p) }, false
	for i, part := range parts {
		if byteLevel {
			return nil, false, parts[i-1].errorf("ByteLevel is only supported as the last pre-tokenizer")
		}
		var next splitter
		if next, byteLevel, err = newSplitter(part); err != nil {
			return nil, false, err
		}
		if i == 0 {
			split = next
			continue
		}
		before := split
		split = func(p piece, emit func(piece)) {
			before(p, func(q piece) { next(q, emit) })
		}
	}
	return split, byteLevel, nil
}

func newByteLevel(c component) (splitter, error) {
	f := struct {
		AddPrefixSpace bool `json:"add_prefix_space"`
		UseRegex       bool `json:"use_regex"`
	}{true, true}
	if err := c.read(&f); err != nil {
		return nil, err
	}
	words := func(p piece, emit func(piece)) { emit(p) }
	if f.UseRegex {
		words = isolated(knownPatterns[gpt2Pattern], false)
	}
	return func(p piece, emit func(piece)) {
		if f.AddPrefixSpace && p.text[0] != ' ' {
			p.text = " " + p.text
		}
		words(p, emit)
	}, nil
}

func newSplit(c component) (splitter, error) {
	var f struct {
		Pattern  patternFile
		Behavior string
		Invert   bool
	}
	if err := c.read(&f); err != nil {
		return nil, err
	}
	match, err := f.Pattern.compile(c)
	if err != nil {
		return nil, err
	}
	behavior, ok := behaviors[f.Behavior]
	if !ok {
		return nil, c.errorf("behavior %q is not supported (supported: Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous)", f.Behavior)
	}
	return behavior(match, f.Invert), nil
}

func newDigits(c component) (splitter, error) {
	var f struct {
		IndividualDigits bool `json:"individual_digits"`
	}
	if err := c.read(&f); err != nil {
		return nil, err
	}
	if !f.IndividualDigits {
		return isolated(runs(unicode.IsNumber), false), nil
	}
	return isolated(func(text string, found func(start, end int)) {
		for i, r := range text {
			if unicode.IsNumber(r) {
				found(i, i+utf8.RuneLen(r))
			}
		}
	}, false), nil
}

// runs matches the longest runs of characters of a kind.
func runs(of func(rune) bool) matcher {
	return func(text string, found func(start, end int)) {
		start := none
		for i, r := range text {
			if in := of(r); in && start == none {
				start = i
			} else if !in && start != none {
				found(start, i)
				start = none
			}
		}
		if start != none {
			found(start, len(text))
		}
	}
}

// words matches `\w+|[^\w\s]+`.
func words(text string, found func(start, end int)) {
	kind := func(r rune) int {
		switch {
		case isWord(r):
			return 1
		case unicode.IsSpace(r):
			return 0
		}
		return 2
	}
	start, current := 0, 0
	for i, r := range text {
		if k := kind(r); k != current {
			if current != 0 {
				found(start, i)
			}
			start, current = i, k
		}
	}
	if current != 0 {
		found(start, len(text))
	}
}

// behaviors are what a Split can do with the matches of its pattern. With
// invert, what lies between the matches counts as the matches.
var behaviors = map[string]func(match matcher, invert bool) splitter{
	"Isolated":           isolated,
	"Removed":            regrouped(removed),
	"Contiguous":         regrouped(contiguous),
	"MergedWithPrevious": regrouped(mergedWithPrevious),
	"MergedWithNext":     regrouped(mergedWithNext),
}

func isolated(match matcher, _ bool) splitter {
	return func(p piece, emit func(piece)) {
		done := 0
		match(p.text, func(start, end int) {
			p.emit(done, start, emit)
			p.emit(start, end, emit)
			done = end
		})
		p.emit(done, len(p.text), emit)
	}
}

// span is a part of a text, and whether the pattern matched it.
type span struct {
	start, end int
	match      bool
}

func regrouped(group func([]span) []span) func(match matcher, invert bool) splitter {
	return func(match matcher, invert bool) splitter {
		return func(p piece, emit func(piece)) {
			for _, s := range group(spans(p.text, match, invert)) {
				p.emit(s.start, s.end, emit)
			}
		}
	}
}

// spans covers a text with the matches and what lies between them.
func spans(text string, match matcher, invert bool) []span {
	var all []span
	done := 0
	match(text, func(start, end int) {
		if done < start {
			all = append(all, span{done, start, invert})
		}
		all = append(all, span{start, end, !invert})
		done = end
	})
	if done < len(text) {
		all = append(all, span{done, len(text), invert})
	}
	return all
}

func removed(all []span) []span {
	return slices.DeleteFunc(all, func(s span) bool { return s.match })
}

func contiguous(all []span) (out []span) {
	for _, s := range all {
		if last := len(out) - 1; last >= 0 && out[last].match == s.match {
			out[last].end = s.end
		} else {
			out = append(out, s)
		}
	}
	return out
}

func mergedWithPrevious(all []span) (out []span) {
	before := false
	for _, s := range all {
		if s.match && !before && len(out) > 0 {
			out[len(out)-1].end = s.end
		} else {
			out = append(out, s)
		}
		before = s.match
	}
	return out
}

func mergedWithNext(all []span) (out []span) {
	after := false
	for _, s := range slices.Backward(all) {
		if s.match && !after && len(out) > 0 {
			out[len(out)-1].start = s.start
		} else {
			out = append(out, s)
		}
		after = s.match
	}
	slices.Reverse(out)
	return out
}
