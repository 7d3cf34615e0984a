package wordproblems

// More of everything, for labelled traces alone: the quick start's rows stay as they are.
var (
	moreGoods = []string{"mugs", "rulers", "lamps", "scarves", "magnets", "puzzles", "notebooks", "markers", "balls", "kites",
		"buttons", "envelopes", "bottles", "baskets", "shirts", "socks", "hats", "coins", "stamps", "blocks"}
	moreFruits     = []string{"cherries", "oranges", "mangoes", "kiwis", "grapes", "berries", "bananas", "papayas"}
	morePastries   = []string{"scones", "bagels", "buns", "cakes", "donuts", "biscuits"}
	moreContainers = []string{"cartons", "shelves", "sacks", "tins", "stacks", "drawers"}
	morePeople     = []string{"Lena", "Omar", "Priya", "Kofi", "Ines", "Yuki", "Ravi", "Nora", "Paul", "Sofia", "Hugo", "Tara", "Mr. Lee", "Mrs. Diaz"}
)

// moreNames are further ways to name a quantity, by the first of the ways in the templates.
var moreNames = map[string][]string{
	"the {x}":             {"the count of {x}", "the {x} there are", "the amount of {x}", "the pile of {x}"},
	"the cost of the {x}": {"the money for the {x}", "how much the {x} cost", "the bill for the {x}", "the {x} bill", "the cost of all the {x}"},
	"the {x} left":        {"the remaining {x}", "the {x} that remain", "how many {x} remain"},
	"what {x} earns":      {"{x}'s pay", "{x}'s wages", "the earnings of {x}"},
	"what {x} reads":      {"{x}'s pages", "the number of pages {x} reads"},
	"the total":           {"the overall total", "everything together", "both together", "the grand total", "the sum of both"},
	"the difference":      {"the difference between them", "how many more there are", "how much more that is", "the difference of the two"},
	"the change":          {"the change back", "how much change comes back"},
}

// told are other wordings of a trained template: what it tells and asks.
var told = []struct{ name, tell, ask string }{
	{"packing", "{n} has a long list. On it are {1} and {2}.", "{n} wants to know how many {p} and {q} that makes altogether."},
	{"packing", "For a move {n} fills {1}, and after lunch {2}.", "What is the total number of {p} and {q}?"},
	{"market", "{n} fills a basket with {1}. Then come {2}.", "What do the {p} and {q} cost in total?"},
	{"market", "A cook orders {1} together with {2}.", "Find the price of the {p} and {q} together."},
	{"change", "{n} has {k} dollars and picks up {1} as well as {2}.", "How many dollars remain after the {p} and {q} are paid?"},
	{"comparing", "In the store room there are {1}. Next to them are {2}.", "By how much does the number of {p} exceed that of {q}?"},
	{"comparing", "{n} counts {1}, then {2}.", "What is the difference between the {p} and the {q}?"},
	{"baking", "The oven is hot. {n} makes {1}, then {2}.", "Altogether, how many {p} and {q} come out?"},
	{"losing", "On Monday {n} owns {1} and {2}.", "Count the {p} and {q} that remain."},
	{"harvest", "The farm brings in {1}, and {2}.", "What is the number of good {p} and {q} together?"},
	{"selling", "There are {s} lamps for sale. {1}, and {2}.", "After {p} and then {q}, how many lamps remain?"},
	{"bus", "The bus starts with {s} people. {1}, and later {2}.", "How many people ride on after {p} and {q}?"},
	{"saving", "{s} coins lie in a jar. {1}; {2}.", "With the coins of {p} and of {q}, how many is that?"},
	{"sharing", "{k} friends share {1} and {2} fairly.", "How many {p} and {q} are there for each of them?"},
	{"giving", "In a cupboard {n} finds {1} and {2}. {k} are given to a school.", "How many of the {p} and {q} stay?"},
	{"reading", "It is holiday. {1}; {2}.", "How far is {p} ahead of {q}, in pages?"},
	{"wages", "Two people have summer jobs. {1}. {2}.", "What do {p} and {q} bring home in total?"},
}

