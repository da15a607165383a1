package replay

import "github.com/gosched/gosched/format"

// offRing is how many times off the CPU are remembered for each thread.
const offRing = 32

// stamp is a moment with the process's occupancy clocks at it.
type stamp struct{ t, stopNS, fullNS int64 }

// thread is what the walk knows of a kernel thread: whether it waits for a CPU, and when it did of late.
type thread struct {
	since  int64 // its state is known from here on; meaningless while state is unknown
	state  format.State
	off    stamp // the beginning of the time off the CPU, while state is runnable
	n      int   // times off the CPU so far
	begins [offRing]stamp
	ends   [offRing]stamp
}

// move takes a thread row's states.
func (th *thread) move(at stamp, to format.State) {
	if th.state == format.StateUnknown {
		th.since, th.n = at.t, 0
	}
	if th.state == format.StateRunnable && to != format.StateRunnable {
		th.begins[th.n%offRing], th.ends[th.n%offRing] = th.off, at
		th.n++
	}
	if to == format.StateRunnable && th.state != format.StateRunnable {
		th.off = at
	}
	th.state = to
}

// split takes the delay from a to b apart. It reports false where the thread's past is not known that far back.
func (th *thread) split(a, b stamp) (Delay, bool) {
	if th.state == format.StateUnknown || th.since > a.t {
		return Delay{}, false
	}
	d := Delay{StopNS: b.stopNS - a.stopNS, NoPNS: b.fullNS - a.fullNS}
	if th.state == format.StateRunnable {
		d.takeOff(a, th.off, b)
	}
	i := th.n - 1
	for ; i >= 0 && i >= th.n-offRing && th.ends[i%offRing].t > a.t; i-- {
		d.takeOff(a, th.begins[i%offRing], th.ends[i%offRing])
	}
	if i >= 0 && i < th.n-offRing {
		return Delay{}, false
	}
	d.OtherNS = b.t - a.t - d.StopNS - d.NoPNS - d.OffCPUNS
	return d, true
}

// takeOff moves the part of [begin, end) that lies after a into OffCPUNS, without the time the world was stopped.
func (d *Delay) takeOff(a, begin, end stamp) {
	if begin.t < a.t {
		begin = a
	}
	d.OffCPUNS += end.t - begin.t - (end.stopNS - begin.stopNS)
	d.NoPNS -= end.fullNS - begin.fullNS
}

// threadOf returns the thread's record, making it if need be.
func (p *process) threadOf(tid int32) *thread {
	slot := p.threads.find(int64(tid))
	if slot < 0 {
		slot = int32(len(p.thread))
		p.thread = append(p.thread, thread{})
		p.threads.put(int64(tid), slot)
	}
	return &p.thread[slot]
}

// delay takes apart the wait of g, which begins to run at t on thread tid.
func (p *process) delay(g *goroutine, t int64, tid int32) Delay {
	slot := p.threads.find(int64(tid))
	if slot < 0 || p.occ.limit == 0 {
		return Delay{UnknownNS: t - g.begin}
	}
	stopNS, fullNS := p.occ.at(t)
	d, ok := p.thread[slot].split(stamp{g.begin, g.stopNS, g.fullNS}, stamp{t, stopNS, fullNS})
	if !ok {
		return Delay{UnknownNS: t - g.begin}
	}
	return d
}
