package cause

import (
	"cmp"
	"fmt"
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
	node ID
	seen bool // it has been counted
}

// Part is how long something was the cause.
type Part struct {
	ID  ID
	New uint32 // stretches of it that had not been counted before
	NS  int64
}

// block is a part of the past in which the order of causes is forgotten.
type block struct {
	end   int64
	level uint8 // it was made of 2^level blocks
	parts []Part
}

// Pool is what the blocks of all goroutines share: how many parts more there may be, and room for
// parts that is not in use.
type Pool struct {
	room  int
	spare [][]Part
	merger
}

// NewPool makes the pool of a walk.
func NewPool() *Pool { return &Pool{room: maxParts} }

const maxSpare = 1 << 10

func (p *Pool) take() []Part {
	if n := len(p.spare); n > 0 {
		parts := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return parts
	}
	return make([]Part, 0, maxInBlock)
}

func (p *Pool) give(parts []Part) {
	if len(p.spare) < maxSpare {
		p.spare = append(p.spare, parts[:0])
	}
}

// merger is Merge for the parts of one block after the other, which are many.
type merger struct {
	block  uint32 // so far
	places [4 * maxInBlock]place
}

// place is where the part of an ID is, of those IDs that share the place the first.
type place struct {
	block uint32 // of an older one: none of these IDs has a part
	index uint32
}

// begin is called before the parts of another block are merged, with those that it has.
func (m *merger) begin(parts []Part) {
	m.block++
	for i := range parts {
		m.note(parts[i].ID, i)
	}
}

func (m *merger) note(id ID, index int) {
	if at := &m.places[uint32(id)%uint32(len(m.places))]; at.block != m.block {
		*at = place{m.block, uint32(index)}
	}
}

func (m *merger) merge(parts []Part, part Part) []Part {
	at := &m.places[uint32(part.ID)%uint32(len(m.places))]
	switch {
	case at.block != m.block:
		*at = place{m.block, uint32(len(parts))}
		return append(parts, part)
	case parts[at.index].ID != part.ID:
		return Merge(parts, part)
	}
	parts[at.index].NS += part.NS
	parts[at.index].New += part.New
	return parts
}

// History is what a goroutine did: its time until end, by causes. The recent past is exact. What is
// older is kept in blocks that grow with their age, so that a long past takes room with the
// logarithm of its length.
type History struct {
	begin  int64
	end    int64
	blocks []block // the oldest first
	recent []stretch
	forgot bool // there was more before begin
}

// Begin is from when on the history tells.
func (h *History) Begin() int64 { return h.begin }

// End is the end of the latest stretch.
func (h *History) End() int64 { return h.end }

// Forgot says whether there was more before Begin, which was given up to bound memory.
func (h *History) Forgot() bool { return h.forgot }

// Empty says whether nothing has been added yet.
func (h *History) Empty() bool { return len(h.recent) == 0 }

// Start makes an empty history begin at t.
func (h *History) Start(t int64) { h.begin, h.end = t, t }

// Exact says whether the order of causes is known from t on.
func (h *History) Exact(t int64) bool {
	return len(h.blocks) == 0 || h.blocks[len(h.blocks)-1].end <= t
}

// Clear empties the history, whose room it keeps.
func (h *History) Clear(pool *Pool) {
	for i := range h.blocks {
		pool.room += len(h.blocks[i].parts)
	}
	*h = History{recent: h.recent[:0]}
}

// Add appends what was the cause until end, and says whether it has been counted already.
func (h *History) Add(end int64, id ID, seen bool, pool *Pool) {
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
	h.recent = append(h.recent, stretch{end, id, seen})
}

