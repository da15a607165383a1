package delay

import "math"

// usage says what a process's Ps are used for at a moment.
type usage uint8

const (
	usageSuspended usage = iota // all threads are stopped from outside
	usageStopped                // the world is stopped
	usageFull                   // as many goroutines run as there are Ps
	usageSyscall                // as many run or are in system calls with their P
	usageStarved                // a P is free, and a thread of the process is known to lack a CPU
	usageFree                   // a P is free
	numUsages
)

// Stamp is a moment, with how long each usage had lasted until then.
type Stamp struct {
	t      int64
	lasted [numUsages]int64
}

// Occupancy keeps a clock for each usage of a process's Ps.
//
// A P counts as taken when the model sees a goroutine running; goroutines whose state is not known
// yet are not counted, so the clocks of usageFull and usageSyscall go slow just after a gap.
type Occupancy struct {
	limit     int  // GOMAXPROCS at the moment, 0: unknown, and only stopped worlds are told apart
	running   int  // goroutines seen running
	held      int  // goroutines in system calls that have not lost their P
	lacking   int  // threads that are known to lack a CPU
	quota     bool // the process has a CPU quota
	suspended bool
	stopEnd   int64 // when the world goes on; math.MaxInt64 while it is not stopped
	usage     usage
	now       Stamp // the clocks as they were when the usage last changed
}

// NewOccupancy keeps the clocks of a process with so many Ps; 0: it is not known.
func NewOccupancy(procs int) Occupancy {
	return Occupancy{limit: procs, stopEnd: math.MaxInt64, usage: usageFree}
}

// Begin has the clocks go from t on.
func (o *Occupancy) Begin(t int64) { o.now.t = t }

// Procs is GOMAXPROCS at the moment, 0 where it is not known.
func (o *Occupancy) Procs() int { return o.limit }

// SetProcs says what GOMAXPROCS is from the next change on.
func (o *Occupancy) SetProcs(n int) { o.limit = n }

// StopEnd is when the world goes on; math.MaxInt64 while it is not stopped.
func (o *Occupancy) StopEnd() int64 { return o.stopEnd }

// Set makes s the moment t, which is not before the last change.
func (o *Occupancy) Set(s *Stamp, t int64) {
	*s = o.now
	s.lasted[o.usage] += t - s.t
	s.t = t
}

// Change counts goroutines in and out of running and of holding a P in a system call.
func (o *Occupancy) Change(t int64, running, held int) {
	o.running += running
	o.held += held
	o.update(t)
}

func (o *Occupancy) update(t int64) {
	if u := o.classify(); u != o.usage {
		t = max(t, o.now.t)
		o.now.lasted[o.usage] += t - o.now.t
		o.now.t, o.usage = t, u
	}
}

func (o *Occupancy) classify() usage {
	switch {
	case o.suspended:
		return usageSuspended
	case o.stopEnd != math.MaxInt64:
		return usageStopped
	case o.limit > 0 && o.running >= o.limit:
		return usageFull
	case o.limit > 0 && o.running+o.held >= o.limit:
		return usageSyscall
	case o.lacking > 0:
		return usageStarved
	}
	return usageFree
}

// Stop begins a stop-the-world pause whose end is known already.
func (o *Occupancy) Stop(t, end int64) {
	if o.stopEnd == math.MaxInt64 || end > o.stopEnd {
		o.stopEnd = end
	}
	o.update(t)
}

// Start ends the pause.
func (o *Occupancy) Start() {
	end := o.stopEnd
	o.stopEnd = math.MaxInt64
	o.update(end)
}

// Suspend says whether the process is suspended from t on.
func (o *Occupancy) Suspend(t int64, suspended bool) {
	o.suspended = suspended
	o.update(t)
}

// Lack counts threads in and out of being known to lack a CPU.
func (o *Occupancy) Lack(t int64, lacking int) {
	o.lacking += lacking
	o.update(t)
}

// LackNone forgets which threads lack a CPU.
func (o *Occupancy) LackNone(t int64) { o.Lack(t, -o.lacking) }

// SetQuota says whether the process has a CPU quota from now on.
func (o *Occupancy) SetQuota(has bool) { o.quota = has }

// Reset forgets who runs, after a gap.
func (o *Occupancy) Reset(t int64) {
	o.running, o.held, o.lacking = 0, 0, 0
	o.update(t)
}
