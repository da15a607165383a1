package snapshot

import "slices"

// lastSteps are the functions that leave a goroutine's stack for good (go1.18–1.27
// src/runtime/proc.go, go1.23–1.27 src/runtime/coro.go). goexit1 goes on in goexit0, coroexit in
// coroswitch_m.
var lastSteps = []string{"runtime.goexit1", "runtime.coroexit"}

// endings says whether a stack was left for good at a pc. There are few such pcs, and few where
// running goroutines were last resumed.
func endings(code Code) func(uint64) bool {
	known := map[uint64]bool{}
	return func(pc uint64) bool {
		ends, ok := known[pc]
		if !ok {
			if len(known) >= maxResumed {
				clear(known)
			}
			frames := code.CallFrames(pc)
			ends = len(frames) > 0 && slices.Contains(lastSteps, frames[0].Func)
			known[pc] = ends
		}
		return ends
	}
}

// maxResumed is how many such pcs are remembered.
const maxResumed = 1 << 16
