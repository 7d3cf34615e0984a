package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry of added_tokens, under the names of tokenizer.json.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addedTokens finds the added tokens in a text before the model sees it.
type addedTokens struct {
	texts      map[int]string  // by id: what is matched and decoded
	special    map[string]bool // contents of the special tokens
	raw        tokenFinder     // matched in the text as given
	normalized tokenFinder     // matched in the normalized text
}

func newAddedTokens(tokens []addedToken, normalize normalizer) *addedTokens {
	a := &addedTokens{texts: make(map[int]string, len(tokens)), special: make(map[string]bool)}
	for i := range tokens {
		token := &tokens[i]
		text, finder := token.Content, &a.raw
		if token.Normalized {
			text, finder = normalize(token.Content), &a.normalized
		}
		if text == "" {
			continue
		}
		a.texts[token.ID] = text
		if token.Special {
			a.special[token.Content] = true
		}
		finder.add(token, text)
	}
	return a
}

// tokenFinder is a trie over the bytes of token texts.
type tokenFinder struct {
	root   trieNode
	starts [256]bool // bytes a token begins with
}

type trieNode struct {
	next  map[byte]*trieNode
	token *addedToken
}

func (f *tokenFinder) add(token *addedToken, text string) {
	f.starts[text[0]] = true
	node := &f.root
	for i := 0; i < len(text); i++ {
		if node.next == nil {
			node.next = make(map[byte]*trieNode)
		}
		child := node.next[text[i]]
		if child == nil {
			child = &trieNode{}
			node.next[text[i]] = child
		}
		node = child
	}
	node.token = token
}

// find returns the leftmost token in text at or after from, of several the
// longest, and where it starts and ends; nil if there is none.
func (f *tokenFinder) find(text string, from int) (found *addedToken, start, end int) {
	for ; from < len(text); from++ {
		if !f.starts[text[from]] {
			continue
		}
		node := &f.root
		for i := from; i < len(text) && node.next != nil; i++ {
			if node = node.next[text[i]]; node == nil {
				break
			}
			if node.token != nil {
				found, start, end = node.token, from, i+1
			}
		}
		if found != nil {
			break
		}
	}
	return found, start, end
}

// each calls token for the added tokens in p and plain for what lies between
// them, in order. It follows find_matches in the reference's
// added_vocabulary.rs, also in this: a match that single_word rejects still
// hides the matches it overlaps.
func (f *tokenFinder) each(p piece, token func(id int), plain func(piece)) {
	done, from := 0, 0
	for {
		found, start, end := f.find(p.text, from)
		if found == nil {
			break
		}
		from = end
		if found.SingleWord && (endsWithWord(p.text[:start]) || startsWithWord(p.text[end:])) {
			continue
		}
		if found.LStrip {
			start = max(len(strings.TrimRightFunc(p.text[:start], unicode.IsSpace)), done)
		}
		if found.RStrip {
			end = len(p.text) - len(strings.TrimLeftFunc(p.text[end:], unicode.IsSpace))
		}
		if done < start {
			p.emit(done, start, plain)
		}
		token(found.ID)
		done = end
	}
	if done < len(p.text) {
		p.emit(done, len(p.text), plain)
	}
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

// isWord is \w of Unicode regular expressions (UTS 18, annex C).
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control)
}
