//go:build linux

package target

import (
	"math"

	"golang.org/x/sys/unix"
)

// MonotonicOffset is CLOCK_REALTIME minus CLOCK_MONOTONIC in nanoseconds: what to
// add to a kernel timestamp (bpf_ktime_get_ns) for the time since the Unix epoch.
// It is taken from the reading of the real clock that two readings of the
// monotonic one enclose most tightly, and so is good to about 0.1 µs.
func MonotonicOffset() int64 {
	const tries = 100
	offset, tightest := int64(0), int64(math.MaxInt64)
	for range tries {
		before := readClock(unix.CLOCK_MONOTONIC)
		now := readClock(unix.CLOCK_REALTIME)
		after := readClock(unix.CLOCK_MONOTONIC)
		if d := after - before; d < tightest {
			tightest = d
			offset = now - before - d/2
		}
	}
	return offset
}

// readClock reads a clock that every Linux has, so it cannot fail.
func readClock(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts)
	return ts.Nano()
}
