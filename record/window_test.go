package record

import (
	"math/rand/v2"
	"testing"
)

// TestNoEventOfAGapCounts makes up windows and gaps with events at every time, which come out of the
// rings long after it: while probes are on, are being attached or taken off, and are off.
func TestNoEventOfAGapCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var w window
	type gap struct{ from, to int64 }
	var gaps []gap
	var counted []int64
	at, drained := int64(1), int64(0)
	// drain has events come, some of them from much earlier.
	drain := func() {
		at += 1 + rng.Int64N(5)
		for e := max(drained-10, 0); e < at; e++ {
			if !w.early(e) && !w.off(e) {
				counted = append(counted, e)
			}
		}
		drained = at
	}
	var windows int
	for range 500 {
		for range 1 + rng.IntN(5) {
			drain()
		}
		from := at
		w.end(at)
		w.toldNS = at
		for range 1 + rng.IntN(5) {
			drain()
			w.toldNS = max(w.toldNS, at+rng.Int64N(8)) // a gap may be told some time ahead
		}
		w.prepare()
		drain()
		w.begin(at)
		gaps = append(gaps, gap{from, w.beginNS})
		if w.beginNS < w.toldNS || w.beginNS < at {
			t.Fatalf("a window begins at %d, at %d, where gaps are told up to %d", w.beginNS, at, w.toldNS)
		}
		at = max(at, w.beginNS)
		windows++
	}
	g := 0
	for _, e := range counted {
		for g < len(gaps) && gaps[g].to <= e {
			g++
		}
		for i := max(0, g-1); i < len(gaps) && i < g+2; i++ {
			if e > gaps[i].from && e < gaps[i].to {
				t.Fatalf("an event at %d counts, in the gap %v", e, gaps[i])
			}
		}
	}
	if len(counted) < windows {
		t.Errorf("%d events in %d windows", len(counted), windows)
	}
}
