package replay

import (
	"github.com/gosched/gosched/analyze/replay/internal/delay"
	"github.com/gosched/gosched/format"
)

// Delay is a scheduling delay taken apart: what stood in a runnable goroutine's way until it ran,
// in nanoseconds. The parts add up to the length of the span.
type Delay = delay.Delay

// Part is a part of a scheduling delay. Each nanosecond goes to the first part that fits.
type Part = delay.Part

// The parts of a delay, which Part.Meaning describes.
const (
	PartStopped = delay.PartStopped // see Suspension
	PartSTW     = delay.PartSTW
	PartOffCPU  = delay.PartOffCPU
	PartAllBusy = delay.PartAllBusy
	PartSyscall = delay.PartSyscall
	PartWakeUp  = delay.PartWakeUp
	PartUnknown = delay.PartUnknown
)

// Parts lists the parts of a delay in the order in which nanoseconds are given to them.
func Parts() []Part { return delay.Parts() }

// thread is what the walk knows of a kernel thread.
type thread struct {
	delay.Thread
	stop stopFact // whether it is stopped from outside, while State is waiting
	tid  int32
	open threadSpan // if a pass wants the spans of threads
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
	d[PartStopped] = p.suspending.within(g.begin, t)
	d[PartUnknown] = t - g.begin - d[PartStopped]
	// Ps look busy while their threads have no CPU: without the kernel's class nothing is told apart
	blind := g.begin < p.unwatched.until[format.TransitionKernel]
	if blind || p.occ.Procs() == 0 || g.begin < p.procsSince || !g.stamped {
		return
	}
	a, b := &p.goroutines.details[g.details].begin, &p.end
	p.occ.Set(b, t)
	off, known := p.offTimes(p.off[:0], tid, a, b)
	if known && queued[g.why] && g.proc != format.Unknown && g.tid != tid {
		off, known = p.offTimes(off, g.tid, a, b)
	}
	p.off = off
	d[PartUnknown] = 0
	d.TakeApart(a, b, off, known)
}

// offTimes is delay.Thread.OffTimes of a thread that may not be known at all.
func (p *process) offTimes(list []delay.Interval, tid int32, a, b *delay.Stamp) ([]delay.Interval, bool) {
	slot := p.threads.find(int64(tid))
	if slot < 0 {
		return list, false
	}
	return p.thread[slot].OffTimes(list, a, b)
}
