package verify

import (
	"regexp"
	"strings"
)

// normalizeAnswer cleans the LaTeX of a completion as latex2sympy2_extended's NormalizationConfig does with basic_latex,
// equations and units: it unifies commands, drops decoration and a trailing unit, and keeps the last part of a chain
// a = b = c.
func normalizeAnswer(s string) string {
	return strings.TrimSpace(dropUnits(lastEquation(basicLatex(s))))
}

// normalizeGold cleans a gold answer: as normalizeAnswer, but equation chains stay whole and malformed operators
// (\frac12, \sqrt3, ^(2)) are mended, because nobody rewards how a gold is written.
func normalizeGold(s string) string {
	s = dropUnits(basicLatex(s))
	if s == "0.5" {
		s = `\frac{1}{2}`
	}
	return strings.TrimSpace(mendOperators(s))
}

var (
	leftDelimiter  = regexp.MustCompile(`\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)`)
	rightDelimiter = regexp.MustCompile(`\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)`)
	permutation    = regexp.MustCompile(`\(([a-zA-Z0-9+\-*/\\ ]+?)\)_\{([a-zA-Z0-9+\-*/\\ ]+?)\}`)
	decoration     = regexp.MustCompile(`\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|\\displaystyle`)
	quote          = regexp.MustCompile(`(^|[^\\])["']+`)
	doubleSlash    = regexp.MustCompile(`\\\\([a-zA-Z])`)
)

