package rounds

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/stats"
)

// The bounds of a tally.
const (
	maxBlocks = 2048
	maxCells  = 1 << 20
	minBlocks = 64 // fewer say little of how rounds scatter
)

// tally counts by place how many goroutines the rounds of each block found there.
type tally struct {
	rounds int64   // so far
	per    int64   // rounds in a block
	blocks []int64 // how many rounds each has
	cells  [][]cell
	n      int // cells
}

// cell is how many goroutines the rounds of a block found at a place, added up.
type cell struct {
	block int32
	n     int64
}

// count is goroutines that a round found at a place.
type count struct {
	place int32
	n     int64
}

// begin begins a round.
func (t *tally) begin() {
	t.per = max(1, t.per)
	t.rounds++
	if t.full() && (len(t.blocks) >= maxBlocks || t.n >= maxCells && len(t.blocks) > minBlocks) {
		t.join()
	}
	if t.full() {
		t.blocks = append(t.blocks, 0)
	}
	t.blocks[len(t.blocks)-1]++
}

// full says whether the last block has room for no more rounds.
func (t *tally) full() bool {
	n := len(t.blocks)
	return n == 0 || t.blocks[n-1] >= t.per
}

// add counts what the round found. It gives the list back, empty.
func (t *tally) add(counts []count) []count {
	slices.SortFunc(counts, func(a, b count) int { return cmp.Compare(a.place, b.place) })
	block := int32(len(t.blocks) - 1)
	for _, c := range counts {
		for int(c.place) >= len(t.cells) {
			t.cells = append(t.cells, nil)
		}
		list := t.cells[c.place]
		if n := len(list); n > 0 && list[n-1].block == block {
			list[n-1].n += c.n
			continue
		}
		t.cells[c.place] = append(list, cell{block, c.n})
		t.n++
	}
	return counts[:0]
}

// join makes one of every two blocks.
func (t *tally) join() {
	t.per *= 2
	for i, n := range t.blocks {
		if i%2 == 0 {
			t.blocks[i/2] = n
		} else {
			t.blocks[i/2] += n
		}
	}
	t.blocks = t.blocks[:(len(t.blocks)+1)/2]
	t.n = 0
	for place, list := range t.cells {
		short := list[:0]
		for _, c := range list {
			c.block /= 2
			if n := len(short); n > 0 && short[n-1].block == c.block {
				short[n-1].n += c.n
				continue
			}
			short = append(short, c)
		}
		t.cells[place] = short
		t.n += len(short)
	}
}

// sizes are how many rounds each block has.
func (t *tally) sizes() stats.Rounds {
	out := make(stats.Rounds, len(t.blocks))
	for i, n := range t.blocks {
		out[i] = float64(n)
	}
	return out
}

// into adds what was found at a place to a number for each block.
func (t *tally) into(place int, sums []float64) {
	if place >= len(t.cells) {
		return
	}
	for _, c := range t.cells[place] {
		sums[c.block] += float64(c.n)
	}
}
