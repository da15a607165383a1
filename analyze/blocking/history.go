package blocking

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	maxRecent  = 64      // stretches of a goroutine's past that are remembered one by one
	perLevel   = 4       // blocks of one size that are kept
	maxInBlock = 32      // causes that a block tells apart
	maxParts   = 1 << 21 // in the blocks of all goroutines: 32 MB
)

// stretch is a time in which one thing was the cause. It begins where the one before ends.
type stretch struct {
	end  int64
	node nodeID
}

// part is how long something was the cause.
type part struct {
	node nodeID
	ns   int64
}

// block is a part of the past in which the order of causes is forgotten.
type block struct {
	end   int64
	level uint8 // it was made of 2^level blocks
	parts []part
}

// pool is what the blocks of all goroutines share: how many parts more there may be, and room for
// parts that is not in use.
type pool struct {
	room  int
	spare [][]part
}

const maxSpare = 1 << 10

func (p *pool) take() []part {
	if n := len(p.spare); n > 0 {
		parts := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return parts
	}
	return make([]part, 0, maxInBlock)
}

func (p *pool) give(parts []part) {
	if len(p.spare) < maxSpare {
		p.spare = append(p.spare, parts[:0])
	}
}

// history is what a goroutine did: its time until end, by causes. The recent past is exact. What is
// older is kept in blocks that grow with their age, so that a long past takes room with the
// logarithm of its length.
type history struct {
	begin  int64
	end    int64
	blocks []block // the oldest first
	recent []stretch
	forgot bool // there was more before begin
}

// add appends what was the cause until end.
func (h *history) add(end int64, id nodeID, pool *pool) {
	if end <= h.end {
		return
	}
	h.end = end
	if n := len(h.recent); n > 0 && h.recent[n-1].node == id {
		h.recent[n-1].end = end
		return
	}
	if len(h.recent) == maxRecent {
		h.fold(pool)
	}
	h.recent = append(h.recent, stretch{end, id})
}

// fold makes a block of the older half of the recent past.
func (h *history) fold(pool *pool) {
	const half = maxRecent / 2
	from := h.begin
	if n := len(h.blocks); n > 0 {
		from = h.blocks[n-1].end
	}
	b := block{end: h.recent[half-1].end, parts: pool.take()}
	for _, s := range h.recent[:half] {
		b.parts = mergePart(b.parts, part{s.node, s.end - from})
		from = s.end
	}
	b.trim()
	h.recent = append(h.recent[:0], h.recent[half:]...)
	pool.room -= len(b.parts)
	h.blocks = append(h.blocks, b)
	h.settle(pool)
	for pool.room < 0 && len(h.blocks) > 0 {
		pool.room += len(h.blocks[0].parts)
		h.begin, h.forgot = h.blocks[0].end, true
		h.blocks = append(h.blocks[:0], h.blocks[1:]...)
	}
}

// settle joins the two oldest blocks of each level that has too many.
func (h *history) settle(pool *pool) {
	last := len(h.blocks) // of the level in hand
	for level := uint8(0); ; level++ {
		first := last
		for first > 0 && h.blocks[first-1].level == level {
			first--
		}
		if last-first <= perLevel {
			return
		}
		older, newer := &h.blocks[first], &h.blocks[first+1]
		pool.room += len(older.parts) + len(newer.parts)
		for _, p := range newer.parts {
			older.parts = mergePart(older.parts, p)
		}
		older.end, older.level = newer.end, level+1
		older.trim()
		pool.room -= len(older.parts)
		pool.give(newer.parts)
		h.blocks = slices.Delete(h.blocks, first+1, first+2)
		last = first + 1
	}
}

func mergePart(parts []part, p part) []part {
	for i := range parts {
		if parts[i].node == p.node {
			parts[i].ns += p.ns
			return parts
		}
	}
	return append(parts, p)
}

// trim keeps the largest parts and calls the others various.
func (b *block) trim() {
	if len(b.parts) <= maxInBlock {
		return
	}
	slices.SortFunc(b.parts, func(x, y part) int {
		return cmp.Or(cmp.Compare(y.ns, x.ns),
			cmp.Compare(x.node, y.node))
	})
	rest := part{node: nodeID(unknownVarious)}
	for _, p := range b.parts[maxInBlock-1:] {
		rest.ns += p.ns
	}
	b.parts = mergePart(b.parts[:maxInBlock-1], rest)
}

// between appends the causes from t0 to t1, the latest first, to list, and says how much of it is
// an estimate. It covers all of it from t0 or h.begin on to t1, which is not after h.end.
func (h *history) between(t0, t1 int64, list []part) (_ []part, estimated int64) {
	for i := len(h.recent) - 1; i >= 0 && t1 > t0; i-- {
		begin := h.startOf(i)
		if begin >= t1 {
			continue
		}
		from := max(begin, t0)
		if from < t1 {
			list = append(list, part{h.recent[i].node, t1 - from})
		}
		t1 = min(t1, from)
	}
	for i := len(h.blocks) - 1; i >= 0 && t1 > t0; i-- {
		begin := h.begin
		if i > 0 {
			begin = h.blocks[i-1].end
		}
		if begin >= t1 {
			continue
		}
		from := max(begin, t0)
		var guess int64
		list, guess = h.blocks[i].cut(begin, from, t1, list)
		estimated += guess
		t1 = from
	}
	return list, estimated
}

// startOf is where recent stretch i begins.
func (h *history) startOf(i int) int64 {
	switch {
	case i > 0:
		return h.recent[i-1].end
	case len(h.blocks) > 0:
		return h.blocks[len(h.blocks)-1].end
	}
	return h.begin
}

// cut appends the block's parts in [from, to). Of a block that is not inside as a whole each part
// counts in proportion, which is an estimate.
func (b *block) cut(begin, from, to int64, list []part) (_ []part, estimated int64) {
	if from == begin && to == b.end {
		return append(list, b.parts...), 0
	}
	length, want := b.end-begin, to-from
	var before, given int64
	for _, p := range b.parts {
		before += p.ns
		hi, lo := bits.Mul64(uint64(want), uint64(before))
		quotient, _ := bits.Div64(hi, lo, uint64(length))
		upTo := int64(quotient)
		if upTo > given {
			list = append(list, part{p.node, upTo - given})
			given = upTo
		}
	}
	return list, want
}
