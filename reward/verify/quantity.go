package verify

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// quantity is a step answer: what is written, as an expression, with its unit and the words the unit is given in. The
// unit is "" if none is given.
type quantity struct {
	value *node
	unit  string
	words []string
}

// sameUnit holds if the units are one or one is missing; "red apples" and "apples" share a word and are one.
func (q quantity) sameUnit(r quantity) bool {
	return q.unit == "" || r.unit == "" || q.unit == r.unit ||
		slices.ContainsFunc(q.words, func(w string) bool { return slices.Contains(r.words, w) })
}

// Equal says whether two short step answers ("48 km", "12 apples", "$24", "x = 3") are equal. The same number with
// another unit is not equal; a unit that one side leaves out is. Units of one dimension are converted (1.5 h is 90
// minutes). In a sentence the last equation counts, else its only number. The error is ErrUnsettled.
func Equal(gold, answer string) (bool, error) {
	a, okA := readQuantity(gold)
	b, okB := readQuantity(answer)
	if !okA || !okB {
		if s := plainWords(gold); s != "" && s == plainWords(answer) {
			return true, nil
		}
		return false, ErrUnsettled
	}
	if a.sameUnit(b) {
		return equalNodes(a.value, b.value), nil
	}
	ua, okA := unitSizes[a.unit]
	ub, okB := unitSizes[b.unit]
	if okA && okB && ua.dimension == ub.dimension {
		return equalNodes(ua.times(a.value), ub.times(b.value)), nil
	}
	return false, nil
}

// plainWords is a text in lower case without marks and doubled blanks.
func plainWords(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127)
	}), " ")
}

var (
	currency    = regexp.MustCompile(`^(-?)\s*\\?([$€£¥])\s*`)
	finalMark   = regexp.MustCompile(`[\s.;:!]+$`)
	figure      = regexp.MustCompile(`(?:\\?[$€£¥]\s*)?-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|\d)(?:\s*/\s*\d+)?\s*%?`)
	afterFigure = regexp.MustCompile(`^\s*([a-zA-Z]+(?:\s*\^?\{?[23]\}?\b|[²³])?(?:\s*(?:/|per)\s*[a-zA-Z]+)?)`)
	trailing    = regexp.MustCompile(`^(.*?[\d)}\]!])\s*([a-zA-Z][a-zA-Z\s]*(?:\^?\{?[23]\}?|[²³])?(?:\s*/\s*[a-zA-Z]+(?:\^?\{?[23]\}?|[²³])?)?)$`)
	mixed       = regexp.MustCompile(`(\d)\s+(\d+)\s*/\s*(\d+)`)
	timesX      = regexp.MustCompile(`(\d)\s*[x×]\s*(\d)`)
	twoDollars  = regexp.MustCompile(`\$\s*\d[^$]*\$\s*\d`)
	marks       = strings.NewReplacer("**", "", "`", "", `\(`, "", `\)`, "", `\,`, " ", `\$`, "$", "−", "-")
	word        = regexp.MustCompile(`[a-zA-Z]{2,}`)
	command     = regexp.MustCompile(`\\(?:text|mathrm|mbox|textbf)\s*\{([^{}]*)\}`)
)

// readQuantity reads a step answer; it fails on text that is not mathematics.
func readQuantity(s string) (quantity, bool) {
	if len(s) > maxAnswer {
		return quantity{}, false
	}
	if p, ok := lastBoxed(s); ok {
		s = p.latex
	}
	s = strings.TrimSpace(finalMark.ReplaceAllString(marks.Replace(s), ""))
	if strings.Count(s, "$") >= 2 && !twoDollars.MatchString(s) {
		s = strings.TrimSpace(strings.ReplaceAll(s, "$", "")) // LaTeX delimiters, not prices
	}
	s = timesX.ReplaceAllString(mixed.ReplaceAllString(s, `$1\frac{$2}{$3}`), "$1*$2")
	s = command.ReplaceAllString(s, " $1 ")
	if q, ok := readPlain(s); ok {
		return q, true
	}
	if i := strings.LastIndexAny(s, "=≈"); i >= 0 && i+1 < len(s) {
		if q, ok := readPlain(s[i+1:]); ok {
			return q, true
		}
		s = s[i+1:]
	}
	return onlyFigure(s)
}

