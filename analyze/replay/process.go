package replay

import (
	"math"

	"github.com/gosched/gosched/analyze/replay/internal/delay"
	"github.com/gosched/gosched/format"
)

// process is what the walk knows of a process.
type process struct {
	pid    int32
	begin  int64 // since when it is in the trace, if that is later than the trace's beginning
	since  int64 // every goroutine that is not known yet has been in its state since then
	gapEnd int64 // events before it may have been lost
	last   int64 // the time of its last row
	gapNS  int64 // the time in gaps so far
	// of gapNS, in gaps for the budget, which the recorder chose
	budgetNS int64

	model      *model
	goroutines table

	ended      ended         // since the last gap
	procs      []format.GoID // who runs on each P, as far as seen; vacated: nobody; NoGoroutine: nor since the last gap
	doubledAt  []int64       // by P, since when others are seen there, of the goroutine that is doubled there
	checkProcs bool
	exitUnseen bool
	wantDelay  bool // delays are taken apart
	followed   bool // by threads too, which are followed for it
	maxStack   int

	procsSince int64 // GOMAXPROCS is known from here on
	peakProcs  int   // the largest it was

	suspending suspending
	unwatched  unwatched

	round        reading // the latest
	rounds       int64   // so far
	watched      bool    // moves of it are recorded
	gapFrom      int64   // where the latest gap began, with those that it touches
	gapHasRounds bool
	roundsNS     int64 // in gaps that have some

	occ     delay.Occupancy
	threads index            // tid → threadSlots
	off     []delay.Interval // room for delay to work in
	end     delay.Stamp      // as off
	thread  []thread
}

func newProcess(pid int32, meta *format.Metadata, wants Wants) *process {
	p := &process{pid: pid, gapEnd: math.MinInt64, since: math.MinInt64, last: math.MinInt64}
	p.maxStack = meta.MaxStackDepth
	var info format.Process
	for i := range meta.Processes {
		if meta.Processes[i].PID == pid {
			info = meta.Processes[i]
		}
	}
	p.unwatched.reset()
	p.unwatched.info, p.unwatched.wants = info, wants
	p.begin = info.BeginNS
	p.model = newModel(&info, wants)
	p.unwatched.usual = p.model
	p.watched = !p.model.missing[format.TransitionPark] || !p.model.missing[format.TransitionRun]
	p.checkProcs = p.model.occupiesWhole()
	p.exitUnseen = p.model.missing[format.TransitionExit]
	p.wantDelay = wants.Delay
	p.followed = wants.Delay && !p.model.missing[format.TransitionKernel]
	p.goroutines.withDetails = wants.Details || wants.Delay
	if p.model.missing[format.TransitionPark] {
		info.GOMAXPROCS = 0
	}
	p.occ = delay.NewOccupancy(info.GOMAXPROCS)
	p.occ.SetQuota(info.CPUQuota > 0)
	p.peakProcs, p.procsSince = info.GOMAXPROCS, math.MinInt64
	return p
}

// setProcs notes that GOMAXPROCS is n from t on. A P beyond it is gone, and with it what a system
// call held. Where waits are not recorded nothing says when a P becomes free: which of them are is not
// known, however many there are.
func (p *process) setProcs(t int64, n int) {
	if p.model.missing[format.TransitionPark] {
		return
	}
	if p.occ.Procs() == 0 {
		p.procsSince = t
	}
	p.peakProcs = max(p.peakProcs, n)
	p.occ.SetProcs(n)
	held := 0
	for i := n; i < len(p.procs); i++ {
		if g := p.goroutines.find(p.procs[i]); g != nil && g.holds {
			g.holds = false
			p.procs[i] = format.NoGoroutine
			held++
		}
	}
	p.occ.Change(t, 0, -held)
}

// maxProcs bounds the table of Ps; the Go runtime has no more than that many threads with a P
// anywhere.
const maxProcs = 1 << 16

// vacated is in process.procs of a P that was left.
const vacated format.GoID = -1

// occupy notes that g runs on proc and returns who the model thought was running there, if it was
// another.
func (p *process) occupy(proc int32, id format.GoID) (other format.GoID) {
	if uint32(proc) >= maxProcs {
		return format.NoGoroutine
	}
	if int(proc) >= len(p.procs) {
		p.procs = append(p.procs, make([]format.GoID, int(proc)+1-len(p.procs))...)
	}
	other, p.procs[proc] = p.procs[proc], id
	if other == id || other == vacated {
		return format.NoGoroutine
	}
	return other
}

// leave notes that g is no longer in its state.
func (p *process) leave(g *goroutine, to format.State, t int64) {
	switch g.state {
	case format.StateRunning:
		p.stopRun(g, to, t)
	case format.StateSyscall:
		p.endSyscall(g, t)
	}
}

// stopRun notes that g, which ran, does so no more. If it goes into a system call it keeps its P
// until another is seen there.
func (p *process) stopRun(g *goroutine, to format.State, t int64) {
	if g.flags&doubled != 0 {
		return
	}
	if int(uint32(g.proc)) >= len(p.procs) || p.procs[g.proc] != g.id {
		p.occ.Change(t, -1, 0)
		return
	}
	if to == format.StateSyscall {
		g.holds = true
		p.occ.Change(t, -1, 1)
		return
	}
	p.procs[g.proc] = vacated
	p.occ.Change(t, -1, 0)
}

// endSyscall notes that g's system call is over. Whether it finds its P again is not known yet.
func (p *process) endSyscall(g *goroutine, t int64) {
	if !g.holds {
		return
	}
	g.holds = false
	p.procs[g.proc] = vacated
	p.occ.Change(t, 0, -1)
}

// used says whether a goroutine has been seen on the P since the last gap.
func (p *process) used(proc int32) bool {
	return int(uint32(proc)) < len(p.procs) && p.procs[proc] != format.NoGoroutine
}

// found are the flags of a span of a goroutine that is met in a state.
func (p *process) found() Flags {
	if p.gapEnd != math.MinInt64 || p.unwatched.any {
		return CensoredLeft | AfterGap
	}
	return CensoredLeft
}

// sinceWhen is from when on a goroutine that is first seen in a state at t has been in it, as far
// as can be told. What would have brought it there later is in the trace, unless such moves may be
// missing.
func (p *process) sinceWhen(state format.State, t int64) int64 {
	if p.model.sudden[state] {
		return t
	}
	return max(p.since, p.unwatched.since[state])
}
