package delay

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/format"
)

// maxRing is how many times off the CPU are remembered for each thread at most: 50 KB. On a busy
// machine a long delay has hundreds.
const maxRing = 512

// throttledNS is how long a thread of a process with a CPU quota has to have waited for an idle CPU
// to count as stopped by the quota. An idle CPU takes microseconds to wake up.
const throttledNS = 2_000_000

// CPU is what a thread row says of the thread's CPU: when it was woken, of the one that it is to
// run on; when it ran, of the one that it got, until then.
type CPU uint8

// What there is to say.
const (
	CPUUnknown CPU = iota
	CPUIdle
	CPUTaken // by another thread
)

// Interval is a time that a thread spent ready to run but off the CPU.
type Interval struct{ begin, end Stamp }

// Thread is what is known of a kernel thread: whether it waits for a CPU, and when it did of late.
// The zero Thread is one of which nothing is known.
type Thread struct {
	since int64        // its state is known from here on; meaningless while State is unknown
	last  int64        // the end of the last time off the CPU
	n     int          // times off the CPU so far
	State format.State // as the kernel has it
	woken bool         // of a runnable thread: it was asleep before, not running
	lacks bool         // of a runnable thread: it is known to lack a CPU
	off   Stamp        // when it became runnable, while State is runnable
	ring  []Interval   // the latest times off the CPU, n-1 at (n-1) mod its length
}

// Move takes a thread row: the state that the thread comes into and what the row says of the CPU. It
// returns by how much it changes the number of threads that are known to lack one.
func (th *Thread) Move(occ *Occupancy, t int64, to format.State, cpu CPU) (lacking int) {
	from := th.State
	th.State = to
	if from == format.StateUnknown {
		th.since, th.n, th.last = t, 0, t
	}
	switch {
	case (from == format.StateRunnable) == (to == format.StateRunnable):
		return 0
	case to == format.StateRunnable:
		occ.Set(&th.off, t)
		th.woken = from != format.StateRunning
		th.lacks = !th.woken || cpu == CPUTaken
		return th.lacking()
	}
	if th.Lacked(occ, t, cpu) {
		in := th.next()
		in.begin = th.off
		occ.Set(&in.end, t)
		th.n++
		th.last = t
	}
	return -th.lacking()
}

// Lacked says whether a runnable thread, which comes onto a CPU at t, lacked one until then. If not,
// it had been woken, and its CPU was waking up.
func (th *Thread) Lacked(occ *Occupancy, t int64, cpu CPU) bool {
	return th.lacks || cpu != CPUIdle || occ.quota && t-th.off.t >= throttledNS
}

// lacking is 1 of a runnable thread that is known to lack a CPU.
func (th *Thread) lacking() int {
	if th.lacks {
		return 1
	}
	return 0
}

// next is where the next time off the CPU goes. The ring grows while it holds all there were.
func (th *Thread) next() *Interval {
	if th.n == len(th.ring) && th.n < maxRing {
		th.ring = append(th.ring, make([]Interval, max(8, min(th.n, maxRing-th.n)))...)
	}
	return &th.ring[th.n%len(th.ring)]
}

// OffTimes appends the thread's times off the CPU between a and b, cut to them, to list.
// It reports false where the thread's past is not known that far back.
func (th *Thread) OffTimes(list []Interval, a, b *Stamp) ([]Interval, bool) {
	if th.State == format.StateUnknown || th.since > a.t {
		return list, false
	}
	lacks := th.State == format.StateRunnable && th.lacks
	if th.last <= a.t && !lacks {
		return list, true
	}
	if lacks {
		list = appendAfter(list, &Interval{th.off, *b}, a)
	}
	for i := th.n - 1; i >= 0; i-- { // the latest first
		if i < th.n-len(th.ring) {
			return list, false
		}
		in := &th.ring[i%len(th.ring)]
		if in.end.t <= a.t {
			break
		}
		list = appendAfter(list, in, a)
	}
	return list, true
}

// appendAfter appends the part of the Interval that lies after a.
func appendAfter(list []Interval, in *Interval, a *Stamp) []Interval {
	if max(in.begin.t, a.t) >= in.end.t {
		return list
	}
	list = append(list, *in)
	if in.begin.t < a.t {
		list[len(list)-1].begin = *a
	}
	return list
}

// TakeApart splits the delay from a to b, given when threads that could have ended it were off the
// CPU, and whether it is known when they were.
func (d *Delay) TakeApart(a, b *Stamp, off []Interval, known bool) {
	d[PartStopped] = b.lasted[usageSuspended] - a.lasted[usageSuspended]
	d[PartSTW] = b.lasted[usageStopped] - a.lasted[usageStopped]
	d[PartOffCPU] = b.lasted[usageStarved] - a.lasted[usageStarved]
	d[PartAllBusy] = b.lasted[usageFull] - a.lasted[usageFull]
	d[PartSyscall] = b.lasted[usageSyscall] - a.lasted[usageSyscall]
	if len(off) > 0 {
		d.takeOff(a, off)
	}
	left := b.t - a.t
	for _, ns := range d {
		left -= ns
	}
	if known {
		d[PartWakeUp] = left
	} else {
		d[PartUnknown] = left
	}
}

// takeOff moves the time in the intervals, which may overlap, into PartOffCPU, but for that of a
// stopped world or process and for what is in it already.
func (d *Delay) takeOff(a *Stamp, off []Interval) {
	if len(off) > 1 {
		slices.SortFunc(off, func(x, y Interval) int { return cmp.Compare(x.begin.t, y.begin.t) })
	}
	at := a
	for i := range off {
		begin, end := &off[i].begin, &off[i].end
		if begin.t < at.t {
			begin = at
		}
		if end.t <= begin.t {
			continue
		}
		at = end
		d[PartOffCPU] += end.t - begin.t
		for _, u := range [...]usage{usageSuspended, usageStopped, usageStarved} {
			d[PartOffCPU] -= end.lasted[u] - begin.lasted[u]
		}
		d[PartAllBusy] -= end.lasted[usageFull] - begin.lasted[usageFull]
		d[PartSyscall] -= end.lasted[usageSyscall] - begin.lasted[usageSyscall]
	}
}
