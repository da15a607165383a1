package replay

import "math"

// Delay is a scheduling delay taken apart: what stood in a runnable goroutine's way until it ran. The parts
// add up to the length of the span. Each nanosecond goes to the first part that fits:
//
//   - StopNS: the world was stopped.
//   - OffCPUNS: the thread that ran the goroutine in the end was itself runnable for the kernel and not on a CPU:
//     it was woken and not yet scheduled, or the kernel had preempted it. Had it been on a CPU, it could have run a goroutine.
//   - NoPNS: at least GOMAXPROCS goroutines were running, so no P was free.
//   - OtherNS: none of these. Fewer goroutines than Ps were running: a P was idle and a thread was being
//     started for it or was looking for work, or a P was held by a goroutine in a system call.
//   - UnknownNS: the whole length, where the trace cannot say: it has no thread rows or no GOMAXPROCS, or
//     the thread was not seen before the span began.
type Delay struct {
	StopNS, OffCPUNS, NoPNS, OtherNS, UnknownNS int64
}

// occupancy keeps two clocks of a process: how long the world has been stopped, and how long all Ps
// were taken while it was not.
//
// A P is taken when the model sees a goroutine running; goroutines whose state is not known yet are not counted, so
// full time is a lower bound just after a gap.
type occupancy struct {
	limit   int   // GOMAXPROCS, 0: unknown
	running int   // goroutines seen running
	stopped bool  // the world is stopped until stopEnd
	stopEnd int64 // math.MaxInt64 while it is not stopped
	last    int64 // the clocks hold until here
	stopNS  int64
	fullNS  int64
}

// at returns both clocks at t, which is not before last.
func (o *occupancy) at(t int64) (stopNS, fullNS int64) {
	stopNS, fullNS = o.stopNS, o.fullNS
	switch {
	case o.stopped:
		stopNS += t - o.last
	case o.limit > 0 && o.running >= o.limit:
		fullNS += t - o.last
	}
	return stopNS, fullNS
}

func (o *occupancy) advance(t int64) {
	o.stopNS, o.fullNS = o.at(t)
	o.last = t
}

// run counts goroutines in (+1) and out (−1) of running.
func (o *occupancy) run(t int64, n int) {
	if o.running == o.limit || o.running+n == o.limit {
		o.advance(t)
	}
	o.running += n
}

// stop begins a stop-the-world pause whose end is known already.
func (o *occupancy) stop(t, end int64) {
	o.advance(t)
	if o.stopped && o.stopEnd > end {
		return
	}
	o.stopped, o.stopEnd = true, end
}

// start ends the pause at stopEnd.
func (o *occupancy) start() {
	o.advance(max(o.stopEnd, o.last))
	o.stopped, o.stopEnd = false, math.MaxInt64
}

// reset forgets who runs, after a gap.
func (o *occupancy) reset(t int64) {
	o.advance(max(t, o.last))
	o.running = 0
}

// Add adds another delay's parts.
func (d *Delay) Add(other Delay) {
	d.StopNS += other.StopNS
	d.OffCPUNS += other.OffCPUNS
	d.NoPNS += other.NoPNS
	d.OtherNS += other.OtherNS
	d.UnknownNS += other.UnknownNS
}