// rewrites are applied in order; each leaves nothing for an earlier one to find.
var rewrites = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(,?\s*\\text\{\s*(?:and|or)\s*\})`), ","},
	{regexp.MustCompile(`\\math(?:rm|it|bf)`), `\text`},
	{regexp.MustCompile(`\\text(?:normal|bf|it|rm)`), `\text`},
	{regexp.MustCompile(`\\(?:d|t|c)frac`), `\frac`},
	{regexp.MustCompile(`\s\.`), " 0."},
	{regexp.MustCompile(`\{\.`), "{0."},
	{regexp.MustCompile(`~=`), `\approx`},
	{regexp.MustCompile(`\s*\{\s*,\s*\}`), ","},
	{regexp.MustCompile(`(^|[^a-zA-Z,\s])(?:,?\s*)\b(?:and|or)\b`), "$1,"},
	{regexp.MustCompile(`(^|[^\\])\\\s`), "$1 "},
	{regexp.MustCompile(`infinity`), `\infty`},
	{regexp.MustCompile(`,?\\ldots`), " "},
	{regexp.MustCompile(`\\text\{(?:percentage|percent|pct)\}`), "%"},
	{regexp.MustCompile(`\s*\b(?:percentage|percent|pct)\b`), `\%`},
	{regexp.MustCompile(`(^|[^\\])inf`), `$1\infty`},
	{regexp.MustCompile(` sqrt`), `\sqrt`},
}

func basicLatex(s string) string {
	s = strings.NewReplacer(`\mathrm{T}`, "T", `\mathrm{d}`, "d", `{\rm d}`, "d",
		`\left[\begin{matrix}`, `\begin{bmatrix}`, `\end{matrix}\right]`, `\end{bmatrix}`).Replace(s)
	s = leftDelimiter.ReplaceAllString(s, "$1")
	s = rightDelimiter.ReplaceAllString(s, "$1")
	s = permutation.ReplaceAllString(s, `\frac{($1)!}{(($1)-($2))!}`)
	s = decoration.ReplaceAllString(s, "")
	s = quote.ReplaceAllString(s, "$1")
	for _, r := range rewrites {
		s = r.pattern.ReplaceAllString(s, r.with)
	}
	s = strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	if !strings.Contains(s, "matrix") {
		s = doubleSlash.ReplaceAllString(s, `\$1`)
	}
	return s
}

// lastEquation returns the part after the last '=' of a chain of two or more; a single equation and anything that looks
// like a list stays whole.
func lastEquation(s string) string {
	if strings.ContainsAny(s, ",;") {
		return s
	}
	count, last := 0, 0
	for i := range len(s) {
		if s[i] == '=' && (i == 0 || !strings.ContainsRune(`\<!>`, rune(s[i-1]))) {
			count, last = count+1, i
		}
	}
	if count < 2 {
		return s
	}
	return s[last+1:]
}

var (
	textUnit = regexp.MustCompile(`(?:\\(?:text|mbox)\{.*?\})(?:\^\d|\{\^\d\})?$`)
	wordUnit = regexp.MustCompile(`(\d|\}|\s)\s*(?:` + strings.Join(unitWords, "|") + `)(?:s|es)?\s*$`)
)

// dropUnits removes a trailing \text{…} and up to two trailing unit words, unless nothing would be left.
func dropUnits(s string) string {
	if t := strings.TrimSpace(textUnit.ReplaceAllString(s, "")); t != "" {
		s = t
	}
	for range 2 {
		if t := wordUnit.ReplaceAllString(s, "$1"); t != "" {
			s = t
		}
	}
	return s
}

// unitWords are the words math-verify takes for a unit at the end of an answer; single letters are among them, so that
// "5m" is 5.
var unitWords = strings.Split(strings.NewReplacer(".", `\.`).Replace(
	"integerpoint|feet|sue|digit|pound|meal|edge|student|children ticket|multiple|east|degree|mph|kmph|ft|m square| m east|"+
		"sq m|deg|mile|q .|monkey|prime|ratio|profit of rs|rd|o|gm|p . m|lb|tile|per|dm|lt|gain|ab|way|west|a .|b .|c .|d .|"+
		"e .|f .|g .|h .|t|h|no change|men|soldier|pie|bc|excess|st|inches|noon|cent|by|gal|kmh|c|acre|rise|a . m|th|π r 2|sq|"+
		"mark|l|toy|coin|sq . m|gallon|° f|profit|minw|yr|women|am|pm|hr|cu cm|square|are|rupee|rounds|cubic|cc|mtr|s|ohm|"+
		"number|day|hour|minute|min|second|man|woman|sec|cube|mt|sq inch|mp|∏ cm ³|hectare|more|unit|cu . m|cm 2|rs .|rs|kg|g|"+
		"month|km|m|cm|mm|apple|liter|loss|yard|pure|year|increase|decrease|d|less|Surface|litre|pi sq m|s .|metre|meter|inch"), "|")

var operators = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\^\s?\((.*?)\)`), "^{$1}"},
	{regexp.MustCompile(`sqrt\s?\((.*?)\)`), `\sqrt{$1}`},
	{regexp.MustCompile(`\\frac\s?(\d)\s?(\d+)`), `\frac{$1}{$2}`},
	{regexp.MustCompile(`\\log_\s?(\d)\s?(\d+)`), `\log_{$1}{$2}`},
	{regexp.MustCompile(`\\frac\s?\{(.*?)\}\s?(\d)`), `\frac{$1}{$2}`},
	{regexp.MustCompile(`\\frac\s?(\d)\s?\{(.*?)\}`), `\frac{$1}{$2}`},
	{regexp.MustCompile(`\\sqrt\s?(\d)`), `\sqrt{$1}`},
	{regexp.MustCompile(` sqrt`), `\sqrt`},
	{regexp.MustCompile(`\\sqrt\s*([^{\[\s])`), `\sqrt{$1}`},
	{regexp.MustCompile(`\\frac\s*([^{\s])([^{])`), `\frac{$1}{$2}`},
	{regexp.MustCompile(`\\frac\s*([^{\s])\{`), `\frac{$1}{`},
	{regexp.MustCompile(`^(0|-?[1-9]\d*)/(0|-?[1-9]\d*)$`), `\frac{$1}{$2}`},
}

// mendOperators braces the arguments of operators that were written without.
func mendOperators(s string) string {
	s = strings.ReplaceAll(s, `\\sqrt`, `\sqrt`)
	for _, o := range operators {
		s = o.pattern.ReplaceAllString(s, o.with)
	}
	return strings.ReplaceAll(s, `\\sqrt`, `\sqrt`)
}
