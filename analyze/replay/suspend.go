package replay

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/format"
)

// Suspension is a time in which no thread of a process could run, because all of them were stopped
// from outside: by a signal such as SIGSTOP, by a tracer, or with their cgroup.
type Suspension struct {
	Begin, End int64
	PID        int32
	Reason     format.StringID // the kernel's state of the thread that stopped last
	Flags      Flags           // CensoredRight: observation stopped before the process went on
}

// Len is the suspension's length in nanoseconds.
func (s *Suspension) Len() int64 { return s.End - s.Begin }

// suspenders are the kernel's states of a thread that is stopped from outside (Linux v6.18
// include/linux/sched.h: TASK_STOPPED, TASK_TRACED, TASK_FROZEN), in the words that thread rows
// have for them, and who does that.
var suspenders = map[format.Reason]string{
	format.ReasonStopped:     "a signal such as SIGSTOP",
	format.ReasonTracingStop: "a debugger or tracer",
	format.ReasonFrozen:      "its frozen cgroup",
}

// Suspender says who stops a thread that is in a state of the kernel's; false where the thread went
// to sleep by itself.
func Suspender(state string) (string, bool) {
	by, ok := suspenders[format.ParseReason(state)]
	return by, ok
}

// maxSuspensions is how many of the latest suspensions of a process are remembered for the spans
// that reach over them: a tracer may stop a process at each of its system calls.
const maxSuspensions = 1 << 13

// suspending follows whether a process is suspended, by its threads. Threads that the trace has not
// shown yet need not be counted: who stops a process wakes all its threads for it.
type suspending struct {
	live    int // threads that the trace has shown, and not their end
	stopped int // those of them that are stopped
	awake   int // and those that run or could
	frozen  int // of stopped, those that are frozen
	open    Suspension
	active  bool
	before  int64 // the time in suspensions that are forgotten
	past    []suspended
}

// suspended is a suspension that is over, and the time in all up to its end.
type suspended struct{ begin, end, sum int64 }

// is says whether no thread can run: all are stopped or, since a thread that sleeps is frozen where
// it is and no row says so (Linux v6.18 kernel/freezer.c, freeze_task), one is frozen and none runs
// or could.
func (s *suspending) is() bool {
	return s.live > 0 && s.live == s.stopped || s.frozen > 0 && s.awake == 0
}

// upTo is the time in suspensions before t.
func (s *suspending) upTo(t int64) int64 {
	if s.active && t > s.open.Begin {
		return s.total() + t - s.open.Begin
	}
	i, _ := slices.BinarySearchFunc(s.past, t, func(p suspended, t int64) int { return cmp.Compare(p.end, t) })
	sum := s.before
	if i > 0 {
		sum = s.past[i-1].sum
	}
	if i < len(s.past) && t > s.past[i].begin {
		sum += t - s.past[i].begin
	}
	return sum
}

// total is the time in all suspensions that are over.
func (s *suspending) total() int64 {
	if n := len(s.past); n > 0 {
		return s.past[n-1].sum
	}
	return s.before
}

// within is how much of a span's time was suspended.
func (s *suspending) within(begin, end int64) int64 {
	if len(s.past) == 0 && !s.active {
		return 0
	}
	return s.upTo(end) - s.upTo(begin)
}

func (s *suspending) end(t int64) {
	if len(s.past) == maxSuspensions {
		s.before = s.past[maxSuspensions/2-1].sum
		s.past = append(s.past[:0], s.past[maxSuspensions/2:]...)
	}
	s.past = append(s.past, suspended{s.open.Begin, t, s.total() + t - s.open.Begin})
	s.active = false
}

// stops says what a thread row's reason means for a thread that waits.
func (n *Names) stops(reason format.StringID) stopFact {
	at := n.stopped.At(uint32(reason))
	if *at == stopUnknown {
		*at = stopNo
		if state := format.ParseReason(n.Reason(reason)); state == format.ReasonFrozen {
			*at = stopFrozen
		} else if _, ok := suspenders[state]; ok {
			*at = stopYes
		}
	}
	return *at
}

// stopFact is what is known of a reason.
type stopFact uint8

const (
	stopUnknown stopFact = iota
	stopNo
	stopYes
	stopFrozen
)

// suspend notes a thread's new state, which it was told in row i, and what that makes of the
// process.
func (w *Walk) suspend(p *process, th *thread, b *format.Batch, i int, t int64) {
	s := &p.suspending
	s.live += count(b.To[i] > format.StateNotExist) - count(th.State > format.StateNotExist)
	s.awake += count(isAwake(b.To[i])) - count(isAwake(th.State))
	stop := stopNo
	if b.To[i] == format.StateWaiting {
		stop = w.names.stops(b.Reason[i])
	}
	s.stopped += count(stop >= stopYes) - count(th.stop >= stopYes)
	s.frozen += count(stop == stopFrozen) - count(th.stop == stopFrozen)
	th.stop = stop
	if s.is() == s.active {
		return
	}
	if s.active {
		w.unsuspend(p, t, 0)
	} else {
		s.active = true
		s.open = Suspension{Begin: t, End: t, PID: p.pid, Reason: b.Reason[i]}
	}
	p.occ.Suspend(t, s.active)
}

func isAwake(s format.State) bool { return s == format.StateRunning || s == format.StateRunnable }

// count is 1 for what is so.
func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// unsuspend ends a suspension.
func (w *Walk) unsuspend(p *process, t int64, flags Flags) {
	s := &p.suspending
	s.end(t)
	s.open.End, s.open.Flags = t, flags
	w.totals.suspended(s.open)
	w.out.sendSuspension(s.open)
}

// censorSuspension ends what is known of a process's threads: observation stops.
func (w *Walk) censorSuspension(p *process, t int64) {
	if p.suspending.active {
		w.unsuspend(p, t, CensoredRight)
	}
	s := &p.suspending
	s.live, s.stopped, s.awake, s.frozen = 0, 0, 0, 0
	p.occ.Suspend(t, false)
}
