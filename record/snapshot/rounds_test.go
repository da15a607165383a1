package snapshot

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"github.com/gosched/gosched/record/target"
)

// round reads every step-th place of the heap.
func round(t *testing.T, r *Rounds, from, step int) (out []Goroutine) {
	t.Helper()
	places, err := r.Places()
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.Read(from, step, func(gs []Goroutine) { out = append(out, gs...) })
	if want := (places - from + step - 1) / step; err != nil || n != want {
		t.Fatalf("read %d places, %v; want %d", n, err, want)
	}
	return out
}

// TestWhatHasNotMovedIsNotWalkedAgain changes something of a goroutine that waits, each time something
// else, and all of it shows.
func TestWhatHasNotMovedIsNotWalkedAgain(t *testing.T) {
	const frame, caller, other = stackTop - 32, 0x1234, 0x5678
	h := newHeap()
	h.add(version{gWaiting, 7, parkPC})
	h.add(version{gRunning, 8, parkPC})
	l, raw := &h.layout.G, h.gs[firstG][0]
	binary.LittleEndian.PutUint64(raw[l.SchedBP:], frame)
	h.words[frame+8] = caller
	r := h.reader("amd64").Rounds()
	for _, c := range []struct {
		name      string
		change    func()
		unchanged bool
		caller    uint64
	}{
		{"seen for the first time", func() {}, false, caller},
		{"has not moved", func() {}, true, 0},
		{"was called by another, from the same depth", func() { h.words[frame+8] = other }, false, other},
		{"has not moved since", func() {}, true, 0},
		{"below its frames something else is written", func() { h.words[stackTop-72] = 9 }, true, 0},
		{"waits again", func() { binary.LittleEndian.PutUint64(raw[248:], 1) }, false, other},
		{"is ready", func() { binary.LittleEndian.PutUint64(raw[l.AtomicStatus:], gRunnable) }, false, other},
		{"is ready still", func() {}, false, other},
	} {
		c.change()
		gs := round(t, r, 0, 1)
		if len(gs) != 2 || gs[0].ID != 7 || gs[1].ID != 8 || gs[0].Place != 0 || gs[1].Place != 1 {
			t.Fatalf("%s: found %+v", c.name, gs)
		}
		if gs[1].Unchanged || len(gs[1].Stack.PCs) > 0 {
			t.Errorf("%s: the one that runs is %+v", c.name, gs[1])
		}
		g, last := gs[0], uint64(0)
		if n := len(g.Stack.PCs); n > 0 {
			last = g.Stack.PCs[n-1]
		}
		if g.Unchanged != c.unchanged || last != c.caller {
			t.Errorf("%s: unchanged %v, called from %#x; want %v, %#x", c.name, g.Unchanged, last, c.unchanged,
				c.caller)
		}
	}
}

// TestARoundTellsThoseThatEndMeanwhile as they were when it began, and another round does not.
func TestARoundTellsThoseThatEndMeanwhile(t *testing.T) {
	h := newHeap()
	h.add(version{gWaiting, 7, parkPC}, version{6, 7, parkPC})
	r := h.reader("amd64").Rounds()
	gs := round(t, r, 0, 1)
	if len(gs) != 1 || gs[0].State() != isWaiting || len(gs[0].Stack.PCs) > 0 {
		t.Errorf("found %+v", gs)
	}
	if gs := round(t, r, 0, 1); len(gs) != 0 {
		t.Errorf("found %+v after its end", gs)
	}
}

// TestEveryPlaceIsReadInSomeRound reads every third place, and a process that grows.
func TestEveryPlaceIsReadInSomeRound(t *testing.T) {
	h := newHeap()
	r := h.reader("amd64").Rounds()
	found := map[int64]int{}
	for goid := range int64(2000) {
		h.add(version{gWaiting, goid + 1, parkPC})
		if goid%500 != 499 {
			continue
		}
		for from := range 3 {
			for _, g := range round(t, r, from, 3) {
				found[g.ID]++
				if int64(g.Place) != g.ID-1 {
					t.Fatalf("goroutine %d is at place %d", g.ID, g.Place)
				}
			}
		}
	}
	for goid := range int64(2000) {
		if want := 4 - int(goid/500); found[goid+1] != want {
			t.Fatalf("goroutine %d was found %d times, want %d", goid+1, found[goid+1], want)
		}
	}
}

// pages is memory of which some pages are there, each byte with a value of its own.
type pages map[uint64]bool

func (p pages) ReadMany(ranges []target.Range) error {
	for i := range ranges {
		r := &ranges[i]
		r.OK = true
		for at := range r.Buf {
			addr := r.Addr + uint64(at)
			r.OK = r.OK && p[addr>>12]
			r.Buf[at] = byte(maphash.Comparable(anySeed, addr))
		}
	}
	return nil
}

var anySeed = maphash.MakeSeed()

// TestMergedRangesAreWhatEachAloneWouldBe reads random ranges, some of them where nothing is.
func TestMergedRangesAreWhatEachAloneWouldBe(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var m merger
	for range 200 {
		mem := pages{}
		for page := range uint64(64) {
			mem[page] = random.IntN(8) > 0
		}
		var ranges, alone []target.Range
		for range random.IntN(60) {
			addr, n := random.Uint64N(64<<12), random.IntN(600)*random.IntN(8)
			ranges = append(ranges, target.Range{Addr: addr, Buf: make([]byte, n)})
			alone = append(alone, target.Range{Addr: addr, Buf: make([]byte, n)})
		}
		if err := m.read(mem, ranges); err != nil {
			t.Fatal(err)
		}
		_ = mem.ReadMany(alone)
		for i := range alone {
			if ranges[i].OK != alone[i].OK || len(ranges[i].Buf) != len(alone[i].Buf) ||
				alone[i].OK && !bytes.Equal(ranges[i].Buf, alone[i].Buf) {
				t.Fatalf("%d bytes at %#x: there: %v, alone %v", len(alone[i].Buf), alone[i].Addr, ranges[i].OK,
					alone[i].OK)
			}
		}
	}
}