// fold makes a block of the older half of the recent past.
func (h *History) fold(pool *Pool) {
	const half = maxRecent / 2
	from := h.begin
	if n := len(h.blocks); n > 0 {
		from = h.blocks[n-1].end
	}
	b := block{end: h.recent[half-1].end, parts: pool.take()}
	pool.begin(nil)
	for _, s := range h.recent[:half] {
		b.parts = pool.merge(b.parts, Part{s.node, unseen(s.seen), s.end - from})
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

func unseen(seen bool) uint32 {
	if seen {
		return 0
	}
	return 1
}

// settle joins the two oldest blocks of each level that has too many.
func (h *History) settle(pool *Pool) {
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
		pool.begin(older.parts)
		for _, p := range newer.parts {
			older.parts = pool.merge(older.parts, p)
		}
		older.end, older.level = newer.end, level+1
		older.trim()
		pool.room -= len(older.parts)
		pool.give(newer.parts)
		h.blocks = slices.Delete(h.blocks, first+1, first+2)
		last = first + 1
	}
}

// Merge adds a part to that of the same cause, or appends it.
func Merge(parts []Part, p Part) []Part {
	for i := range parts {
		if parts[i].ID == p.ID {
			parts[i].NS += p.NS
			parts[i].New += p.New
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
	slices.SortFunc(b.parts, func(x, y Part) int {
		return cmp.Or(cmp.Compare(y.NS, x.NS),
			cmp.Compare(x.ID, y.ID))
	})
	rest := Part{ID: ID(WhyVarious)}
	for _, p := range b.parts[maxInBlock-1:] {
		rest.NS += p.NS
		rest.New += p.New
	}
	b.parts = Merge(b.parts[:maxInBlock-1], rest)
}

// Between appends the causes from t0 to t1, the latest first, to list, and says how much of it is
// an estimate. It covers all of it from t0 or h.begin on to t1, which is not after h.end. With count
// each stretch that it touches is counted: it is new to the first who asks so, and to nobody after.
func (h *History) Between(t0, t1 int64, count bool, list []Part) (_ []Part, approximate int64) {
	for i := len(h.recent) - 1; i >= 0 && t1 > t0; i-- {
		begin := h.startOf(i)
		if begin >= t1 {
			continue
		}
		from := max(begin, t0)
		if from < t1 {
			part := Part{h.recent[i].node, 0, t1 - from}
			if count {
				part.New, h.recent[i].seen = unseen(h.recent[i].seen), true
			}
			list = append(list, part)
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
		list, guess = h.blocks[i].portion(begin, from, t1, count, list)
		approximate += guess
		t1 = from
	}
	return list, approximate
}

// startOf is where recent stretch i begins.
func (h *History) startOf(i int) int64 {
	switch {
	case i > 0:
		return h.recent[i-1].end
	case len(h.blocks) > 0:
		return h.blocks[len(h.blocks)-1].end
	}
	return h.begin
}

// portion appends the block's parts in [from, to). Of a block that is not inside as a whole each
// part counts in proportion, which is an estimate; the stretches that are not counted yet all do.
func (b *block) portion(begin, from, to int64, count bool, list []Part) (_ []Part, approximate int64) {
	length, want := b.end-begin, to-from
	var before, given int64
	for i := range b.parts {
		p := &b.parts[i]
		before += p.NS
		hi, lo := bits.Mul64(uint64(want), uint64(before))
		quotient, _ := bits.Div64(hi, lo, uint64(length))
		upTo := int64(quotient)
		if upTo > given {
			part := Part{p.ID, 0, upTo - given}
			if count {
				part.New, p.New = p.New, 0
			}
			list = append(list, part)
			given = upTo
		}
	}
	if want == length {
		return list, 0
	}
	return list, want
}

// Check says how the history is not what it says it is, for tests: its stretches follow one another
// from Begin to End, and the parts of a block are as long as the block.
func (h *History) Check() error {
	at := h.begin
	for _, b := range h.blocks {
		var sum int64
		for _, p := range b.parts {
			sum += p.NS
		}
		if b.end <= at || sum != b.end-at {
			return fmt.Errorf("a block from %d to %d has parts of %d ns", at, b.end, sum)
		}
		at = b.end
	}
	for _, s := range h.recent {
		if s.end <= at {
			return fmt.Errorf("a stretch from %d to %d", at, s.end)
		}
		at = s.end
	}
	if at != h.end {
		return fmt.Errorf("the stretches end at %d, the history at %d", at, h.end)
	}
	return nil
}
