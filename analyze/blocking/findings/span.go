package findings

import (
	"math"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// The lengths that the rules go by.
const (
	minDelayNS = 1_000_000 // a delay that a person or a caller may notice
	// half of what the runtime lets a goroutine run before it asks it to stop: go1.26
	// src/runtime/proc.go, forcePreemptNS is 10 ms
	minHogNS  = 5_000_000
	sliceNS   = 10_000_000 // that
	minLongNS = 40_000_000 // four times that: the request was not heeded, or came late
	// of a run whose thread was off its CPU in between: then the runtime's monitor, which asks, may
	// have had to wait for a CPU too
	minBrokenNS  = 100_000_000
	shortRunNS   = 50_000    // a run in which hardly anything was done
	burstNS      = 1_000_000 // one waker's wake-ups that are nearer than this are one
	minBurst     = 8         // of so many goroutines
	minIdleCPUNS = 2_000_000 // a ready thread finds an idle CPU much earlier, unless it may not have it
)

// span takes the time of a goroutine of the program in one state.
func (p *Pass) span(s *replay.Span) {
	q := p.current
	g := p.goroutine(s.GoID)
	if g.entry != s.Entry {
		p.enter(g, s.Entry)
	}
	g.reader.took(s)
	switch s.State {
	case format.StateRunning:
		p.ran(g, s)
	case format.StateSyscall:
		q.calls++
		p.offCPU(s)
		p.transferred(g, s)
	case format.StateRunnable:
		p.delayed(g, s)
	case format.StateWaiting:
		p.waited(g, s)
	}
	if s.Next == format.StateNotExist {
		q.alive.move(s.End, -1)
		q.entries.At(uint32(g.entry)).alive--
		p.drop(s.GoID)
	}
}

// enter counts a goroutine whose entry function is known now.
func (p *Pass) enter(g *goroutine, entry replay.EntryID) {
	if g.entry != replay.UnknownEntry {
		p.current.entries.At(uint32(g.entry)).alive--
	}
	g.entry = entry
	k := p.current.entries.At(uint32(entry))
	k.alive++
	k.most = max(k.most, k.alive)
}

// own is the length of a span without what the process was stopped from outside meanwhile.
func own(s *replay.Span) int64 { return s.Len() - s.SuspendedNS }

// offCPU is how long the thread was not on a CPU since its goroutine changed state.
func (p *Pass) offCPU(s *replay.Span) int64 {
	if s.TID < 0 {
		return 0
	}
	at := p.current.threads.At(uint32(s.TID))
	ns := *at
	*at = 0
	return min(ns, s.Len())
}

func (p *Pass) ran(g *goroutine, s *replay.Span) {
	q := p.current
	ns := s.Len() - p.offCPU(s)
	if s.Flags&replay.EndUnseen != 0 || s.Flags&^replay.AfterGap == replay.CensoredLeft|replay.CensoredRight {
		return // found running, and then nothing was seen of it
	}
	q.had(s, isLong(s, ns))
	if g.request {
		q.entries.At(uint32(s.Entry)).requestNS += s.Len()
	}
	q.ranNS += ns
	g.ranNS += ns
	p.ranUntil(s, ns)
	if ns < minHogNS || s.Flags != 0 {
		return
	}
	k := q.entries.At(uint32(s.Entry))
	k.hoggedNS += ns
	k.hogs++
	k.longest = max(k.longest, ns)
	if ns > k.longestSeen && s.EndStack != format.NullString {
		k.longestSeen, k.hogsStack = ns, s.EndStack
	}
	if ns >= sliceNS {
		k.askedNS += ns
	}
	if isLong(s, ns) {
		if ns > k.long.maxNS {
			k.longStack = s.EndStack
		}
		k.long.take(ns)
	}
}

// isLong says whether a run, of which the thread was on a CPU for ns, went on well beyond what the
// runtime allows.
func isLong(s *replay.Span, ns int64) bool {
	unbroken := s.Len()-ns <= s.Len()/20
	return s.Flags == 0 && (ns >= minBrokenNS || ns >= minLongNS && unbroken)
}

// ranUntil takes where a run ended.
func (p *Pass) ranUntil(s *replay.Span, ns int64) {
	if s.EndStack == format.NullString || !p.special(s.EndStack) {
		return
	}
	p.called(s.EndStack, ns, false)
	if p.stackFacts(s.EndStack).allocates {
		add(p.current.gc.until, s.EndStack, ns)
	}
}

func (p *Pass) delayed(g *goroutine, s *replay.Span) {
	q := p.current
	if s.Why == replay.WhyCreated {
		q.alive.move(s.Begin, 1)
		g.inherit(p.find(s.ByGoID))
		if by := p.find(s.ByGoID); by != nil && by.request && by != g && !p.entries.At(uint32(by.entry)).main {
			g.request = true
		}
	}
	if s.Flags&replay.EndUnseen != 0 {
		return
	}
	q.behind(s)
	ns := own(s)
	q.readyNS += ns
	g.delayNS += ns
	if s.Why == replay.WhySyscallExit {
		q.backFromOS.take(ns)
	}
	if ns >= minDelayNS {
		k := q.entries.At(uint32(s.Entry))
		k.readyNS += ns
		k.delays++
		k.maxNS = max(k.maxNS, ns)
	}
}

// waited takes a wait: first what the goroutine did since the one before, then the wait itself.
func (p *Pass) waited(g *goroutine, s *replay.Span) {
	q, site := p.current, p.site(s)
	if g.ranNS < shortRunNS {
		if g.wokenForNothing(site) {
			site.timers++
			q.timer.take(g.ranNS + g.delayNS)
		}
		if g.herd != nil && g.herd == site {
			site.futile.take(g.ranNS, g.delayNS)
		}
	}
	g.ranNS, g.delayNS, g.timer, g.herd = 0, 0, nil, nil
	if site != nil && (g.least == 0 || site.depth < g.least-1) {
		g.least = site.depth + 1
	}
	if s.Flags&replay.EndUnseen != 0 {
		return
	}
	class := p.reason(s.Reason).class
	if p.special(s.Stack) {
		p.transferred(g, s)
		p.called(s.Stack, own(s), class == replay.ClassGC)
	}
	g.request = g.request || class == replay.ClassNetwork
	if class == replay.ClassGC {
		q.gc.wait(p, s)
	}
	if site != nil {
		p.waitedAt(site, g, s)
	}
}

// wokenForNothing says whether a timer woke the goroutine from a wait at the top of its loop, and it
// waits there again. Further down its stack it was a pause in the middle of work.
func (g *goroutine) wokenForNothing(at *site) bool {
	return g.timer != nil && g.timer == at && at.depth < g.least
}

func (p *Pass) waitedAt(at *site, g *goroutine, s *replay.Span) {
	if s.Flags&replay.CensoredRight != 0 {
		at.leave(s)
	} else {
		at.woken++
		p.wokenAt(at, g, s)
	}
	at.first = min(at.first, s.Begin)
	at.last = max(at.last, s.End)
	at.waits.take(own(s))
	if at.section != nil {
		at.section.waited(s)
	}
}

// wokenAt takes who ended a wait.
func (p *Pass) wokenAt(at *site, g *goroutine, s *replay.Span) {
	// Go's tracer has no word for a timer
	slept := at.class == replay.ClassTimer && s.EndByGoID == format.NoGoroutine && s.EndReason == format.NullString
	if slept || p.reason(s.EndReason).timer {
		g.timer = at
	}
	if s.EndByGoID == format.NoGoroutine {
		return
	}
	if at.section != nil {
		g.began(at.section)
		p.wokenIn(at.section, g, s)
	}
	if p.wakesAll(s.EndByStack) {
		at.oneOfMany(g, s)
	}
}

// oneOfMany sees whether one waker wakes many at once.
func (at *site) oneOfMany(g *goroutine, s *replay.Span) {
	if at.burstBy != s.EndByGoID || s.End-at.burstAt > burstNS {
		at.burst, at.burstBy, at.burstAt = at.burst[:0], s.EndByGoID, s.End
	}
	if len(at.burst) == minBurst {
		g.herd = at
		at.herd++
		return
	}
	if at.burst = append(at.burst, g); len(at.burst) == minBurst {
		at.bursts++
		at.herd += minBurst
		for _, member := range at.burst {
			member.herd = at
		}
	}
}

// maxLeft bounds how many of the goroutines left waiting at a place are remembered.
const maxLeft = 1 << 12

// leave takes a wait that had not ended when observation stopped.
func (at *site) leave(s *replay.Span) {
	if s.End > at.leftAt {
		at.leftAt, at.left = s.End, at.left[:0]
	}
	if len(at.left) < maxLeft && s.Flags&replay.CensoredLeft == 0 {
		at.left = append(at.left, s.Begin)
	}
}

// thread takes the time of a thread, of which only that off the CPU counts.
func (p *Pass) thread(s *replay.Span) {
	q := p.current
	q.threadsIn = true
	if s.State == format.StateRunning || s.Flags&replay.EndUnseen != 0 || s.GoID == format.NoGoroutine {
		return
	}
	*q.threads.At(uint32(s.TID)) += s.Len()
	if s.State == format.StateWaiting || q.quota == format.NoLimit {
		return
	}
	q.underQuota(&q.ready, &q.readyOver, s.Len())
	if s.Len() >= minIdleCPUNS && p.foundIdle(s) {
		q.underQuota(&q.throttled, &q.overQuota, s.Len())
	}
}

// underQuota takes the time of a ready thread of a process with a quota.
func (q *process) underQuota(all, over *throttling, ns int64) {
	all.take(ns, q.procs, q.quota)
	if q.procs > math.Ceil(q.quota) {
		over.take(ns, q.procs, q.quota)
	}
}

// foundIdle says whether the CPU of a ready thread was idle. Where another thread took it first,
// and it was idle in the end, that counts only with a quota: without one the other's time was what
// the thread waited for.
func (p *Pass) foundIdle(s *replay.Span) bool {
	if p.reason(s.Reason).idle {
		return true
	}
	return p.reason(s.EndReason).idle && (s.Reason == format.NullString || p.current.quota != format.NoLimit)
}
