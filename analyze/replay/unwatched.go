package replay

import (
	"math"

	"github.com/gosched/gosched/format"
)

// A class of transitions may be left out for some time while the others are watched: a gap row says
// so. In that time the process has the model of a recording without the class. Spans that the class
// could have ended are cut where the time begins, and where it ends those of goroutines that may have
// moved unseen.

// Unwatched is a class of transitions that was not watched for a part of the time.
type Unwatched struct {
	PID   int32
	Class format.Transition
	NS    int64
}

// unwatched is what of a process is not watched at the moment.
type unwatched struct {
	any    bool                         // something was not watched, at some time
	until  [format.NumTransitions]int64 // when the class is watched again
	ns     [format.NumTransitions]int64 // for how long it was not, so far
	next   int64                        // the first of until that has not passed; math.MaxInt64: none
	since  [numStates]int64             // goroutines that are not known yet may have been in the state since then alone
	usual  *model
	info   format.Process
	wants  Wants
	closed [format.NumTransitions]bool // of until: it has passed
}

func (u *unwatched) reset() {
	u.next = math.MaxInt64
	for i := range u.until {
		u.until[i], u.closed[i] = math.MinInt64, true
	}
	for i := range u.since {
		u.since[i] = math.MinInt64
	}
}

// cuts are the states that the moves of a class begin in and lead to: of a goroutine in one of the
// first nothing is known once the class is not watched, of one in any of them once it is again.
var cuts = map[format.Transition]struct{ before, after []format.State }{
	format.TransitionSyscalls: {
		[]format.State{format.StateSyscall},
		[]format.State{format.StateRunnable, format.StateRunning, format.StateSyscall},
	},
}

// unwatch takes the beginning of a time in which a class is not watched, in a process or in all.
func (w *Walk) unwatch(p *process, t, end int64, class format.Transition) {
	if p.pid != format.Unknown {
		w.unwatchIn(p, t, end, class)
		return
	}
	w.unwatched[class] = max(w.unwatched[class], end)
	for _, p := range w.processes {
		w.unwatchIn(p, t, end, class)
	}
}

func (w *Walk) unwatchIn(p *process, t, end int64, class format.Transition) {
	u := &p.unwatched
	u.ns[class] += max(0, end-max(t, u.until[class]))
	u.until[class] = max(u.until[class], end)
	if !u.any || u.closed[class] {
		u.any, u.closed[class] = true, false
		w.cut(p, t, class, cuts[class].before)
	}
	p.remodel()
}

// watchAgain ends the times without a class that are over at t.
func (w *Walk) watchAgain(p *process, t int64) {
	u := &p.unwatched
	for u.next <= t {
		end := u.next
		for class := range u.until {
			if u.closed[class] || u.until[class] != end {
				continue
			}
			u.closed[class] = true
			class := format.Transition(class)
			after := cuts[class].after
			w.cut(p, end, class, after)
			for _, state := range after {
				u.since[state] = end
			}
		}
		p.remodel()
	}
}

// settle ends the times without a class that are over at t, in all processes.
func (w *Walk) settle(t int64) {
	for _, p := range w.processes {
		w.watchAgain(p, min(t, w.endOf(p)))
	}
}

// remodel makes the process's model that of what is watched.
func (p *process) remodel() {
	u := &p.unwatched
	u.next = math.MaxInt64
	var missing []format.Transition
	for class, end := range u.until {
		if !u.closed[class] {
			u.next = min(u.next, end)
			missing = append(missing, format.Transition(class))
		}
	}
	model := u.usual
	if len(missing) > 0 {
		model = newModel(&u.info, u.wants, missing...)
	}
	p.model = model
	p.checkProcs = model.occupiesWhole()
	p.followed = p.wantDelay && !model.missing[format.TransitionKernel]
}

// cut ends the open spans of goroutines in one of these states at t, and forgets the states. Of the
// kernel's class it does so with all threads.
func (w *Walk) cut(p *process, t int64, class format.Transition, states []format.State) {
	if class == format.TransitionKernel {
		w.cutThreads(p, t)
	}
	if len(states) == 0 {
		return
	}
	in := map[format.State]bool{}
	for _, s := range states {
		in[s] = true
	}
	for _, g := range p.goroutines.known() {
		if !in[g.state] {
			continue
		}
		w.censor(p, g, t, CensoredRight)
		p.leave(g, format.StateUnknown, t)
		p.goroutines.forget(g)
		g.begin = t
	}
	for i := range p.goroutines.entries {
		if g := &p.goroutines.entries[i]; g.id != format.NoGoroutine && g.state == format.StateUnknown {
			g.begin = max(g.begin, t)
		}
	}
	p.vacate()
}

// vacate makes nothing known of Ps whose goroutine is forgotten.
func (p *process) vacate() {
	for i, id := range p.procs {
		if g := p.goroutines.find(id); g == nil || g.state != format.StateRunning && !g.holds {
			p.procs[i] = format.NoGoroutine
		}
	}
}

// cutThreads ends what is known of the process's threads.
func (w *Walk) cutThreads(p *process, t int64) {
	for i := range p.thread {
		th := &p.thread[i]
		if th.open.state != format.StateUnknown {
			w.threadOut(p, th, th.tid, t, CensoredRight)
			w.out.advance()
		}
		th.State, th.stop, th.open.state = format.StateUnknown, stopUnknown, format.StateUnknown
	}
	p.occ.LackNone(t)
	w.censorSuspension(p, t)
}

// unwatchedOf is what of a process was not watched.
func (p *process) unwatchedOf() (out []Unwatched) {
	for _, class := range format.Transitions() {
		if ns := p.unwatched.ns[class]; ns > 0 {
			out = append(out, Unwatched{p.pid, class, ns})
		}
	}
	return out
}
