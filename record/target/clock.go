//go:build linux

package target

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

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

// ClockStep measures how finely CLOCK_MONOTONIC, and so a kernel timestamp, tells times apart: the
// smallest step between readings in nanoseconds, or 0 where it moves from each reading to the next.
// A clock that counts timer interrupts moves in steps of milliseconds, and how long exactly matters
// little: above coarseNS a few steps are enough.
func ClockStep(coarseNS int64) int64 {
	return clockStep(coarseNS, func() int64 { return readClock(unix.CLOCK_MONOTONIC) })
}

// clockStep reads a clock until it has moved often enough to know: four times if its steps are
// coarse, or if no reading was like the one before.
func clockStep(coarseNS int64, read func() int64) int64 {
	const few, many, readings = 4, 400, 1 << 22
	smallest, still, moved := int64(math.MaxInt64), 0, 0
	last := read()
	for range readings {
		now := read()
		if now == last {
			still++
			continue
		}
		smallest, last = min(smallest, now-last), now
		moved++
		if moved == many || moved >= few && (still == 0 || smallest > coarseNS) {
			break
		}
	}
	if moved == 0 || still <= moved { // most readings differ from the one before
		return 0
	}
	return smallest
}

// ClockSource is the kernel's name for the counter behind its clocks, such as tsc; empty where it
// does not say.
func ClockSource() string {
	name, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

// errOwnClock is the error of a caller whose monotonic clock is not the machine's, by which the
// kernel tells the times of events.
var errOwnClock = errors.New("the monotonic clock here is a time namespace's own")

// CheckMonotonicClock returns errOwnClock in a time namespace whose clock is set apart (Linux 5.6).
func CheckMonotonicClock() error {
	offsets, err := os.ReadFile("/proc/self/timens_offsets")
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel without them
	}
	if err != nil {
		return fmt.Errorf("read the time namespace's offsets: %w", err)
	}
	if offset := monotonicShift(string(offsets)); offset != "0 0" && offset != "" {
		return fmt.Errorf("%w: it is ahead by %s (seconds and nanoseconds)", errOwnClock, offset)
	}
	return nil
}

// monotonicShift is the line of the monotonic clock: "0 0" in seconds and nanoseconds.
func monotonicShift(offsets string) string {
	for line := range strings.Lines(offsets) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "monotonic" {
			return fields[1] + " " + fields[2]
		}
	}
	return ""
}

// readClock reads a clock that every Linux has, so it cannot fail.
func readClock(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts)
	return ts.Nano()
}

// StartedNS is when a process began, in nanoseconds since the Unix epoch, by its time in
// /proc/PID/stat: ticks of 10 ms since the machine was booted.
func StartedNS(ticks int64) int64 {
	const tickNS = 10_000_000 // USER_HZ is 100 on all processors that matter
	var boot, wall unix.Timespec
	// They cannot fail with these clocks.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot)
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	return wall.Nano() - boot.Nano() + ticks*tickNS
}
