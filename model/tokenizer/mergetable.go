package tokenizer

import "math/bits"

// mergeTable finds the merge of two ids. It is a hash table with open
// addressing: a lookup, of which encoding does several a character, takes a
// third of the time of a map's.
type mergeTable struct {
	slots []mergeSlot // a power of two, at most half full
	shift int
}

type mergeSlot struct {
	pair  uint64 // left<<32 | right, plus one so that zero is a free slot
	merge merge
}

type merge struct{ rank, id int32 }

func newMergeTable(n int) *mergeTable {
	log := bits.Len(uint(2*n + 1))
	return &mergeTable{slots: make([]mergeSlot, 1<<log), shift: 64 - log}
}

// slot returns the slot that holds a pair, or the free one where it goes.
func (t *mergeTable) slot(left, right int32) (*mergeSlot, uint64) {
	pair := uint64(left)<<32 | uint64(right) + 1
	for i := pair * 0x9E3779B97F4A7C15 >> t.shift; ; i++ { // Fibonacci hashing
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.pair == pair || s.pair == 0 {
			return s, pair
		}
	}
}

// set keeps a merge. Of two for the same pair the last counts.
func (t *mergeTable) set(left, right int32, m merge) {
	s, pair := t.slot(left, right)
	s.pair, s.merge = pair, m
}

func (t *mergeTable) get(left, right int32) (merge, bool) {
	s, _ := t.slot(left, right)
	return s.merge, s.pair != 0
}