// fresh are templates that only labelled traces are made from.
var fresh = []template{
	{
		name: "fields", unit: "square meters", things: []string{"lawn", "field", "terrace", "yard", "court", "stage", "pool", "hall"},
		facts: [2]fact{{"the {x} is {a} by {b} meters", '*'}, {"the {x} is {a} by {b} meters", '*'}},
		tell:  "In a plan {1}, and {2}.", ask: []string{"What area do the {p} and the {q} cover together?", "What is the area of the {p} plus that of the {q}?"},
		parts: []string{"the area of the {x}", "the {x}'s area", "how big the {x} is", "the square meters of the {x}"}, join: '+', whole: total,
	},
	{
		name: "driving", unit: "km", things: people, facts: [2]fact{{"{x} drives {a} hours at {b} km an hour", '*'}, {"{x} rides {a} km, rests, and rides {b} km more", '+'}},
		tell: "{1}. {2}.", ask: []string{"How much farther does {p} get than {q}?", "Compare {p} with {q}: how many more km is that?"},
		parts: []string{"the distance of {x}", "how far {x} gets", "{x}'s distance", "the km of {x}"}, join: '-', whole: difference,
	},
	{
		name: "school", things: []string{"boys", "girls", "teachers", "parents", "guests", "pupils"},
		facts: [2]fact{{"{a} tables of {b} {x}", '*'}, {"{a} {x} inside and {b} outside", '+'}},
		tell:  "At a school feast there are {1}, and {2}.", ask: []string{"How many {p} and {q} come to it?"},
		parts: counted, join: '+', whole: total,
	},
	{
		name: "points", unit: "points", things: people, facts: [2]fact{{"{x} wins {a} rounds of {b} points", '*'}, {"{x} scores {a} points but loses {b}", '-'}},
		tell: "They play a game. {1}. {2}.", ask: []string{"How many points do {p} and {q} have together?", "What is the score of {p} and {q} as a team?"},
		parts: []string{"the points of {x}", "{x}'s score", "how many points {x} has", "what {x} scores"}, join: '+', whole: total,
	},
	{
		name: "account", unit: "dollars", things: []string{"rent", "food", "wage", "gift", "refund", "bonus", "fee", "tax"},
		facts: [2]fact{{"The {x} adds {a} dollars", '+'}, {"The {x} takes {a} dollars", '-'}},
		tell:  "{n} has {s} dollars in an account. {1}. {2}.", ask: []string{"How much is there after the {p} and the {q}?"},
		parts: []string{"the money after the {x}", "what is there after the {x}", "the balance after the {x}", "the account after the {x}"},
	},
	{
		name: "minutes", unit: "minutes", things: []string{"song", "film", "walk", "lesson", "game", "nap", "swim", "call"},
		facts: [2]fact{{"a {x} of {a} minutes, {b} times over", '*'}, {"a {x} of {a} minutes and {b} minutes of waiting for it", '+'}},
		tell:  "{n} plans {1}, and {2}. {k} minutes are for lunch.", ask: []string{"Without lunch, how long do the {p} and the {q} take?"},
		parts: []string{"the time for the {x}", "the minutes of the {x}", "how long the {x} takes"}, join: '+', whole: total, finish: '-',
		end: []string{"the time without lunch", "what is left without lunch", "the time that counts"},
	},
	{
		name: "teams", things: []string{"runners", "swimmers", "cooks", "nurses", "scouts", "sailors"}, facts: [2]fact{{"{a} crews of {b} {x}", '*'}, {"{a} crews of {b} {x}", '*'}},
		tell: "{1} and {2} are put into {k} equal tents.", ask: []string{"With all {p} and {q}, how many sleep in a tent?"},
		parts: counted, join: '+', whole: total, finish: '/', end: []string{"the number in each tent", "how many sleep in a tent", "one tent's share"},
	},
}

// widened returns the trained templates with more things, names, wordings and larger numbers,
// and the fresh ones.
func widened() []template {
	var wide []template
	for _, t := range trained {
		wide = append(wide, t.widen(), t.widen())
		for _, other := range told {
			if other.name == t.name {
				t.tell, t.ask = other.tell, []string{other.ask}
				wide = append(wide, t.widen())
			}
		}
	}
	for _, t := range fresh {
		wide = append(wide, t.widen(), t.widen())
	}
	for i := range wide {
		wide[i].spread = []int{0, 5, 0, 20}[i%4]
	}
	return wide
}

// widen adds to the lists of a template.
func (t template) widen() template {
	more := func(list []string, name string, add []string) []string {
		if len(list) > 0 && list[0] == name {
			return append(append([]string(nil), list...), add...)
		}
		return list
	}
	for name, add := range map[string][]string{goods[0]: moreGoods, fruits[0]: moreFruits, pastries[0]: morePastries, people[0]: morePeople} {
		t.things = more(t.things, name, add)
	}
	t.containers = more(t.containers, containers[0], moreContainers)
	for name, add := range moreNames {
		t.parts, t.whole, t.end = more(t.parts, name, add), more(t.whole, name, add), more(t.end, name, add)
	}
	return t
}
