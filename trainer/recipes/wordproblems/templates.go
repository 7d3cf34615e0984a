package wordproblems

// template is the mould of a kind of problem. Its texts hold fields in braces: {n} a person,
// {1} and {2} the facts in the order they are told, {p} and {q} the same things in the order
// the question names them, {s} the number at the start of a chain, {k} the last number given.
// In a fact, {x} is the thing, {c} its container, {a} and {b} its numbers.
type template struct {
	name       string
	things     []string // two are drawn; they tell the parts apart
	containers []string // two are drawn, if any
	facts      [2]fact  // dealt to the two things at random
	tell       string
	ask        []string
	parts      []string // ways to name the quantity of a part
	join       byte     // '+' or '-': how the parts make the whole; 0 in a chain
	whole      []string // ways to name it
	finish     byte     // what is done with {k} at the end: '-' from the whole, 'c' change out of {k}, '/' shared by {k}; 0 = nothing
	end        []string // ways to name the result of that
	unit       string   // what every step counts, if they all count the same
	spread     int      // numbers are drawn up to this much larger; 0 = small ones
}

// fact gives the numbers of one part and the operation that makes its value of them. In a
// chain the operation takes the running value and {a}.
type fact struct {
	text string
	op   byte
}

var (
	goods      = []string{"pens", "books", "cups", "toys", "maps", "dolls", "plates", "candles", "stickers", "brushes"}
	fruits     = []string{"apples", "pears", "plums", "lemons", "melons", "peaches", "limes", "figs"}
	pastries   = []string{"muffins", "rolls", "pies", "cookies", "tarts", "waffles"}
	containers = []string{"boxes", "bags", "packs", "crates", "jars", "trays"}
	people     = []string{"Ann", "Ben", "Mia", "Tom", "Eva", "Max", "Zoe", "Leo", "Ida", "Sam", "Amy", "Dan"}
	total      = []string{"the total", "the sum", "all of it together", "the whole"}
	difference = []string{"the difference", "how many more", "the gap"}
	counted    = []string{"the {x}", "the number of {x}", "how many {x}"}
	costs      = []string{"the cost of the {x}", "the price of the {x}", "what the {x} cost"}
	left       = []string{"the {x} left", "how many {x} are left", "the {x} that are left"}
	grouped    = fact{"{a} {c} of {b} {x}", '*'}
	priced     = fact{"{a} {x} at {b} dollars each", '*'}
)

// trained are the templates of the training rows, and of every second test row.
var trained = []template{
	{
		name: "packing", things: goods, containers: containers, facts: [2]fact{grouped, grouped},
		tell: "{n} packs {1} and {2}.", ask: []string{"How many {p} and {q} does {n} pack in all?"},
		parts: counted, join: '+', whole: total,
	},
	{
		name: "market", unit: "dollars", things: fruits, facts: [2]fact{priced, priced},
		tell: "At the market {n} buys {1} and {2}.", ask: []string{"How much do the {p} and the {q} cost together?"},
		parts: costs, join: '+', whole: total,
	},
	{
		name: "change", unit: "dollars", things: goods, facts: [2]fact{priced, priced},
		tell: "{n} buys {1} and {2}, and pays with {k} dollars.", ask: []string{"How much change is there after the {p} and the {q}?"},
		parts: costs, join: '+', whole: total, finish: 'c', end: []string{"the change", "the change that is due"},
	},
	{
		name: "comparing", things: goods, containers: containers, facts: [2]fact{grouped, grouped},
		tell: "A shop sets out {1} and {2}.", ask: []string{"How many more {p} than {q} are there?"},
		parts: counted, join: '-', whole: difference,
	},
	{
		name: "baking", things: pastries, facts: [2]fact{{"{a} {x} early and {b} late", '+'}, {"{a} {x} early and {b} late", '+'}},
		tell: "{n} bakes {1}, and also {2}.", ask: []string{"How many {p} and {q} does {n} bake in all?"},
		parts: counted, join: '+', whole: total,
	},
	{
		name: "losing", things: goods, facts: [2]fact{{"{a} {x} but loses {b}", '-'}, {"{a} {x} but loses {b}", '-'}},
		tell: "{n} has {1}, and {2}.", ask: []string{"How many {p} and {q} are left in all?"},
		parts: left, join: '+', whole: total,
	},
	{
		name: "harvest", things: fruits, facts: [2]fact{{"{a} baskets of {b} {x}", '*'}, {"{a} {x}, of which {b} are bad", '-'}},
		tell: "{n} picks {1}. There are also {2}.", ask: []string{"How many good {p} and {q} are there in all?"},
		parts: []string{"the good {x}", "how many good {x}", "the number of good {x}"}, join: '+', whole: total,
	},
	{
		name: "selling", unit: "lamps", things: people, facts: [2]fact{{"{x} buys {a}", '-'}, {"{x} buys {a}", '-'}},
		tell: "A stall has {s} lamps. {1} and {2}.", ask: []string{"How many lamps are left after {p} and {q}?"},
		parts: []string{"what is left after {x}", "the lamps left after {x}"},
	},
	{
		name: "bus", unit: "riders", things: []string{"Hill", "Lake", "Park", "Mill", "Dock", "Oak", "Fort", "Bay"},
		facts: [2]fact{{"At {x} {a} get on", '+'}, {"At {x} {a} get off", '-'}},
		tell:  "A bus has {s} riders. {1}. {2}.", ask: []string{"How many riders are there after {p} and {q}?"},
		parts: []string{"the riders after {x}", "how many riders after {x}", "the number of riders after {x}"},
	},
	{
		name: "saving", unit: "coins", things: people, facts: [2]fact{{"{x} adds {a}", '+'}, {"{x} adds {a}", '+'}},
		tell: "A jar holds {s} coins. {1} and {2}.", ask: []string{"How many coins are in it after {p} and {q}?"},
		parts: []string{"the coins after {x}", "how many coins after {x}", "the number of coins after {x}"},
	},
	{
		name: "sharing", things: fruits, containers: containers, facts: [2]fact{grouped, grouped},
		tell: "{n} gets {1} and {2}, for {k} friends.", ask: []string{"How many {p} and {q} does each friend get?"},
		parts: counted, join: '+', whole: total, finish: '/', end: []string{"the share of each friend", "each friend's share"},
	},
	{
		name: "giving", things: goods, facts: [2]fact{{"{a} old {x} and {b} new ones", '+'}, {"{a} bags of {b} {x}", '*'}},
		tell: "{n} has {1}, and {2}, and gives away {k}.", ask: []string{"Of the {p} and {q}, how many are kept?"},
		parts: counted, join: '+', whole: total, finish: '-', end: []string{"what is kept", "the ones kept"},
	},
	{
		name: "reading", unit: "pages", things: people, facts: [2]fact{{"{x} reads {a} pages today and {b} tomorrow", '+'}, {"{x} reads {a} pages a day for {b} days", '*'}},
		tell: "{1}. {2}.", ask: []string{"How many more pages does {p} read than {q}?"},
		parts: []string{"what {x} reads", "the pages {x} reads", "how many pages {x} reads"}, join: '-', whole: difference,
	},
	{
		name: "wages", unit: "dollars", things: people, facts: [2]fact{{"{x} works {a} hours at {b} dollars an hour", '*'}, {"{x} works {a} hours at {b} dollars an hour", '*'}},
		tell: "{1}. {2}.", ask: []string{"How much do {p} and {q} earn together?"},
		parts: []string{"what {x} earns", "the money {x} earns", "how much {x} earns"}, join: '+', whole: total,
	},
}