// readPlain reads an expression with at most a currency sign before it and a unit behind.
func readPlain(s string) (quantity, bool) {
	s = strings.TrimSpace(s)
	var q quantity
	if m := currency.FindStringSubmatch(s); m != nil {
		q.unit, s = unitName(m[2]), m[1]+s[len(m[0]):]
	}
	if m := trailing.FindStringSubmatch(s); m != nil && !strings.Contains(s, "=") || m != nil && word.MatchString(m[2]) {
		if _, known := unitNames[m[2]]; known || word.MatchString(m[2]) && m[2] != "pi" {
			s = m[1]
			q.words = strings.Fields(strings.ToLower(m[2]))
			for i, w := range q.words {
				q.words[i] = singular(w)
			}
			if q.unit == "" {
				q.unit = unitName(m[2])
			}
		}
	}
	if word.MatchString(withoutCommands.ReplaceAllString(s, "")) {
		return quantity{}, false
	}
	n, ok := parse(mendOperators(basicLatex(s)))
	if !ok {
		return quantity{}, false
	}
	if isEquation(n) && links(n)[0].args[0].isConstant() {
		n = lastLink(n).args[1] // 3 + 4 = 7 is the answer 7
	}
	q.value = n
	return q, true
}

var withoutCommands = regexp.MustCompile(`\\[a-zA-Z]+`)

// onlyFigure reads the number of a sentence that has just one.
func onlyFigure(s string) (quantity, bool) {
	at := figure.FindAllStringIndex(s, 2)
	if len(at) != 1 {
		return quantity{}, false
	}
	text := strings.TrimSpace(s[at[0][0]:at[0][1]])
	if m := afterFigure.FindStringSubmatch(s[at[0][1]:]); m != nil {
		text += " " + m[1]
	}
	return readPlain(text)
}

// unitName is a unit in one spelling: the last word of "red apples", in the singular, with synonyms joined.
func unitName(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.NewReplacer("²", "^2", "³", "^3", " per ", "/", "square ", "sq ", "{", "", "}", "").Replace(s)
	if rest, ok := strings.CutPrefix(s, "sq "); ok {
		s = unitName(rest) + "^2"
	} else if rest, ok := strings.CutPrefix(s, "cubic "); ok {
		s = unitName(rest) + "^3"
	}
	if u, ok := unitNames[s]; ok {
		return u
	}
	if i := strings.LastIndexByte(s, ' '); i >= 0 && !strings.Contains(s, "/") {
		s = s[i+1:]
	}
	if u, ok := unitNames[s]; ok {
		return u
	}
	return singular(s)
}

func singular(s string) string {
	switch {
	case strings.HasSuffix(s, "ies") && len(s) > 4:
		return s[:len(s)-3] + "y"
	case strings.HasSuffix(s, "ches"), strings.HasSuffix(s, "shes"), strings.HasSuffix(s, "xes"), strings.HasSuffix(s, "sses"):
		return s[:len(s)-2]
	case strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss") && len(s) > 2:
		return s[:len(s)-1]
	}
	return s
}

// unitSize is a unit in terms of its dimension's base unit.
type unitSize struct {
	dimension string
	size      *big.Rat
}

func (u unitSize) times(n *node) *node {
	if n.kind == number {
		return &node{kind: number, rat: new(big.Rat).Mul(n.rat, u.size), decimal: n.decimal}
	}
	return flat(product, &node{kind: number, rat: u.size}, n)
}

// units lists dimension, size and the spellings of a unit, the first of them its name.
var units = []string{
	"length 1 m meter meters metre metres", "length 1000 km kilometer kilometers kilometre kilometres",
	"length 1/100 cm centimeter centimeters centimetre centimetres", "length 1/1000 mm millimeter millimeters millimetre millimetres",
	"feet 1 ft foot feet", "feet 1/12 inch inches in", "feet 3 yard yards yd", "feet 5280 mile miles mi",
	"mass 1 g gram grams", "mass 1000 kg kilogram kilograms kilo kilos", "mass 1/1000 mg milligram milligrams", "pounds 1 lb lbs pound pounds", "pounds 1/16 oz ounce ounces",
	"time 1 s second seconds sec secs", "time 60 minute minutes min mins", "time 3600 hour hours h hr hrs", "time 86400 day days", "time 604800 week weeks",
	"volume 1 l liter liters litre litres", "volume 1/1000 ml milliliter milliliters millilitre millilitres",
	"money 1 dollar dollars $ usd", "money 1/100 cent cents", "years 1 year years", "years 1/12 month months",
	"angle 1 degree degrees", "euro 1 euro euros €", "pounds-sterling 1 £", "yen 1 ¥ yen",
	"speed 1 km/h kmh kph km/hr km/hour kilometers/hour", "speed-miles 1 mph mile/hour miles/hour miles/h mi/h", "count 12 dozen dozens",
}

var unitNames, unitSizes = readUnits()

func readUnits() (map[string]string, map[string]unitSize) {
	names, sizes := map[string]string{}, map[string]unitSize{}
	for _, u := range units {
		f := strings.Fields(u)
		size, _ := new(big.Rat).SetString(f[1])
		sizes[f[2]] = unitSize{f[0], size}
		for _, spelling := range f[2:] {
			names[spelling] = f[2]
		}
	}
	return names, sizes
}
