package wordproblems

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
)

// exercise is a problem of another topic than things that are counted and bought: labelled
// traces have them so that a model learns more than one kind of text. In the text {a} to {d}
// are numbers; in the steps too, and digits behind # are results of earlier steps.
type exercise struct {
	name  string
	text  []string
	draw  map[string][2]int // least and largest value of each number
	round int               // if not 0, {a} is a multiple of it
	steps []worked
}

// worked is a step of an exercise: the ways to name it and the calculation.
type worked struct {
	names       []string
	left        string
	op          byte
	right, unit string
}

// exercises are trained on, the heldOutExercises only tested.
var exercises = []exercise{
	{"equation", []string{"Solve {a}x + {b} = {c} for x.", "If {a}x + {b} = {c}, what is x?"}, map[string][2]int{"a": {2, 9}, "b": {1, 30}, "c": {10, 120}}, 0, []worked{
		{[]string{"{a}x", "the right side without {b}", "the value of {a}x"}, "{c}", '-', "{b}", ""}, {[]string{"x", "the value of x", "the unknown"}, "#1", '/', "{a}", ""}}},
	{"perimeter", []string{"A rectangle is {a} cm long and {b} cm wide. What is its perimeter?", "Find the perimeter of a {a} cm by {b} cm rectangle."}, map[string][2]int{"a": {3, 40}, "b": {2, 30}}, 0, []worked{
		{[]string{"length plus width", "half of the perimeter", "the two sides together"}, "{a}", '+', "{b}", "cm"}, {[]string{"the perimeter", "the way around", "all four sides"}, "#1", '*', "2", "cm"}}},
	{"discount", []string{"A coat costs {a} dollars and is {b} % off. What is the new price?"}, map[string][2]int{"a": {1, 9}, "b": {5, 60}}, 100, []worked{
		{[]string{"one percent of the price", "1 % of it"}, "{a}", '/', "100", "dollars"}, {[]string{"the discount", "what is taken off", "{b} % of the price"}, "#1", '*', "{b}", "dollars"},
		{[]string{"the new price", "the price after the discount", "what the coat costs now"}, "{a}", '-', "#2", "dollars"}}},
	{"box", []string{"A box is {a} cm long, {b} cm wide and {c} cm high. Find its volume.", "What volume has a {a} by {b} by {c} block?"}, map[string][2]int{"a": {2, 20}, "b": {2, 12}, "c": {2, 10}}, 0, []worked{
		{[]string{"the area of the base", "the base area", "the bottom of the box"}, "{a}", '*', "{b}", ""}, {[]string{"the volume", "the space inside", "the whole volume"}, "#1", '*', "{c}", ""}}},
	{"seconds", []string{"Convert {a} hours and {b} minutes to seconds.", "How many seconds are {a} hours {b} minutes?"}, map[string][2]int{"a": {1, 9}, "b": {2, 59}}, 0, []worked{
		{[]string{"the hours in minutes", "the minutes in {a} hours"}, "{a}", '*', "60", "minutes"}, {[]string{"all the minutes", "the time in minutes"}, "#1", '+', "{b}", "minutes"}, {[]string{"the seconds", "the time in seconds", "how many seconds that is"}, "#2", '*', "60", "seconds"}}},
	{"angles", []string{"Two angles of a triangle are {a} and {b} degrees. How large is the third angle?"}, map[string][2]int{"a": {20, 90}, "b": {15, 80}}, 0, []worked{
		{[]string{"the two known angles together", "the sum of the known angles", "what the given angles make"}, "{a}", '+', "{b}", "degrees"}, {[]string{"the third angle", "the missing angle", "the last angle"}, "180", '-', "#1", "degrees"}}},
	{"train", []string{"A train covers {a} km in {b} hours. How far does it get in {c} hours at this speed?", "In {b} hours a ship sails {a} km. What distance does it sail in {c} hours?"}, map[string][2]int{"a": {20, 500}, "b": {2, 6}, "c": {3, 12}}, 0, []worked{
		{[]string{"the speed", "the km in one hour", "how far it gets in an hour"}, "{a}", '/', "{b}", ""}, {[]string{"the distance", "the way in {c} hours", "how far it gets in {c} hours"}, "#1", '*', "{c}", "km"}}},
	{"outfits", []string{"With {a} shirts, {b} trousers and {c} hats, how many different outfits can be worn?"}, map[string][2]int{"a": {2, 9}, "b": {2, 8}, "c": {2, 6}}, 0, []worked{
		{[]string{"the shirts with the trousers", "pairs of shirt and trousers"}, "{a}", '*', "{b}", ""}, {[]string{"the outfits", "the number of outfits", "all combinations with the hats"}, "#1", '*', "{c}", ""}}},
	{"molecule", []string{"A molecule has {a} atoms of mass {b} and {c} atoms of mass {d}. What is its mass?"}, map[string][2]int{"a": {1, 9}, "b": {12, 19}, "c": {2, 12}, "d": {1, 16}}, 0, []worked{
		{[]string{"the mass of the first kind", "the {a} atoms", "what the first atoms weigh"}, "{a}", '*', "{b}", ""}, {[]string{"the mass of the other kind", "the {c} atoms", "what the second atoms weigh"}, "{c}", '*', "{d}", ""}, {[]string{"the mass of the molecule", "the molar mass", "the total mass"}, "#1", '+', "#2", ""}}},
	{"program", []string{"x = {a}\ny = x * {b}\ny = y - {c}\nprint(y + x)\nWhat is printed?"}, map[string][2]int{"a": {2, 12}, "b": {2, 9}, "c": {1, 15}}, 0, []worked{
		{[]string{"y at first", "the second line", "the value of y"}, "{a}", '*', "{b}", ""}, {[]string{"the new y", "the third line", "y after the change"}, "#1", '-', "{c}", ""}, {[]string{"what is printed", "y plus x", "the output"}, "#2", '+', "{a}", ""}}},
	{"energy", []string{"A force of {a} newtons pushes a cart {b} meters in {c} seconds. What is the power?"}, map[string][2]int{"a": {4, 60}, "b": {2, 20}, "c": {2, 10}}, 0, []worked{
		{[]string{"the work", "the work done", "the energy"}, "{a}", '*', "{b}", "joules"}, {[]string{"the power", "the work per second", "the power in watts"}, "#1", '/', "{c}", "watts"}}},
	{"ages", []string{"Rosa is {a}. Her uncle is {b} times as old, and his wife is {c} years younger than he is. How old is the wife?"}, map[string][2]int{"a": {8, 20}, "b": {2, 4}, "c": {1, 9}}, 0, []worked{
		{[]string{"the uncle's age", "the age of the uncle", "how old the uncle is"}, "{a}", '*', "{b}", "years"}, {[]string{"the wife's age", "the age of his wife", "how old the wife is"}, "#1", '-', "{c}", "years"}}},
	{"inverse", []string{"I think of a number, take away {b}, and multiply by {a}. I get {c}. Which number was it?"}, map[string][2]int{"a": {2, 9}, "b": {2, 20}, "c": {8, 150}}, 0, []worked{
		{[]string{"the number before the product", "what was multiplied", "the last step undone"}, "{c}", '/', "{a}", ""}, {[]string{"the number", "the number thought of", "the start"}, "#1", '+', "{b}", ""}}},
}

