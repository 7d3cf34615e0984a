package verify

import (
	"math/big"
	"regexp"
	"strings"
)

// Bounds of one parse. They are counts, so a text is readable or not whatever the machine; answers beyond them are no
// answers people write.
const (
	maxAnswer = 3000   // bytes of one answer
	maxDepth  = 60     // nesting of groups
	maxSteps  = 400000 // calls of the parser's rules, which try alternatives in turn
)

// parser reads tokens by recursive descent with ordered alternatives: a rule that fails leaves pos where it was. The
// grammar is that of latex2sympy2_extended (PS.g4), whose parser also takes the first alternative that fits.
type parser struct {
	tokens []token
	pos    int
	depth  int
	steps  int
}

var thousands = regexp.MustCompile(`^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$`)

// parse reads a normalized answer.
func parse(s string) (*node, bool) {
	if n, ok := parseWhole(s); ok {
		return n, true
	}
	if last := lastEquation(s); last != s {
		return parseWhole(last)
	}
	return nil, false
}

func parseWhole(s string) (*node, bool) {
	if len(s) == 0 || len(s) > maxAnswer {
		return nil, false
	}
	if thousands.MatchString(s) {
		if strings.HasPrefix(s, "0") {
			return decimalNumber(strings.ReplaceAll(s, ",", ".")), true // 0,125 can only be a decimal comma
		}
		return decimalNumber(strings.TrimSpace(strings.ReplaceAll(s, ",", ""))), true
	}
	tokens, ok := lex(s)
	if !ok {
		return nil, false
	}
	p := &parser{tokens: tokens}
	for _, rule := range []func() (*node, bool){p.assignedElements, p.elements, p.setRelation} {
		p.pos = 0
		if n, ok := rule(); ok && p.pos == len(p.tokens) {
			return n, true
		}
	}
	return nil, false
}

// decimalNumber reads digits with an optional sign, point and exponent.
func decimalNumber(s string) *node {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		r = new(big.Rat)
	}
	return &node{kind: number, rat: r, decimal: strings.ContainsAny(s, ".E")}
}

func (p *parser) peek() string {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos].kind
	}
	return ""
}

func (p *parser) accept(kind string) bool {
	if p.pos < len(p.tokens) && p.tokens[p.pos].kind == kind {
		p.pos++
		return true
	}
	return false
}

func (p *parser) acceptAny(kinds ...string) (token, bool) {
	for _, k := range kinds {
		if p.accept(k) {
			return p.tokens[p.pos-1], true
		}
	}
	return token{}, false
}

// enter counts a step and a level; every rule that can nest calls it, and leave when done.
func (p *parser) enter() bool {
	p.depth++
	p.steps++
	return p.depth < maxDepth*8 && p.steps < maxSteps
}

func (p *parser) leave() { p.depth-- }

// try runs a rule and goes back if it fails.
func (p *parser) try(rule func() (*node, bool)) (*node, bool) {
	start := p.pos
	if p.enter() {
		if n, ok := rule(); ok {
			p.leave()
			return n, true
		}
	}
	p.leave()
	p.pos = start
	return nil, false
}

// between reads open, what rule reads, and shut.
func (p *parser) between(open string, rule func() (*node, bool), shut string) (*node, bool) {
	return p.try(func() (*node, bool) {
		if !p.accept(open) {
			return nil, false
		}
		n, ok := rule()
		return n, ok && p.accept(shut)
	})
}

// first returns what the first of the rules that fits reads.
func (p *parser) first(rules ...func() (*node, bool)) (*node, bool) {
	for _, rule := range rules {
		if n, ok := p.try(rule); ok {
			return n, true
		}
	}
	return nil, false
}

// leftAssoc reads operand (operator operand)*, joining from the left.
func (p *parser) leftAssoc(operand func() (*node, bool), join func(op token, a, b *node) *node, kinds ...string) (*node, bool) {
	n, ok := operand()
	if !ok {
		return nil, false
	}
	for {
		start := p.pos
		op, ok := p.acceptAny(kinds...)
		if !ok {
			return n, true
		}
		b, ok := p.try(operand)
		if !ok {
			p.pos = start
			return n, true
		}
		if n = join(op, n, b); n == nil {
			return nil, false
		}
	}
}
