package replay

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/format"
)

// maxRing is how many times off the CPU are remembered for each thread at most: 50 KB. On a busy
// machine a long delay has hundreds.
const maxRing = 512

// interval is a time that a thread spent ready to run but off the CPU.
type interval struct{ begin, end stamp }

// thread is what the walk knows of a kernel thread: whether it waits for a CPU, and when it did of
// late.
type thread struct {
	since int64        // its state is known from here on; meaningless while state is unknown
	last  int64        // the end of the last time off the CPU
	n     int          // times off the CPU so far
	state format.State // as the kernel has it
	stop  stopFact     // whether it is stopped from outside, while state is waiting
	off   stamp        // the beginning of the time off the CPU, while state is runnable
	tid   int32
	open  threadSpan // if a pass wants the spans of threads
	ring  []interval // the latest of them, n-1 at (n-1) mod its length
}

// move takes a thread row's states and returns by how much it changes the number of threads that
// are ready to run without a CPU.
func (th *thread) move(occ *occupancy, t int64, to format.State) (ready int) {
	from := th.state
	th.state = to
	if from == format.StateUnknown {
		th.since, th.n, th.last = t, 0, t
	}
	switch {
	case (from == format.StateRunnable) == (to == format.StateRunnable):
		return 0
	case to == format.StateRunnable:
		occ.set(&th.off, t)
		return 1
	}
	in := th.next()
	in.begin = th.off
	occ.set(&in.end, t)
	th.n++
	th.last = t
	return -1
}

// next is where the next time off the CPU goes. The ring grows while it holds all there were.
func (th *thread) next() *interval {
	if th.n == len(th.ring) && th.n < maxRing {
		th.ring = append(th.ring, make([]interval, max(8, min(th.n, maxRing-th.n)))...)
	}
	return &th.ring[th.n%len(th.ring)]
}

// offTimes appends the thread's times off the CPU between a and b, cut to them, to list.
// It reports false where the thread's past is not known that far back.
func (th *thread) offTimes(list []interval, a, b *stamp) ([]interval, bool) {
	if th.state == format.StateUnknown || th.since > a.t {
		return list, false
	}
	if th.last <= a.t && th.state != format.StateRunnable {
		return list, true
	}
	if th.state == format.StateRunnable {
		list = appendAfter(list, &interval{th.off, *b}, a)
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

// appendAfter appends the part of the interval that lies after a.
func appendAfter(list []interval, in *interval, a *stamp) []interval {
	if max(in.begin.t, a.t) >= in.end.t {
		return list
	}
	list = append(list, *in)
	if in.begin.t < a.t {
		list[len(list)-1].begin = *a
	}
	return list
}

// takeApart splits the delay from a to b, given when threads that could have ended it were off the
// CPU.
func (d *Delay) takeApart(a, b *stamp, off []interval) {
	d[PartSuspended] = b.lasted[usageSuspended] - a.lasted[usageSuspended]
	d[PartSTW] = b.lasted[usageStopped] - a.lasted[usageStopped]
	d[PartAllBusy] = b.lasted[usageFull] - a.lasted[usageFull]
	d[PartSyscall] = b.lasted[usageSyscall] - a.lasted[usageSyscall]
	d[PartIdleOffCPU] = b.lasted[usageStarved] - a.lasted[usageStarved]
	if len(off) > 0 {
		d.takeOff(a, off)
	}
	left := b.t - a.t
	for _, ns := range d {
		left -= ns
	}
	d[PartWakeUp] = left
}

// takeOff moves the time in the intervals, which may overlap, into PartOffCPU, but for that of a
// stopped world or process.
func (d *Delay) takeOff(a *stamp, off []interval) {
	if len(off) > 1 {
		slices.SortFunc(off, func(x, y interval) int { return cmp.Compare(x.begin.t, y.begin.t) })
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
		for _, u := range [...]usage{usageSuspended, usageStopped} {
			d[PartOffCPU] -= end.lasted[u] - begin.lasted[u]
		}
		d[PartAllBusy] -= end.lasted[usageFull] - begin.lasted[usageFull]
		d[PartSyscall] -= end.lasted[usageSyscall] - begin.lasted[usageSyscall]
		d[PartIdleOffCPU] -= end.lasted[usageStarved] - begin.lasted[usageStarved]
	}
}

// threadOf returns the thread's record, making it if need be.
func (p *process) threadOf(tid int32) *thread {
	slot := p.threads.find(int64(tid))
	if slot < 0 {
		slot = int32(len(p.thread))
		p.thread = append(p.thread, thread{tid: tid})
		p.threads.put(int64(tid), slot)
	}
	return &p.thread[slot]
}

// queued says that a goroutine that became runnable for this reason was put into the queue of the P
// that the event happened on. One that gives way or comes from a system call goes into the global
// queue (go1.26 src/runtime/proc.go: ready, newproc and goyield_m put into the P's own, goschedImpl
// and exitsyscallNoP into the global one).
var queued = [numWhys]bool{WhyCreated: true, WhyWoken: true, WhyGoyield: true}

// delay takes apart the wait of g, which begins to run at t on thread tid. What d was is nothing.
func (p *process) delay(d *Delay, g *goroutine, t int64, tid int32) {
	d[PartSuspended] = p.suspending.within(g.begin, t)
	d[PartUnknown] = t - g.begin - d[PartSuspended]
	if p.occ.limit == 0 || g.begin < p.procsSince || !g.stamped {
		return
	}
	a, b := &p.goroutines.details[g.details].begin, &p.end
	p.occ.set(b, t)
	off, known := p.offTimes(p.off[:0], tid, a, b)
	if known && queued[g.why] && g.proc != format.Unknown && g.tid != tid {
		off, known = p.offTimes(off, g.tid, a, b)
	}
	p.off = off
	if known {
		d[PartUnknown] = 0
		d.takeApart(a, b, off)
	}
}

// offTimes is thread.offTimes of a thread that may not be known at all.
func (p *process) offTimes(list []interval, tid int32, a, b *stamp) ([]interval, bool) {
	slot := p.threads.find(int64(tid))
	if slot < 0 {
		return list, false
	}
	return p.thread[slot].offTimes(list, a, b)
}
