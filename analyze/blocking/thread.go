package blocking

import (
	"path"
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// thread takes a time of a kernel thread. The goroutine on it could do nothing while the thread was
// off the CPU.
func (p *Pass) thread(s *replay.Span) {
	p.threads.seen = true
	switch {
	case s.Flags&replay.EndUnseen != 0:
		return
	case s.State == format.StateRunning:
		p.current.cpus.of(s.CPU).push(s.Begin, s.End, cause.ID(p.entryOn(s)))
		return
	}
	off := offCPU{begin: s.Begin, end: s.End, asleep: s.State == format.StateWaiting}
	switch {
	case off.asleep:
		off.node, off.suspended = p.asleep(s.Reason)
	case s.Delay[replay.PartOffCPU] > 0:
		off.node = p.noCPU(s)
		p.current.threads.of(s.TID).push(s.Begin, s.End, off.node)
		p.current.taken.push(s.Begin, s.End, off.node)
	default:
		off.node = p.nodes.WakeUp
	}
	if s.GoID == format.NoGoroutine {
		return
	}
	if g := p.find(s.GoID); g != nil && s.End > g.history.End() && len(g.off) < maxOff {
		g.off = append(g.off, off)
	}
}

// asleep is why a thread slept, by the kernel's state, and whether it was stopped from outside.
func (p *Pass) asleep(state format.StringID) (id cause.ID, suspended bool) {
	at := p.sleeps.At(uint32(state))
	if !at.known {
		at.known, at.node = true, p.nodes.Named(KindAsleep, state)
		if _, by := replay.Suspender(p.names.Reason(state)); by {
			at.suspended, at.node = true, p.nodes.Named(KindStopped, state)
		}
	}
	return at.node, at.suspended
}

// sleepFacts are what a state of the kernel's means, worked out once.
type sleepFacts struct {
	known, suspended bool
	node             cause.ID
}

// noCPU is why a thread that was ready had no CPU: the name of who had it. The trace has the names
// of who took it first and who gave it back, and when threads of the process itself were there:
// where the two differ, a short visit of one of these is not what kept the thread waiting. The name
// is that of the idle threads where nobody had it: a quota stopped the thread.
func (p *Pass) noCPU(s *replay.Span) cause.ID {
	first, last := s.Reason, s.EndReason
	switch {
	case first == format.NullString || p.isIdle(first):
		return p.takenBy(last, s)
	case last == format.NullString || p.isIdle(last) || first == last:
		return p.takenBy(first, s)
	}
	ownMost := 2*p.current.cpus.of(s.CPU).overlap(s.Begin, s.End) > s.Len()
	if p.own(first) == ownMost {
		return p.takenBy(first, s)
	}
	return p.takenBy(last, s)
}

// unknownGoroutine is who had the CPU where a thread of the program had it and no goroutine is known
// to have been on it; the scheduler of the runtime runs on threads without one.
const unknownGoroutine = "threads (goroutine not known)"

// takenBy is a thread without a CPU, which a thread of that name had taken. Of the process's own
// threads it says which goroutine was on them for longest, by its entry function.
func (p *Pass) takenBy(name format.StringID, s *replay.Span) cause.ID {
	if name == format.NullString || !p.own(name) {
		return p.nodes.Taken(name, replay.UnknownEntry)
	}
	return p.nodes.Taken(name, replay.EntryID(p.current.cpus.of(s.CPU).most(s.Begin, s.End)))
}

// entryOn is the entry function of the goroutine on a thread, as far as it is known.
func (p *Pass) entryOn(s *replay.Span) replay.EntryID {
	if s.GoID == format.NoGoroutine {
		return replay.UnknownEntry
	}
	if g := p.find(s.GoID); g != nil {
		return g.entry
	}
	return replay.UnknownEntry
}

// isIdle says whether a thread's name is that of the idle threads.
func (p *Pass) isIdle(name format.StringID) bool {
	if name == format.NullString || name == p.idleName {
		return name != format.NullString
	}
	if p.idleName == format.NullString && format.ParseReason(p.names.Reason(name)) == format.ReasonSwapper {
		p.idleName = name
		return true
	}
	return false
}

// own says whether a thread's name is that of the process's own threads.
func (p *Pass) own(name format.StringID) bool {
	own, ok := p.current.commands[name]
	if !ok {
		own = p.ownName(p.names.Reason(name))
		p.current.commands[name] = own
	}
	return own
}

// maxCommand is how long a thread's name can be (Linux v6.18 include/linux/sched.h, TASK_COMM_LEN
// less the final zero).
const maxCommand = 15

// ownName says whether a name is that of threads of the current process.
func (p *Pass) ownName(name string) bool {
	for i := range p.meta.Processes {
		if q := &p.meta.Processes[i]; q.PID == p.current.pid && names(q, name) {
			return true
		}
	}
	return false
}

// isOwn says whether a thread's name is that of a recorded program.
func (p *Pass) isOwn(name string) bool {
	for k := range p.meta.Processes {
		if names(&p.meta.Processes[k], name) {
			return true
		}
	}
	return false
}

// names says whether a name is the one that the kernel gives the threads of a process, which the
// runtime does not change: that of the executable's file, truncated.
func names(q *format.Process, name string) bool {
	command, _, _ := strings.Cut(q.Command, " ")
	for _, file := range []string{command, q.Executable} {
		base := path.Base(file)
		if file != "" && base[:min(len(base), maxCommand)] == name {
			return true
		}
	}
	return false
}

// overlap is how much of the time from begin to end lies in the runs that are remembered.
func (r *ring) overlap(begin, end int64) int64 {
	var sum int64
	for i := 0; ; i++ {
		run, ok := r.before(i)
		if !ok || run.end <= begin {
			return sum
		}
		sum += max(0, min(run.end, end)-max(run.begin, begin))
	}
}

// most is the node that lasts longest between two times, of the runs that are remembered; the latest
// of equals.
func (r *ring) most(begin, end int64) cause.ID {
	var parts [ringSize]cause.Part
	sums := parts[:0]
	for i := 0; ; i++ {
		run, ok := r.before(i)
		if !ok || run.end <= begin {
			break
		}
		sums = cause.Merge(sums, cause.Part{ID: run.node, NS: min(run.end, end) - max(run.begin, begin)})
	}
	var best cause.Part
	for _, part := range sums {
		if part.NS > best.NS {
			best = part
		}
	}
	return best.ID
}

// maxOff bounds how many times without a CPU are remembered of one stretch of a goroutine. What is
// beyond counts as on the CPU.
const maxOff = 1 << 12
