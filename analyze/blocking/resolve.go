package blocking

import (
	"slices"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// resolve appends what a wait was for, the latest first. The parts add up to the length of the
// span. What no other goroutine did is new.
func (p *Pass) resolve(w *site, s *replay.Span, list []cause.Part) []cause.Part {
	if s.Flags&(replay.EndUnseen|replay.CensoredRight) == 0 && w.class != replay.ClassGC &&
		w.class != replay.ClassStop && s.EndByGoID != format.NoGoroutine {
		return p.woken(s, list)
	}
	n := len(list)
	list = p.unwoken(w, s, list)
	for i := range list[n:] {
		list[n+i].New = 1
	}
	return list
}

// unwoken resolves a wait that no goroutine ended, or for which it does not matter who did.
func (p *Pass) unwoken(w *site, s *replay.Span, list []cause.Part) []cause.Part {
	switch {
	case s.Flags&(replay.EndUnseen|replay.CensoredRight) != 0:
		return append(list, cause.Part{ID: p.nodes.Unknown(unknownOf(s)), NS: s.Len()})
	case w.class == replay.ClassGC || w.class == replay.ClassStop:
		kind := KindGC
		if w.class == replay.ClassStop {
			kind = KindSTW
		}
		id := p.nodes.Named(kind, s.Reason)
		return p.current.suspended.without(s.Begin, s.End, id, list)
	}
	return p.unlessSuspended(s, p.outside(w, s), list)
}

// woken resolves a wait that a goroutine ended.
func (p *Pass) woken(s *replay.Span, list []cause.Part) []cause.Part {
	open := p.nodes.Code(KindRunning, s.EndByStack, replay.UnknownEntry)
	if waker := p.find(s.EndByGoID); waker != nil && waker.next == format.StateRunning {
		p.seen(waker, s.End, open)
	}
	list, approximate := p.past(s.EndByGoID, s.Begin, s.End, open, cause.MaxDepth, list)
	p.approximate += approximate
	return list
}

// seen notes where a running goroutine is at t: until then it ran there, and after it may be
// elsewhere.
func (p *Pass) seen(g *goroutine, t int64, id cause.ID) {
	from := g.history.End()
	if t <= from {
		return
	}
	at, goesOn := len(p.parts), false
	p.parts = p.openPart(g, from, t, id, p.parts)
	for i := len(p.parts) - 1; i >= at; i-- {
		from += p.parts[i].NS
		// what kept its thread from a CPU is counted when it stops to run
		until, sampled := p.nodes.Until(p.parts[i].ID)
		sampled = sampled && until == id
		counted := !sampled && (p.parts[i].ID != id || goesOn)
		goesOn = sampled // after it, what it is a part of does
		g.history.Add(from, p.parts[i].ID, counted, p.pool)
	}
	p.parts = p.parts[:at]
}

// outsides say what ended a wait that no goroutine ended, by the trace's word for it.
var outsides = map[format.Reason]Kind{format.ReasonNetpoll: KindNetwork, format.ReasonTimer: KindTimer,
	format.ReasonGC: KindGC, format.ReasonSysmon: KindRuntime, format.ReasonRuntime: KindRuntime}

// outsideOf says what can have ended a wait of a class where the trace has no word for it: traces
// of Go's own tracer name no poller.
var outsideOf = map[replay.Class]Kind{replay.ClassNetwork: KindNetwork, replay.ClassTimer: KindTimer,
	replay.ClassSystem: KindRuntime}

// outside is the cause of a wait that was ended by no goroutine.
func (p *Pass) outside(w *site, s *replay.Span) cause.ID {
	kind, ok := outsides[format.ParseReason(p.names.Reason(s.EndReason))]
	if !ok {
		kind, ok = outsideOf[w.class]
	}
	if !ok {
		return p.nodes.Unknown(cause.WhyWaker)
	}
	return p.nodes.Outside(kind, s.Stack)
}

// unlessSuspended is a wait that ended from outside of the process, but for the suspension that it
// ended with.
func (p *Pass) unlessSuspended(s *replay.Span, id cause.ID, list []cause.Part) []cause.Part {
	last, ok := p.current.suspended.before(0)
	if !ok || s.End-last.end > promptNS {
		return append(list, cause.Part{ID: id, NS: s.Len()})
	}
	return p.current.suspended.without(s.Begin, s.End, id, list)
}

// past appends what a goroutine did from t0 to t1, the latest first. open is what it does since the
// last event that the trace has of it. Before it was made, what its creator did counts, through as
// many creators as depth says.
func (p *Pass) past(id format.GoID, t0, t1 int64, open cause.ID, depth int, list []cause.Part) (_ []cause.Part,
	approximate int64) {
	g := p.find(id)
	if g == nil || g.history.Empty() && g.history.End() == 0 {
		return append(list, cause.Part{ID: p.nodes.Unknown(cause.WhyBefore), NS: t1 - t0}), 0
	}
	h := &g.history
	if h.End() < t1 {
		list = p.openPart(g, max(h.End(), t0), t1, open, list)
		t1 = max(h.End(), t0)
	}
	list, approximate = h.Between(t0, t1, p.counting, list)
	if t1 = min(t1, h.Begin()); t1 <= t0 {
		return list, approximate
	}
	switch {
	case h.Forgot():
		list = append(list, cause.Part{ID: p.nodes.Unknown(cause.WhyHistory), NS: t1 - t0})
	case g.creator == format.NoGoroutine || depth == 0:
		list = append(list, cause.Part{ID: p.nodes.Unknown(cause.WhyBefore), NS: t1 - t0})
	default:
		var more int64
		list, more = p.past(g.creator, t0, t1, p.nodes.Code(KindRunning, g.createStack, replay.UnknownEntry), depth-1,
			list)
		approximate += more
	}
	return list, approximate
}

// openPart is a goroutine's time after the end of its history, the latest first: it runs, as who
// wakes another does, but for the times without a CPU.
func (p *Pass) openPart(g *goroutine, from, to int64, open cause.ID, list []cause.Part) []cause.Part {
	if g.next == format.StateWaiting || g.next == format.StateRunnable {
		open = p.nodes.Unknown(cause.WhyUnseen)
	}
	n, at := len(list), from
	for i := range g.off {
		o := &g.off[i]
		begin, end := max(o.begin, at), min(o.end, to)
		if end <= begin {
			continue
		}
		if begin > at {
			list = p.running(g, at, begin, open, list)
		}
		list = append(list, cause.Part{ID: o.node, NS: end - begin})
		at = end
	}
	list = p.running(g, at, to, open, list)
	slices.Reverse(list[n:])
	return list
}
