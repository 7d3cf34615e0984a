package reward

import (
	"regexp"
	"strings"
	"unicode"
)

// asSet returns the words of a list as a set.
func asSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// stopWords say nothing about which quantity a text is about: function words, words of
// planning and order, names of operations, and words for numbers.
var stopWords = asSet(`a an the this that these those it its they them their there here he she his her him we us our i me my
	you your one and or nor but so if then than as at by for from in into of off on onto out over to up with without within
	is are was were be been being am do does did done has have had having will would shall should can could may might must
	let lets now next first second third last lastly finally begin start again also too just only still already yet after before
	later soon once while when where which who whom whose what how why because since thus therefore hence
	not no yes okay ok wait hmm well right good come comes came go goes going gone put use used using see say said name named
	ask asked asks question problem answer step part piece side sub sub-problem meta-reasoning think thinking reason
	find finding found need needs needed want get gets got getting give given gives giving make makes made making take
	takes took taken compute calculate count determine work worked solve solved figure know known look consider handle
	tackle pick choose chosen leave leaves leaving follow follows following mention mentioned tell told open due
	many much number amount quantity value result how about exactly any some every other another same both either
	add added adding plus subtract subtracting minus multiply multiplied multiplying times divide divided dividing equal
	equals amounts gives yields half double twice check checking verify confirm sure
	zero two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand`)

// measures are short names of units; they say nothing about the quantity either.
var measures = asSet("km cm mm kg mg ml kmh mph sq")

// classes maps the stems of words to the one that stands for what they share.
var classes = stemmed(map[string]string{
	"total":      "altogether sum whole together combine combined overall everything in-all total",
	"difference": "difference more fewer less extra gap",
	"left":       "left remain remaining remains leftover rest",
	"cost":       "cost price pay paid spend spent dollar cent",
	"each":       "each per",
})

// stemmed maps the stem of each word in the lists to the name of its list.
func stemmed(lists map[string]string) map[string]string {
	class := map[string]string{}
	for name, list := range lists {
		for w := range asSet(list) {
			class[stem(w)] = name
		}
	}
	return class
}

// aggregates are the words that tell a whole, or a comparison, from its parts. Texts that
// differ in them are about different quantities, whatever else they share.
var aggregates = asSet("total difference")

var numberPattern = regexp.MustCompile(`\d+(?:,\d{3})*(?:\.\d+)?`)

// contentWords returns the stems of the words that say which quantity a text is about, each
// once.
func contentWords(text string) map[string]bool {
	words := map[string]bool{}
	text = strings.ReplaceAll(" "+strings.ToLower(text), " in all", " in-all")
	for _, w := range strings.FieldsFunc(text, notInWord) {
		if end := strings.IndexAny(w, "'’"); end >= 0 {
			w = w[:end]
		}
		w = strings.Trim(w, "-")
		if len(w) < 2 || stopWords[w] || measures[w] {
			continue
		}
		w = stem(w)
		if stopWords[w] {
			continue
		}
		if class, ok := classes[w]; ok {
			w = class
		}
		words[w] = true
	}
	return words
}

// notInWord tells whether a rune parts words.
func notInWord(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune("'’-", r) }

// stem takes the common English endings off a word, so that singular and plural, and most
// forms of a verb, become the same.
func stem(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		w = w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") ||
		strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		w = w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us"):
		w = w[:len(w)-1]
	}
	switch {
	case len(w) > 5 && strings.HasSuffix(w, "ing"):
		w = w[:len(w)-3]
	case len(w) > 4 && strings.HasSuffix(w, "ed"):
		w = w[:len(w)-2]
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	return w
}
