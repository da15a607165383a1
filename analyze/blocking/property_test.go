package blocking

import (
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
)

func TestCausesAddUpToTheWaits(t *testing.T) {
	for seed := range uint64(60) {
		cfg := simsched.Config{Seed: seed, Threads: seed%2 == 1, Events: 20000, Goroutines: 1 + int(seed),
			Procs: 1 + int(seed%5), Processes: 1 + int(seed%3), GapEvery: int(seed%4) * 1500}
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			p := audit(t, simsched.New(cfg))
			for _, g := range p.goroutines.All() {
				checkHistory(t, &g.history)
			}
		})
	}
}

// checkHistory fails the test where a history is not what it says it is.
func checkHistory(t *testing.T, h *history) {
	t.Helper()
	at := h.begin
	for _, b := range h.blocks {
		var sum int64
		for _, p := range b.parts {
			sum += p.ns
		}
		if b.end <= at || sum != b.end-at {
			t.Fatalf("a block from %d to %d has parts of %d ns", at, b.end, sum)
		}
		at = b.end
	}
	for _, s := range h.recent {
		if s.end <= at {
			t.Fatalf("a stretch from %d to %d", at, s.end)
		}
		at = s.end
	}
	if at != h.end {
		t.Fatalf("the stretches end at %d, the history at %d", at, h.end)
	}
}

func TestStretchesOfHistoryAddUp(t *testing.T) {
	for seed := range int64(50) {
		var h history
		pool := pool{room: 1 << 20}
		for at := int64(1); at < 5000; at += 1 + (at*seed)%7 {
			h.add(at, nodeID((at*31+seed)%40), &pool)
		}
		checkHistory(t, &h)
		for t0 := int64(0); t0 < h.end; t0 += 97 {
			for t1 := t0 + 1; t1 <= h.end; t1 += 211 {
				list, _ := h.between(t0, t1, nil)
				var sum int64
				for _, p := range list {
					sum += p.ns
				}
				if sum != t1-t0 {
					t.Fatalf("seed %d: the stretches between %d and %d are %d ns", seed, t0, t1, sum)
				}
			}
		}
	}
}
