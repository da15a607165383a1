package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/gosched/gosched/record/target"
)

// maxKept is of how many places it is kept how their goroutines were: 24 bytes each.
const maxKept = 512 << 10

// Rounds reads the goroutines of a process again and again. Most of them have not moved since they
// were read before: their structs and the part of their stacks with return addresses are compared
// with what they were then, and the stacks are not walked again.
//
// It is not safe for concurrent use, nor beside other readings of its reader.
type Rounds struct {
	reader *Reader
	seed   maphash.Seed
	addrs  []uint64 // the places of goroutines, in order
	kept   []kept   // by place

	structs, stacks merger
	changed         []Goroutine // room for those of a batch that are not as they were
	at              []int       // and where they are in the batch
}

// kept is how a goroutine was that waited: hashes of its struct, and of as many bytes of its stack,
// from the lowest frame on, as its return addresses are in. No bytes: it has to be looked into.
type kept struct {
	head, stack uint64
	bytes       uint16
}

// Rounds prepares to read goroutines in rounds.
func (r *Reader) Rounds() *Rounds { return &Rounds{reader: r, seed: maphash.MakeSeed()} }

// Places is how many places of goroutines there are now. Some are empty. Places never change their
// addresses and are never given up: runtime.allgs is only appended to (go1.18–1.27
// src/runtime/proc.go, allgadd), so that those that are known are not read again.
func (r *Rounds) Places() (int, error) {
	var addrs []uint64
	header, again := make([]byte, 24), make([]byte, 24)
	for !bytes.Equal(header, again) || addrs == nil { // it may be written while it is read
		if err := r.reader.read(r.reader.allgs, header); err != nil {
			return 0, fmt.Errorf("read runtime.allgs: %w", err)
		}
		at, n := binary.LittleEndian.Uint64(header), binary.LittleEndian.Uint64(header[8:])
		if n > maxGoroutines || n < uint64(len(r.addrs)) {
			return 0, fmt.Errorf("read runtime.allgs: %d goroutines cannot be", n)
		}
		if n == uint64(len(r.addrs)) {
			return len(r.addrs), nil
		}
		var err error
		if addrs, err = r.reader.pointersFrom(r.addrs, at, n); err != nil {
			return 0, err
		}
		if err := r.reader.read(r.reader.allgs, again); err != nil {
			return 0, fmt.Errorf("read runtime.allgs: %w", err)
		}
	}
	r.addrs = addrs
	if more := min(len(addrs), maxKept) - len(r.kept); more > 0 {
		r.kept = append(r.kept, make([]kept, more)...)
	}
	return len(addrs), nil
}

// Read reads every step-th place from one on, and hands on the goroutines that are there, some at a
// time. They are valid during the call only. It returns how many places it read.
func (r *Rounds) Read(from, step int, take func([]Goroutine)) (int, error) {
	n, addrs := 0, make([]uint64, 0, batchSize)
	for place := from; place < len(r.addrs); {
		first := place
		addrs = addrs[:0]
		for ; place < len(r.addrs) && len(addrs) < batchSize; place += step {
			addrs = append(addrs, r.addrs[place])
		}
		gs, err := r.batch(addrs, first, step)
		if err != nil {
			return n, err
		}
		n += len(addrs)
		take(gs)
	}
	return n, nil
}

// batch reads the goroutines at some places: those that are as they were, and the others as any
// reading does. One that ended meanwhile was there when the batch began, and is told as it was then.
func (r *Rounds) batch(addrs []uint64, first, step int) ([]Goroutine, error) {
	in := r.reader
	before := in.now()
	gs, err := in.headsBy(addrs, r.structs.read)
	if err != nil {
		return nil, err
	}
	after := in.now()
	for i := range gs {
		gs[i].Place = first + step*gs[i].Place
		gs[i].Before, gs[i].After = before, after
	}
	if err := r.compare(gs); err != nil {
		return nil, err
	}
	heads := make([]uint64, len(r.changed))
	for i := range r.changed {
		heads[i] = maphash.Bytes(r.seed, r.changed[i].raw)
	}
	if err := in.threadsOf(r.changed); err != nil {
		return nil, err
	}
	after = in.now()
	if err := in.stacks(r.changed); err != nil {
		return nil, err
	}
	for i := range r.changed {
		g := &r.changed[i]
		r.keep(g, heads[i], &in.shots[3*i])
		g.After, g.raw = after, nil
		if g.gone {
			g.Stack = Stack{StartPC: g.Stack.StartPC}
		}
	}
	if err := in.numberThreads(r.changed); err != nil {
		return nil, err
	}
	for i, at := range r.at {
		gs[at] = r.changed[i]
	}
	return gs, nil
}

// compare finds out which goroutines are as they were. The others are then in changed.
func (r *Rounds) compare(gs []Goroutine) error {
	in := r.reader
	r.changed, r.at = r.changed[:0], r.at[:0]
	in.windows = slices.Grow(in.windows[:0], stackWindow*len(gs))[:stackWindow*len(gs)]
	in.ranges = in.ranges[:0]
	for i := range gs {
		g := &gs[i]
		window := target.Range{}
		if k := r.of(g); k != nil && k.bytes > 0 && g.parked() && k.head == maphash.Bytes(r.seed, g.raw) {
			window = in.window(g, in.windows[i*stackWindow:])
			window.Buf = window.Buf[:min(len(window.Buf), int(k.bytes))]
		}
		in.ranges = append(in.ranges, window)
	}
	if err := r.stacks.read(in.mem, in.ranges); err != nil {
		return fmt.Errorf("read stacks: %w", err)
	}
	for i := range gs {
		g, window := &gs[i], &in.ranges[i]
		if len(window.Buf) > 0 && window.OK && maphash.Bytes(r.seed, window.Buf) == r.of(g).stack {
			g.Unchanged, g.raw = true, nil
			continue
		}
		r.changed, r.at = append(r.changed, *g), append(r.at, i)
	}
	return nil
}

// of is what is kept of a goroutine's place; nil: nothing is.
func (r *Rounds) of(g *Goroutine) *kept {
	if g.Place >= len(r.kept) {
		return nil
	}
	return &r.kept[g.Place]
}

// parked says whether a goroutine waits and has no thread, so that nobody writes its stack's frames.
func (g *Goroutine) parked() bool { return g.status == gWaiting && g.m == 0 }

// keep keeps how a goroutine was whose stack was in a window.
func (r *Rounds) keep(g *Goroutine, head uint64, window *target.Range) {
	k := r.of(g)
	if k == nil {
		return
	}
	*k = kept{}
	n := g.top - window.Addr
	if len(g.Stack.PCs) > 0 && g.parked() && g.top > window.Addr && n <= uint64(len(window.Buf)) {
		*k = kept{head: head, stack: maphash.Bytes(r.seed, window.Buf[:n]), bytes: uint16(n)}
	}
}
