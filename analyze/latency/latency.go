package latency

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Pass collects scheduling delays from a walk. Make one with New, run it with replay.Run and ask for its Result.
type Pass struct {
	whys   [256]*group              // by replay.Why, without the woken
	woken  replay.ByID[*group]      // by the reason of the wait
	kinds  []*group                 // by replay.EntryID
	waited map[format.StringID]bool // keys of woken
}

var _ replay.Pass = (*Pass)(nil)

// group is the delays that share a reason or a kind.
type group struct {
	delays stats.Histogram
	broken int64 // delays whose end was not seen: neither measured nor censored
	parts  replay.Delay
}

// New makes an empty pass.
func New() *Pass { return &Pass{waited: map[format.StringID]bool{}} }

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable), Delay: true}
}

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		p.reason(s).add(s)
		p.kind(s.Entry).add(s)
	}
}

func (p *Pass) reason(s *replay.Span) *group {
	if s.Why != replay.WhyWoken {
		g := &p.whys[s.Why]
		if *g == nil {
			*g = new(group)
		}
		return *g
	}
	g := p.woken.At(uint32(s.Waited))
	if *g == nil {
		*g = new(group)
		p.waited[s.Waited] = true
	}
	return *g
}

func (p *Pass) kind(entry replay.EntryID) *group {
	if int(entry) >= len(p.kinds) {
		p.kinds = append(p.kinds, make([]*group, int(entry)+1-len(p.kinds))...)
	}
	if p.kinds[entry] == nil {
		p.kinds[entry] = new(group)
	}
	return p.kinds[entry]
}

// add counts a delay. One that did not end with running is cut, however else it ended.
func (g *group) add(s *replay.Span) {
	switch {
	case s.Flags == 0 && s.Next == format.StateRunning:
		g.delays.Add(s.Len())
		g.parts.Add(s.Delay)
	case s.Flags&replay.EndUnseen != 0:
		g.broken++
	default:
		g.delays.AddCensored(s.Len())
	}
}

func (g *group) merge(other *group) {
	g.delays.Merge(&other.delays)
	g.broken += other.broken
	g.parts.Add(other.parts)
}
