//go:build linux

package target

import "testing"

func TestClockStepTellsACoarseClockFromAFineOne(t *testing.T) {
	for _, test := range []struct {
		name  string
		step  int64 // of the clock
		reads int64 // how long a reading takes
		want  int64
		moves int64 // after which at most it is known
	}{
		{"a counter as fast as the CPU", 1, 20, 0, 5},
		{"a counter that a reading takes longer than", 41, 100, 0, 5},
		{"a counter slower than its reading", 41, 8, 41, 400},
		{"timer interrupts 250 times a second", 4_000_000, 25, 4_000_000, 5},
		{"timer interrupts 100 times a second", 10_000_000, 25, 10_000_000, 5},
		{"a counter that never moves while it is read", 1 << 62, 25, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			const began = 1_000_000_007
			now := int64(began)
			got := clockStep(1000, func() int64 {
				now += test.reads
				return now / test.step * test.step
			})
			if got != test.want {
				t.Errorf("the clock is said to move in steps of %d ns, want %d", got, test.want)
			}
			if took := (now - began) / max(test.step, test.reads); took > test.moves {
				t.Errorf("it is read until it has moved %d times, want %d at most", took, test.moves)
			}
		})
	}
}

func TestThisMachinesClockIsKnown(t *testing.T) {
	if step := ClockStep(1000); step < 0 || step > 1e9 {
		t.Errorf("CLOCK_MONOTONIC moves in steps of %d ns", step)
	}
	if ClockSource() == "" {
		t.Error("the clock source has no name")
	}
}