var heldOutExercises = []exercise{
	{"handshakes", []string{"{a} people meet, and each shakes hands with every other once. How many handshakes are there?"}, map[string][2]int{"a": {4, 30}}, 0, []worked{
		{[]string{"the hands each one shakes", "the others"}, "{a}", '-', "1", ""}, {[]string{"all the hands shaken", "the count with doubles"}, "{a}", '*', "#1", ""}, {[]string{"the handshakes", "the pairs"}, "#2", '/', "2", ""}}},
	{"mean", []string{"What is the mean of {a}, {b} and {c}?"}, map[string][2]int{"a": {2, 40}, "b": {3, 50}, "c": {1, 60}}, 0, []worked{
		{[]string{"the first two together", "{a} and {b} together"}, "{a}", '+', "{b}", ""}, {[]string{"the sum of the three", "the sum"}, "#1", '+', "{c}", ""}, {[]string{"the mean", "the average"}, "#2", '/', "3", ""}}},
	{"function", []string{"Let f(x) = {a}x - {b}. What is f({c})?"}, map[string][2]int{"a": {2, 12}, "b": {1, 20}, "c": {2, 15}}, 0, []worked{
		{[]string{"{a} times x", "the first term"}, "{a}", '*', "{c}", ""}, {[]string{"f({c})", "the value of the function"}, "#1", '-', "{b}", ""}}},
}

// problem draws an exercise's numbers, again until every result is a whole number above 0.
func (e exercise) problem(random *rng.Stream) Problem {
	text := pick(random, e.text)
	for {
		numbers := map[string]int{}
		var pairs []string
		for _, letter := range []string{"a", "b", "c", "d"} {
			limits, used := e.draw[letter]
			if !used {
				continue
			}
			n := limits[0] + random.IntN(limits[1]-limits[0]+1)
			if letter == "a" && e.round > 0 {
				n *= e.round
			}
			numbers["{"+letter+"}"] = n
			pairs = append(pairs, "{"+letter+"}", strconv.Itoa(n))
		}
		fill := strings.NewReplacer(pairs...)
		p, ok := Problem{Template: e.name, Text: fill.Replace(text)}, true
		for i, s := range e.steps {
			a, b := operand(numbers, s.left), operand(numbers, s.right)
			v, good := calculate(a, s.op, b)
			ok = ok && good
			numbers[fmt.Sprint("#", i+1)] = v
			p.Steps = append(p.Steps, Step{filledBy(s.names, fill), fmt.Sprintf("%d %c %d", a, s.op, b), v, s.unit})
		}
		if ok {
			p.Choices = [2]string{p.Steps[0].Names[0], p.Steps[1].Names[0]}
			return p
		}
	}
}

// operand returns the number that a step names: given, found before, or written out.
func operand(numbers map[string]int, name string) int {
	if n, ok := numbers[name]; ok {
		return n
	}
	n, _ := strconv.Atoi(name)
	return n
}

// filledBy returns the texts with all fields filled in.
func filledBy(texts []string, fill *strings.Replacer) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = fill.Replace(s)
	}
	return out
}
