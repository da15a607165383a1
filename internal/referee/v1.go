package referee

import (
	"slices"

	"github.com/gosched/gosched/format"
)

// oldClockNS is how far apart the two times of one moment may be once the clocks are aligned.
const oldClockNS = 50e3

// alignClocks sets the tracer's times to ours. Traces of Go 1.21 and earlier are timed by the CPU's
// cycle counter, from zero on, at a rate that the tracer estimates (go1.21 src/runtime/trace.go
// StopTrace: trace.ticksStart, ticksEnd). The two clocks are joined by the goroutines that were
// created under the tracer and moved alike in both recordings.
func alignClocks(tracer, ours *Recording) {
	times := commonTimes(tracer, ours)
	if len(times) == 0 {
		return
	}
	slices.SortFunc(times, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	tenth := len(times)/10 + 1
	t0, d0 := middle(times[:tenth])
	t1, d1 := middle(times[len(times)-tenth:])
	offset := func(t int64) int64 {
		if t1 == t0 {
			return t + d0
		}
		return t + d0 + int64(float64(d1-d0)*float64(t-t0)/float64(t1-t0))
	}
	tracer.Begin, tracer.End = offset(tracer.Begin), offset(tracer.End)
	for _, moves := range tracer.Moves {
		for i := range moves {
			moves[i].TimeNS = offset(moves[i].TimeNS)
		}
	}
}

// commonTimes pairs the tracer's and our time of every move of the goroutines that moved alike.
func commonTimes(tracer, ours *Recording) (times [][2]int64) {
	for goid, moves := range tracer.Moves {
		mine := ours.Moves[goid]
		if len(moves) == 0 || len(mine) < len(moves) || moves[0].kind() != create ||
			!slices.Equal(kinds(moves), kinds(mine[:len(moves)])) {
			continue
		}
		for i := range moves {
			times = append(times, [2]int64{moves[i].TimeNS, mine[i].TimeNS})
		}
	}
	return times
}

// middle is the median of the tracer's times and of the distances to ours.
func middle(times [][2]int64) (t, distance int64) {
	var distances []int64
	for _, pair := range times {
		distances = append(distances, pair[1]-pair[0])
	}
	slices.Sort(distances)
	return times[len(times)/2][0], distances[len(distances)/2]
}

// mergeSyscallExits makes syscall→running of every end of a system call, whether the goroutine
// found a P at once or had to wait for one: traces of Go 1.21 and earlier do not tell the two
// apart.
func mergeSyscallExits(r *Recording) {
	for goid, moves := range r.Moves {
		out := moves[:0]
		for i := 0; i < len(moves); i++ {
			m := moves[i]
			if m.kind() == syscallLost && i+1 < len(moves) && moves[i+1].kind() == run {
				r.Differences[OldSyscallExit]++
				m.To = format.StateRunning
				i++
			}
			out = append(out, m)
		}
		r.Moves[goid] = out
	}
}

// dropStop takes away the yield that ends the trace.
func dropStop(r *Recording) {
	for goid, moves := range r.Moves {
		last := len(moves) - 1
		if last < 0 || moves[last].kind() != yield {
			continue
		}
		if slices.ContainsFunc(moves[last].Stack, func(f Frame) bool { return f.Func == "runtime.StopTrace" }) {
			r.Differences[OldStop]++
			r.Moves[goid] = moves[:last]
		}
	}
}
