package label

import "github.com/rlkd/rlkd/reward"

// example is a reasoning with the steps that should be found in it.
type example struct {
	trace reward.Trace
	steps []reward.Step
}

// examples show how each domain is labelled. Among them are a reasoning that goes straight on,
// one that gives an approach up, one that is corrected by a check, and one with an assumption.
var examples = map[Domain][]example{
	Math: {
		{reward.Trace{
			Problem: "A rectangle is 3 cm longer than twice its width. Its perimeter is 48 cm. What is its area?",
			Text: `Okay, a rectangle, the length depends on the width. Let me call the width w, then the length is 2w + 3.
I know the perimeter, so that should give me an equation for w. The perimeter is 2(w + 2w + 3) = 6w + 6, and this is 48. So 6w = 42, w = 7.
For the area I still need the length: 2*7 + 3 = 17. The area is 7 * 17 = 119.
Let me check the perimeter with these: 2 * (7 + 17) = 48. Yes, fits. So 119 square cm.`,
		}, []reward.Step{
			{Number: 1, Meta: "The length depends on the width, so both sides are written by one unknown first.",
				Query: "How long is the rectangle if its width is w?", Answer: "2w + 3"},
			{Number: 2, Meta: "The perimeter is known, which gives an equation for w.",
				Query: "What is the width w if the perimeter 2(w + 2w + 3) is 48?", Answer: "w = 7"},
			{Number: 3, Meta: "With the width found, only the length is missing for the area.",
				Query: "What are the length 2w + 3 and the area for w = 7?", Answer: "length 17, area 119"},
			{Number: 4, Meta: "The sides are known now; a check against the perimeter shows whether they fit.",
				Query: "Is the perimeter of a rectangle of 7 by 17 equal to 48?", Answer: "yes, so the area is 119 square cm"},
		}},
		{reward.Trace{
			Problem: "How many two-digit numbers are divisible by 3 but not by 9?",
			Text: `I could just list them: 12, 15, 21, 24, 30, ... that gets long, and I might lose one. Better to count and subtract.
Two-digit multiples of 3: from 12 to 99, that is 99/3 = 33 minus the ones below 10, which are 3, 6, 9, so 30.
Now how many of those are multiples of 9? From 18 to 99: 99/9 = 11, minus the 9 itself, so 10. Every multiple of 9 is a multiple of 3, so these are all among the 30.
So 30 - 10 = 20.`,
		}, []reward.Step{
			{Number: 1, Meta: "A way to count is needed; listing the numbers is tried first and gets long.",
				Query: "Should the numbers be listed one by one?", Answer: "no, count multiples and subtract"},
			{Number: 2, Meta: "To subtract, the count of all two-digit multiples of 3 comes first.",
				Query: "How many two-digit numbers are multiples of 3?", Answer: "33 - 3 = 30"},
			{Number: 3, Meta: "Among those 30, the multiples of 9 have to go.",
				Query: "How many two-digit numbers are multiples of 9?", Answer: "11 minus the 9 itself, so 10"},
			{Number: 4, Meta: "Every multiple of 9 is among the multiples of 3, so the counts can be subtracted.",
				Query: "How many two-digit multiples of 3 are no multiples of 9?", Answer: "20"},
		}},
	},
	Code: {
		{reward.Trace{
			Problem: "Write a function that returns the length of the longest run of equal neighbouring elements in a list.",
			Text: `We need the longest run, so consecutive equal elements, not how often a value occurs overall. [1,1,2,1] should give 2.
One pass is enough: keep the length of the current run and the best so far. When the element equals the one before, current += 1, otherwise current = 1; then best = max(best, current).
What if the list is empty? There is no element before, the answer should be 0. If best starts at 0 and the loop doesn't run, we return 0, fine.
For the first element there is no previous one; compare only when i > 0, so current becomes 1.
Try [2,2,3,3,3,1]: current 1,2,1,2,3,1, best 3. Good. It is O(n).`,
		}, []reward.Step{
			{Number: 1, Meta: "It has to be clear first what a run is.",
				Query: "Does the longest run count consecutive equal elements, or how often a value occurs overall?", Answer: "consecutive equal elements; [1,1,2,1] gives 2"},
			{Number: 2, Meta: "With that settled, a way to find it in one pass is wanted, and what to keep for it.",
				Query:  "What has to be kept in one pass over the list, and how is it updated?",
				Answer: "current and best: current += 1 when equal to the element before, otherwise 1; best = max(best, current)"},
			{Number: 3, Meta: "The loop says nothing about a list that is empty.",
				Query: "What is returned for an empty list?", Answer: "0, if best starts at 0"},
			{Number: 4, Meta: "The comparison needs a previous element, which the first one has not.",
				Query: "How is the first element handled?", Answer: "compare only when i > 0, so current becomes 1"},
			{Number: 5, Meta: "What current and best become can be followed now, so a list is there to try it on.",
				Query: "What are current and best for [2,2,3,3,3,1]?", Answer: "current 1,2,1,2,3,1, so best is 3"},
		}},
		{reward.Trace{
			Problem: "This check for balanced brackets returns True for \"(]\". Why?\n\ndef ok(s):\n    depth = 0\n    for c in s:\n        if c in \"([\": depth += 1\n        if c in \")]\": depth -= 1\n    return depth == 0",
			Text: `For "(]" depth goes to 1, then back to 0, so it returns True. The counter doesn't know which kind of bracket was opened, only how many.
Maybe two counters, one for () and one for []? Then "(]" gives 1 and -1, that is caught. But "([)]": both counters end at 0 and it is still not balanced. So counters are not enough, the order matters.
A stack then: push the opening bracket, and on a closing one pop and compare the kinds.
Also ")(" : with the stack, popping from an empty stack must return False instead of raising an error.
At the end the stack must be empty.`,
		}, []reward.Step{
			{Number: 1, Meta: "The cause is looked for by following the failing input.",
				Query: "Why does the check return True for \"(]\"?", Answer: "the counter knows how many brackets are open, not which kind"},
			{Number: 2, Meta: "As the kind is lost in one counter, two counters are tried.",
				Query: "Would one counter for () and one for [] be enough?", Answer: "no, \"([)]\" ends with both at 0: the order matters"},
			{Number: 3, Meta: "Counters are not enough, so something that keeps the order is needed.",
				Query: "How can the kinds be compared in the right order?", Answer: "a stack: push the opening bracket, pop on a closing one and compare"},
			{Number: 4, Meta: "With a stack, a closing bracket may come when it is empty.",
				Query: "What must happen for \")(\"?", Answer: "popping from an empty stack must return False"},
			{Number: 5, Meta: "An opening bracket may never be closed, so the stack at the end counts too.",
				Query: "What must the stack be at the end?", Answer: "the stack must be empty"},
		}},
	},
	Science: {
		{reward.Trace{
			Problem: "A 2 kg cart at 3 m/s hits a 1 kg cart at rest and they stick together. How much kinetic energy is lost?",
			Text: `They stick together, so it is an inelastic collision: kinetic energy is not conserved, momentum is.
Momentum before: 2 * 3 = 6 kg m/s. After, the mass is 3 kg, so v = 6 / 3 = 2 m/s.
Kinetic energy before: 1/2 * 2 * 9 = 9 J. After: 1/2 * 3 * 4 = 6 J.
So 3 J are lost. It went down, as it must in an inelastic collision.`,
		}, []reward.Step{
			{Number: 1, Meta: "It must be known what is conserved before anything can be calculated.",
				Query: "What is conserved when the carts stick together?", Answer: "momentum, not kinetic energy"},
			{Number: 2, Meta: "Momentum is conserved, so the momentum before gives the speed v after the collision.",
				Query: "What is v after the collision, with momentum 6 kg m/s and mass 3 kg?", Answer: "2 m/s"},
			{Number: 3, Meta: "With v known, the kinetic energy before and after the collision can be compared.",
				Query: "What is the kinetic energy before and after the collision?", Answer: "9 J before, 6 J after"},
			{Number: 4, Meta: "The difference is what was asked for.",
				Query: "How much kinetic energy is lost?", Answer: "3 J, down, as it must be in an inelastic collision"},
		}},
		{reward.Trace{
			Problem: "Two pea plants, both tall and both heterozygous, are crossed. What share of the tall offspring breeds true? (A) 1/4 (B) 1/3 (C) 1/2 (D) 2/3",
			Text: `Tall is dominant, call the alleles T and t. Both parents are Tt.
The cross gives TT : Tt : tt as 1 : 2 : 1.
Breeding true means homozygous, so TT. That is 1 of 4, answer A? Wait, the question says of the tall offspring, not of all. tt is short, so it drops out. Tall are TT and Tt, 3 of 4, and TT is 1 of these 3. So 1/3, answer B.`,
		}, []reward.Step{
			{Number: 1, Meta: "The cross needs the alleles of both parents, so they come first.",
				Query: "Which alleles do both heterozygous parents have, if tall is dominant?", Answer: "both are Tt"},
			{Number: 2, Meta: "Both parents are Tt, so the cross gives the offspring.",
				Query: "What does the cross give, as TT : Tt : tt?", Answer: "1 : 2 : 1"},
			{Number: 3, Meta: "It has to be said which of these breeds true.",
				Query: "Which offspring breeds true, and what share of all is it?", Answer: "the homozygous TT, 1 of 4"},
			{Number: 4, Meta: "The question asks for the share of the tall offspring, not of all, so tt drops out.",
				Query: "What share of the tall offspring is TT?", Answer: "1/3, answer B"},
		}},
	},
	Puzzle: {
		{reward.Trace{
			Problem: "Dana, Eli, Finn and Gia finished a race. Dana came in right before Eli. Finn was not last. Gia beat Dana, and Finn beat Gia. Who was third?",
			Text: `The clue about Dana and Eli binds two places, so start there: they are neighbours, Dana first of the two.
Gia beat Dana, so Gia is before the pair. Finn beat Gia, so Finn is before Gia. That gives Finn, Gia, Dana, Eli, everything is in a chain.
Check: Finn not last, right. Dana right before Eli, right. So the third is Dana.`,
		}, []reward.Step{
			{Number: 1, Meta: "The clue about Dana and Eli binds two places, so it is the one to start with.",
				Query: "How do Dana and Eli stand to each other?", Answer: "neighbours, Dana before Eli"},
			{Number: 2, Meta: "The other clues about who beat whom place Gia and Finn before that pair.",
				Query: "In which order do Finn, Gia and the pair come?", Answer: "Finn, Gia, Dana, Eli"},
			{Number: 3, Meta: "Everything is in a chain; what is left is to check that Finn was not last and Dana right before Eli.",
				Query: "Does the chain fit every clue, and who is third?", Answer: "it does; Dana is third"},
		}},
		{reward.Trace{
			Problem: "On an island knights always tell the truth and knaves always lie. A says: \"B is a knave.\" B says: \"We are both knights.\" What are they?",
			Text: `Look at B first, because B's statement says something about both. Suppose B is a knight. Then the statement is true and A is a knight as well. But then A's statement, that B is a knave, would be true, and B is a knight. Contradiction. So B is a knave.
Now A says B is a knave, that is true, so A is a knight.
B's statement "we are both knights" is then false, fitting for a knave. Done: A knight, B knave.`,
		}, []reward.Step{
			{Number: 1, Meta: "B's statement says something about both, so it is taken first, by supposing that B is a knight.",
				Query: "What follows if B is a knight?", Answer: "A would be a knight and call B a knave: a contradiction, so B is a knave"},
			{Number: 2, Meta: "What B is being known, A's statement can be judged.",
				Query: "What is A, who says that B is a knave?", Answer: "a knight, as the statement is true"},
			{Number: 3, Meta: "It remains to see whether B's statement fits a knave.",
				Query: "Is \"we are both knights\" false?", Answer: "yes; A is a knight, B a knave"},
		}},
	},
}
