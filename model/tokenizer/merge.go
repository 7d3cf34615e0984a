package tokenizer

import "math"

// symbols is one word while it is merged: a linked list of ids, and a heap of
// the merges that are possible. Merging n symbols takes O(n log n). It is
// reused from word to word.
type symbols struct {
	list []symbol
	heap []uint64 // rank<<32 | position: lowest rank first, of equals the leftmost
}

type symbol struct {
	id         int32
	prev, next int32 // positions in the list, or none
	merge      merge // with the next symbol; its rank is noMerge if there is none
}

const noMerge = math.MaxInt32

func (s *symbols) reset() {
	s.list, s.heap = s.list[:0], s.heap[:0]
}

func (s *symbols) add(id int) {
	at := int32(len(s.list))
	s.list = append(s.list, symbol{id: int32(id), prev: at - 1, next: at + 1})
}

// merge merges neighbours until no merge applies, lowest rank first and of
// equal ranks the leftmost, as merge_all in the reference's models/bpe/word.rs.
func (s *symbols) merge(merges *mergeTable) {
	if len(s.list) == 0 {
		return
	}
	s.list[len(s.list)-1].next = none
	for at := range s.list {
		s.propose(int32(at), merges)
	}
	for len(s.heap) > 0 {
		top := s.pop()
		at := int32(uint32(top))
		left := &s.list[at]
		// A proposal is out of date once either neighbour has changed.
		if left.merge.rank != int32(top>>32) {
			continue
		}
		right := &s.list[left.next]
		left.id, left.next = left.merge.id, right.next
		right.merge.rank = noMerge
		if left.next != none {
			s.list[left.next].prev = at
		}
		if left.prev != none {
			s.propose(left.prev, merges)
		}
		s.propose(at, merges)
	}
}

// propose notes the merge of the symbol at a position with the next one.
func (s *symbols) propose(at int32, merges *mergeTable) {
	left := &s.list[at]
	left.merge.rank = noMerge
	if left.next == none {
		return
	}
	if m, ok := merges.get(left.id, s.list[left.next].id); ok {
		left.merge = m
		s.push(uint64(m.rank)<<32 | uint64(at))
	}
}

// appendTo appends the ids that are left.
func (s *symbols) appendTo(ids []int) []int {
	if len(s.list) == 0 {
		return ids
	}
	for at := int32(0); at != none; at = s.list[at].next {
		ids = append(ids, int(s.list[at].id))
	}
	return ids
}

func (s *symbols) push(v uint64) {
	s.heap = append(s.heap, v)
	i := len(s.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s.heap[parent] <= v {
			break
		}
		s.heap[i] = s.heap[parent]
		i = parent
	}
	s.heap[i] = v
}

func (s *symbols) pop() uint64 {
	top, last := s.heap[0], len(s.heap)-1
	v := s.heap[last]
	s.heap = s.heap[:last]
	i := 0
	for {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && s.heap[child+1] < s.heap[child] {
			child++
		}
		if v <= s.heap[child] {
			break
		}
		s.heap[i] = s.heap[child]
		i = child
	}
	if last > 0 {
		s.heap[i] = v
	}
	return top
}
