package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// holders are the goroutines that had a P of late.
type holders struct {
	list [64]onProc
	n    int // so far
}

// onProc is a time in which a goroutine with an entry function had a P.
type onProc struct {
	begin, end int64
	over       int64 // from when on it was a run of which the runtime had asked the P back; end: never
	entry      replay.EntryID
}

func (h *holders) push(x onProc) {
	h.list[h.n%len(h.list)] = x
	h.n++
}

// had takes a run: which P it was on, and where it ended. A long one went on beyond what the runtime
// allows.
func (q *process) had(s *replay.Span, long bool) {
	k := q.entries.At(uint32(s.Entry))
	k.heldNS += s.Len()
	if s.EndStack != format.NullString {
		end := q.ends.At(uint32(s.EndStack))
		if end.ns == nil || end.entry != s.Entry {
			*end = runEnd{s.Entry, k.endsAt(s.EndStack)}
		}
		if end.ns != nil {
			*end.ns += s.Len()
		}
	}
	if s.Proc < 0 {
		return
	}
	at := q.procsHeld.At(uint32(s.Proc))
	if *at == nil {
		*at = new(holders)
	}
	over := s.End
	if long {
		over = s.Begin + sliceNS
	}
	(*at).push(onProc{s.Begin, s.End, over, s.Entry})
}

// runEnd is the time of the runs of one entry function that ended at a stack: hardly ever do those of
// another end there too.
type runEnd struct {
	entry replay.EntryID
	ns    *int64 // nil: it is not kept
}

// endsAt is the time of the runs that ended at a stack, nil where there are too many stacks.
func (k *entryTime) endsAt(stack format.StringID) *int64 {
	at := k.until[stack]
	if at == nil && len(k.until) < maxUntil {
		if k.until == nil {
			k.until = map[format.StringID]*int64{}
		}
		at = new(int64)
		k.until[stack] = at
	}
	return at
}

// maxUntil is how many places at which runs ended are told apart of an entry function.
const maxUntil = 256

// behind gives the time of a delay to the goroutines that had meanwhile the P which ended it.
func (q *process) behind(s *replay.Span) {
	if s.EndProc < 0 || s.Next != format.StateRunning {
		return
	}
	h := *q.procsHeld.At(uint32(s.EndProc))
	if h == nil {
		return
	}
	for i := h.n - 1; i >= max(0, h.n-len(h.list)); i-- {
		x := &h.list[i%len(h.list)]
		if x.end <= s.Begin {
			return
		}
		k, ns := q.entries.At(uint32(x.entry)), min(x.end, s.End)-max(x.begin, s.Begin)
		k.behindNS += ns
		k.behindLong += max(0, min(x.end, s.End)-max(x.over, s.Begin))
		if x.entry != s.Entry {
			k.othersNS += ns
		}
	}
}

// What makes goroutines that run background work.
const (
	minBackground = 0.4 // of the Ps' time, all of it together
	minJob        = 0.1 // of the Ps' time, those with one entry function
	minOthers     = 0.1 // of the delays behind it, those of others
	maxRequests   = 0.5 // of its time, what runs for requests
	maxAwaited    = 0.2 // of its time, what others wait for it
	minor         = 4   // a job that has so many times less than the largest is not named
)

// job is work of goroutines with one entry function.
type job struct {
	*entryTime
	entry string
}

// background are the jobs that have the Ps while others could run, that no request began and that
// nobody waits for, the largest first.
func (l *look) background() (jobs []job) {
	whole, awaited := l.procsNS(), l.awaited()
	var all, others, behind int64
	for id := range l.entries.Len() {
		k := l.entries.At(uint32(id))
		if l.system(replay.EntryID(id)) || float64(k.heldNS) < minJob*whole ||
			float64(k.requestNS) >= maxRequests*float64(k.heldNS) {
			continue
		}
		name := l.names.Entry(replay.EntryID(id))
		if float64(awaited[name]) >= maxAwaited*float64(k.heldNS) {
			continue
		}
		jobs = append(jobs, job{k, name})
		all, others, behind = all+k.heldNS, others+k.othersNS, behind+k.behindNS
	}
	if float64(all) < minBackground*whole || float64(others) < minOthers*float64(behind) {
		return nil
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(b.heldNS, a.heldNS) })
	return slices.DeleteFunc(jobs, func(j job) bool { return minor*j.heldNS < jobs[0].heldNS })
}

// procsNS is the time that all Ps have; where their number is not known, that all goroutines ran.
func (l *look) procsNS() float64 {
	if l.procs > 0 {
		return l.procs * float64(l.watchedNS)
	}
	var ran int64
	for id := range l.entries.Len() {
		ran += l.entries.At(uint32(id)).heldNS
	}
	return float64(max(1, ran))
}

// awaited is how long others waited for goroutines, by their entry function. Who waits for one that is
// queued behind them, or whose thread lacks the CPU that they have, does not wait for them.
func (l *look) awaited() map[string]int64 {
	out := map[string]int64{}
	for i := range l.account.chains {
		if c := &l.account.chains[i]; !c.Direct() && c.Cause.Kind != blocking.KindQueued &&
			c.Cause.Kind != blocking.KindOffCPU {
			out[entryOf(c.Cause)] += c.NS
		}
	}
	return out
}

// entryOf is the entry function of the goroutine that a root cause is about.
func entryOf(c *blocking.Leaf) string { return cmp.Or(stack.Root(c.Stack), c.Name) }

// delaysBehind are the delays behind goroutines with some entry functions, and the waits for those that
// were delayed so. Where the thread of one that had the P lacked a CPU itself, that is in the delays
// too.
func (l *look) delaysBehind(jobs []job) explained {
	certain := l.account.causedBy(func(c *blocking.Leaf) bool {
		return c.Kind == blocking.KindQueued &&
			slices.ContainsFunc(jobs, func(j job) bool { return j.entry == entryOf(c) })
	})
	var behind int64
	for _, j := range jobs {
		behind += j.behindNS
	}
	for _, i := range certain.chains {
		if c := &l.account.chains[i]; c.Direct() {
			behind -= c.NS
		}
	}
	return l.account.withSome(certain, behind, func(c *blocking.Chain) bool {
		return c.Direct() && c.Cause.Kind == blocking.KindOffCPU
	})
}

// maxJobs is how many jobs are named.
const maxJobs = 3

func backgroundWork(l *look) []hit {
	jobs := slices.DeleteFunc(l.background(), func(j job) bool { return j.refuses() }) // see long-run
	if len(jobs) == 0 {
		return nil
	}
	var all int64
	var names []string
	for i, j := range jobs {
		all += j.heldNS
		if i >= maxJobs {
			continue
		}
		names = append(names, l.jobName(j))
	}
	part := percent(float64(all) / l.procsNS())
	text := fmt.Sprintf("background work, which no request began and nobody waits for, has %s of the Ps' time while "+
		"goroutines that could run wait: %s", part, strings.Join(names, "; "))
	return []hit{{code: l.jobCode(jobs[0]), behind: jobs[0].entry, explains: l.delaysBehind(jobs), clause: text,
		evidence: []string{fmt.Sprintf("Goroutines of %s had the Ps for %s, %s of their time.",
			stack.Local(jobs[0].entry), report.FormatDuration(jobs[0].heldNS),
			percent(float64(jobs[0].heldNS)/l.procsNS()))}}}
}
