package replay

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/gosched/gosched/analyze/replay/internal/delay"
	"github.com/gosched/gosched/format"
)

// goroutine is what the walk knows of a goroutine that is alive: its open span. It fills a cache
// line, so that a move touches one.
type goroutine struct {
	id      format.GoID // NoGoroutine: an empty entry
	begin   int64
	reason  format.StringID
	waited  format.StringID
	entry   EntryID
	tid     int32
	cpu     int32
	proc    int32
	details int32        // where its details are
	state   format.State // StateUnknown: not seen since the last gap
	why     Why
	flags   Flags
	stamped bool         // of a runnable one: its details say when it began by the occupancy's clocks
	holds   bool         // of one in a system call: it has not lost its P, as far as seen
	before  format.State // the state before, if a row said it
	_       [7]byte
}

// details is what only some passes want of an open span. The begin is there where stamped says so.
type details struct {
	byGoID         format.GoID
	stack, byStack format.StringID
	object         int64
	begin          delay.Stamp // of a runnable goroutine
}

// table holds the goroutines of a process that are alive, by open addressing. The zero table is
// empty.
type table struct {
	entries     []goroutine
	shift       uint8 // 64 − log2(len(entries))
	n           int
	peak        int // the most there were at once
	unseen      int // those whose state is unknown
	withDetails bool
	details     []details
	free        []int32      // places in details
	list        []*goroutine // room for known
}

// home is where an id belongs in a table of 2^(64−shift) entries. Ids come in runs, so they have to
// be spread: a run of neighbours would be one cluster, which a drop has to go through.
func home(id int64, shift uint8) int { return int(uint64(id) * 0x9E3779B97F4A7C15 >> (shift & 63)) }

// find returns the goroutine, or nil. The pointer is valid until the next create or drop.
func (t *table) find(id format.GoID) *goroutine {
	mask := len(t.entries) - 1
	if mask < 0 {
		return nil
	}
	for i := home(int64(id), t.shift); ; i++ {
		g := &t.entries[i&mask]
		if g.id == id {
			if id == format.NoGoroutine {
				return nil
			}
			return g
		}
		if g.id == format.NoGoroutine {
			return nil
		}
	}
}

// create makes a goroutine that is not there yet, in an unknown state.
func (t *table) create(id format.GoID) *goroutine {
	if 3*(t.n+1) > 2*len(t.entries) {
		t.grow()
	}
	g := t.place(id)
	*g = goroutine{id: id, tid: format.Unknown, cpu: format.Unknown, proc: format.Unknown}
	if t.withDetails {
		g.details = t.newDetails()
	}
	t.n++
	t.unseen++
	t.peak = max(t.peak, t.n)
	return g
}

// place is where an id that is not there belongs.
func (t *table) place(id format.GoID) *goroutine {
	mask := len(t.entries) - 1
	i := home(int64(id), t.shift)
	for t.entries[i].id != format.NoGoroutine {
		i = (i + 1) & mask
	}
	return &t.entries[i]
}

func (t *table) newDetails() int32 {
	if n := len(t.free); n > 0 {
		d := t.free[n-1]
		t.free = t.free[:n-1]
		return d
	}
	t.details = append(t.details, details{})
	return int32(len(t.details) - 1)
}

func (t *table) grow() {
	old := t.entries
	t.entries = make([]goroutine, max(64, 2*len(old)))
	t.shift = uint8(65 - bits.Len(uint(len(t.entries))))
	for i := range old {
		if old[i].id != format.NoGoroutine {
			*t.place(old[i].id) = old[i]
		}
	}
}

// drop forgets a goroutine and moves the entries behind it up, so that no tombstones remain.
func (t *table) drop(id format.GoID) {
	mask := len(t.entries) - 1
	i := home(int64(id), t.shift)
	for t.entries[i].id != id {
		i = (i + 1) & mask
	}
	if t.entries[i].state == format.StateUnknown {
		t.unseen--
	}
	if t.withDetails {
		t.details[t.entries[i].details] = details{}
		t.free = append(t.free, t.entries[i].details)
	}
	t.n--
	for j := (i + 1) & mask; t.entries[j].id != format.NoGoroutine; j = (j + 1) & mask {
		if h := home(int64(t.entries[j].id), t.shift); (j-h)&mask >= (j-i)&mask {
			t.entries[i] = t.entries[j]
			i = j
		}
	}
	t.entries[i] = goroutine{}
}

// known lists the goroutines whose state is known, in the order of their ids. The list is valid
// until the next create, drop or known.
func (t *table) known() []*goroutine {
	t.list = t.list[:0]
	for i := range t.entries {
		if g := &t.entries[i]; g.state != format.StateUnknown {
			t.list = append(t.list, g)
		}
	}
	slices.SortFunc(t.list, func(a, b *goroutine) int { return cmp.Compare(a.id, b.id) })
	return t.list
}

// forget makes the state of a goroutine unknown, and where it was, but keeps its entry function.
func (t *table) forget(g *goroutine) {
	*g = goroutine{id: g.id, entry: g.entry, details: g.details, tid: format.Unknown, cpu: format.Unknown,
		proc: format.Unknown}
	if t.withDetails {
		t.details[g.details] = details{}
	}
	t.unseen++
}

// maxUnseen bounds how many goroutines are remembered by their entry function alone over gaps.
const maxUnseen = 1 << 16

// trim drops the goroutines whose state is unknown when there are too many to remember.
func (t *table) trim() {
	if t.unseen <= maxUnseen+t.n-t.unseen {
		return
	}
	var gone []format.GoID
	for i := range t.entries {
		if g := &t.entries[i]; g.id != format.NoGoroutine && g.state == format.StateUnknown {
			gone = append(gone, g.id)
		}
	}
	for _, id := range gone {
		t.drop(id)
	}
}