// heldOut are the templates of the other test rows: no training row shows them.
var heldOut = []template{
	{
		name: "garden", things: []string{"roses", "tulips", "beans", "leeks", "daisies", "onions"},
		facts: [2]fact{{"{a} rows of {b} {x}", '*'}, {"{a} rows of {b} {x}", '*'}},
		tell:  "A garden has {1} and {2}.", ask: []string{"How many {p} and {q} grow there in all?"},
		parts: counted, join: '+', whole: total,
	},
	{
		name: "tickets", unit: "dollars", things: []string{"rides", "shows", "drinks", "snacks", "games", "tours"},
		facts: [2]fact{{"{a} {x} for {b} dollars each", '*'}, {"{a} {x} for {b} dollars each", '*'}},
		tell:  "At the fair {n} pays for {1} and {2}.", ask: []string{"How much more do the {p} cost than the {q}?"},
		parts: costs, join: '-', whole: difference,
	},
	{
		name: "tank", unit: "liters", things: []string{"pump", "hose", "pipe", "valve", "bucket", "truck"},
		facts: [2]fact{{"The {x} brings {a}", '+'}, {"The {x} takes {a}", '-'}},
		tell:  "A tank holds {s} liters. {1}. {2}.", ask: []string{"How many liters does it hold after the {p} and the {q}?"},
		parts: []string{"the liters after the {x}", "how many liters after the {x}", "the number of liters after the {x}"},
	},
	{
		name: "lending", things: []string{"novels", "comics", "games", "films", "atlases", "songbooks"},
		facts: [2]fact{{"{a} {x}, {b} of them lent", '-'}, {"{a} {x}, {b} of them lent", '-'}},
		tell:  "A library owns {1}, and {2}.", ask: []string{"How many {p} and {q} are left in all?"},
		parts: left, join: '+', whole: total,
	},
	{
		name: "seats", things: []string{"dancers", "singers", "players", "drummers", "guards", "clowns"},
		facts: [2]fact{{"{a} groups of {b} {x}", '*'}, {"{a} young and {b} old {x}", '+'}},
		tell:  "A hall with {k} seats is for {1}, and {2}.", ask: []string{"With the {p} and {q} seated, how many seats stay free?"},
		parts: counted, join: '+', whole: total, finish: 'c', end: []string{"the free seats", "how many free seats"},
	},
	{
		name: "zoo", things: []string{"goats", "ducks", "foxes", "owls", "seals", "deer"},
		facts: [2]fact{{"{a} pens of {b} {x}", '*'}, {"{a} big and {b} small {x}", '+'}},
		tell:  "A zoo keeps {1}, and {2}.", ask: []string{"How many more {p} than {q} live there?"},
		parts: counted, join: '-', whole: difference,
	},
	{
		name: "cards", unit: "cards", things: people, facts: [2]fact{{"{x} wins {a} of them", '-'}, {"{x} brings {a} more", '+'}},
		tell: "A pile has {s} cards. {1} and {2}.", ask: []string{"How many cards are there after {p} and {q}?"},
		parts: []string{"the cards after {x}", "how many cards after {x}", "the number of cards after {x}"},
	},
}
