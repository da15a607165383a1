package replay

import (
	"math/rand/v2"
	"testing"

	"github.com/gosched/gosched/format"
)

// TestEndedAgreesWithAMap ends goroutines in every order and asks after them and their neighbours.
func TestEndedAgreesWithAMap(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 0))
		stride := []format.GoID{1, 1, 1, 7, 64, 1 << 40}[seed%6]
		var e ended
		want := map[format.GoID]bool{}
		check := func(id format.GoID) {
			t.Helper()
			if e.has(id) != want[id] {
				t.Fatalf("seed %d: goroutine %d has ended: %v, want %v", seed, id, e.has(id), want[id])
			}
		}
		for step := range format.GoID(20_000) {
			id := stride * (1 + step + format.GoID(rng.IntN(2_000)))
			if seed >= 6 && id%1000 == 0 {
				continue // it lives on
			}
			e.note(id)
			want[id] = true
			for _, near := range []format.GoID{id - 1, id, id + 1, id + 64, id - 64, id * 64, id >> 6, id >> 12} {
				check(near)
			}
		}
		for id := range want {
			check(id)
		}
	}
}

// TestEndedNeedsRoomForThoseThatLiveOn ends two million goroutines, of which every ten thousandth
// lives on.
func TestEndedNeedsRoomForThoseThatLiveOn(t *testing.T) {
	var e ended
	const n, apart = 2_000_000, 10_000
	for id := range format.GoID(n) {
		if id%apart != 0 {
			e.note(id)
		}
	}
	if most := 4*n/apart + endedRecent; e.words > most {
		t.Errorf("%d words for %d goroutines that live on, want at most %d", e.words, n/apart, most)
	}
	for id := range format.GoID(n) {
		if e.has(id) != (id%apart != 0) {
			t.Fatalf("goroutine %d has ended: %v", id, e.has(id))
		}
	}
}

func TestEndedForgetsWhatATraceCannotMean(t *testing.T) {
	var e ended
	for i := range format.GoID(2 * maxEnded) {
		e.note(i << 20) // no runtime gives out such ids
	}
	if e.words > maxEnded || !e.full {
		t.Errorf("%d words, full %v", e.words, e.full)
	}
	if e.clear(); e.full || e.has(1<<20) {
		t.Error("it was not cleared")
	}
}
