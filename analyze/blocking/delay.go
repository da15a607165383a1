package blocking

import (
	"math/bits"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// delayParts are the parts of a delay, the latest first, with who is named for each. The order is
// that of most delays: what has the Ps is in the way first, then who has the CPU, and an idle P is
// woken last.
var delayParts = []struct {
	part replay.Part
	// appends who it may have been, each with how long it was seen there
	culprits func(*Pass, *replay.Span, []cause.Part) []cause.Part
	nobody   func(*cause.Table) cause.ID // where that is nobody
}{
	{replay.PartWakeUp, nil, func(n *cause.Table) cause.ID { return n.WakeUp }},
	{replay.PartUnknown, nil, func(n *cause.Table) cause.ID { return n.Unknown(cause.WhyThreads) }},
	{replay.PartOffCPU, (*Pass).takers,
		func(n *cause.Table) cause.ID { return n.Taken(format.NullString, replay.UnknownEntry) }},
	{replay.PartSyscall, (*Pass).holders,
		func(n *cause.Table) cause.ID { return n.Call(KindHeld, format.NullString, format.NullString) }},
	{replay.PartAllBusy, (*Pass).runners,
		func(n *cause.Table) cause.ID { return n.Code(KindQueued, format.NullString, replay.UnknownEntry) }},
	{replay.PartSTW, (*Pass).stops, func(n *cause.Table) cause.ID { return n.Named(KindSTW, format.NullString) }},
	{replay.PartStopped, (*Pass).stoppers,
		func(n *cause.Table) cause.ID { return n.Named(KindStopped, format.NullString) }},
}

// inTheWay takes a runnable span apart: how long each part was is the span's Delay, and who it was
// is what is known of its time. The latest comes first, as far as delayParts can tell.
func (p *Pass) inTheWay(s *replay.Span, list []cause.Part) []cause.Part {
	for i := range delayParts {
		d := &delayParts[i]
		ns := s.Delay[d.part]
		if ns <= 0 {
			continue
		}
		p.culprits = p.culprits[:0]
		if d.culprits != nil {
			p.culprits = d.culprits(p, s, p.culprits)
		}
		if len(p.culprits) == 0 {
			list = append(list, cause.Part{ID: d.nobody(p.nodes), NS: ns})
			continue
		}
		list = spread(ns, p.culprits, list)
	}
	return list
}

// spread appends a time in parts that are in proportion to those given, and add up to it.
func spread(ns int64, weights []cause.Part, list []cause.Part) []cause.Part {
	var whole, before, given int64
	for _, w := range weights {
		whole += w.NS
	}
	for _, w := range weights {
		before += w.NS
		hi, lo := bits.Mul64(uint64(ns), uint64(before))
		upTo, _ := bits.Div64(hi, lo, uint64(whole))
		if int64(upTo) > given {
			list = append(list, cause.Part{ID: w.ID, NS: int64(upTo) - given})
			given = int64(upTo)
		}
	}
	return list
}

// takers are who took the CPU from the threads that could have run the goroutine, else from any
// thread of the process.
func (p *Pass) takers(s *replay.Span, list []cause.Part) []cause.Part {
	q := p.current
	if r := q.threads.find(s.EndTID); r != nil {
		list = r.within(s, list)
	}
	if r := q.threads.find(s.TID); r != nil && s.TID != s.EndTID {
		list = r.within(s, list)
	}
	if len(list) == 0 {
		list = q.taken.within(s, list)
	}
	return list
}

// runners are the goroutines that ran on the P which the goroutine got in the end, else those on
// all Ps.
func (p *Pass) runners(s *replay.Span, list []cause.Part) []cause.Part {
	return p.onProcs(s, func(k Kind) bool { return k == KindQueued }, list)
}

// holders are those that kept that P in a system call, else those on all Ps.
func (p *Pass) holders(s *replay.Span, list []cause.Part) []cause.Part {
	return p.onProcs(s, func(k Kind) bool { return k == KindHeld }, list)
}

func (p *Pass) onProcs(s *replay.Span, wanted func(Kind) bool, list []cause.Part) []cause.Part {
	if h := p.current.proc(s.EndProc); h != nil {
		list = p.onProc(h, s, wanted, list)
	}
	if len(list) > 0 {
		return list
	}
	for _, h := range p.current.procs {
		if h != nil {
			list = p.onProc(h, s, wanted, list)
		}
	}
	return list
}

// onProc appends what of the kinds that are wanted went on on a P during a span.
func (p *Pass) onProc(h *proc, s *replay.Span, wanted func(Kind) bool, list []cause.Part) []cause.Part {
	if h.Empty() {
		return list
	}
	if from := max(h.End(), s.Begin); from < s.End && h.held != 0 && wanted(KindHeld) {
		list = cause.Merge(list, cause.Part{ID: h.held, NS: s.End - from})
	}
	n := len(list)
	from, to := max(h.Begin(), s.Begin), min(h.End(), s.End)
	if from >= to {
		return list
	}
	all, _ := h.Between(from, to, false, list)
	list = all[:n]
	for _, part := range all[n:] { // behind what is written
		if wanted(p.nodes.At(part.ID).Kind) {
			list = cause.Merge(list, part)
		}
	}
	return list
}

// stops are the stopped worlds, by their reasons.
func (p *Pass) stops(s *replay.Span, list []cause.Part) []cause.Part {
	return p.current.stopped.within(s, list)
}

// stoppers are who stopped the process.
func (p *Pass) stoppers(s *replay.Span, list []cause.Part) []cause.Part {
	return p.current.suspended.within(s, list)
}

// within appends the runs that are remembered, cut to a span.
func (r *ring) within(s *replay.Span, list []cause.Part) []cause.Part {
	for i := 0; ; i++ {
		run, ok := r.before(i)
		if !ok || run.end <= s.Begin {
			return list
		}
		if ns := min(run.end, s.End) - max(run.begin, s.Begin); ns > 0 {
			list = cause.Merge(list, cause.Part{ID: run.node, NS: ns})
		}
	}
}

// DelayParts are the parts of the program's delays that were seen whole, as sums of the causes in
// Delays.
func (r *Result) DelayParts() (parts replay.Delay) {
	for i := range r.Delays {
		if part, ok := r.Delays[i].part(); ok {
			parts[part] += r.Delays[i].BlockedNS
		}
	}
	return parts
}

// part is the part of a delay that the cause stands for, false where the delay was not seen whole.
func (c *Cause) part() (replay.Part, bool) {
	if c.Kind == KindUnknown && c.Name != cause.WhyThreads.String() {
		return 0, false
	}
	return c.Kind.Part()
}
