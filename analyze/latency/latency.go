package latency

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Pass collects scheduling delays from a walk. Make one with New, run it with replay.Run and ask
// for its Result.
type Pass struct {
	Percentiles []stats.Quantile // that a Result has; nil: DefaultPercentiles

	names   *replay.Names
	program reasons  // of the program's goroutines
	runtime reasons  // of the runtime's own
	entries []*group // by replay.EntryID
	own     stats.Histogram
	windows *stats.Windows
}

// DefaultPercentiles are those of a Result where a Pass does not say others.
var DefaultPercentiles = []stats.Quantile{stats.P50, stats.P90, stats.P99, stats.P999}

func (p *Pass) percentiles() []stats.Quantile {
	if p.Percentiles == nil {
		return DefaultPercentiles
	}
	return p.Percentiles
}

// reasons are delays by why the goroutines became runnable.
type reasons struct {
	whys   [256]*group              // by replay.Why, without the woken
	woken  replay.ByID[*group]      // by the reason of the wait
	waited map[format.StringID]bool // keys of woken

	windows *stats.Windows
}

var (
	_ replay.BeginPass  = (*Pass)(nil)
	_ replay.WindowPass = (*Pass)(nil)
)

// group is the delays that share a reason or an entry function.
type group struct {
	delays stats.Sampled
	broken int64 // delays whose end was not seen: neither measured nor censored
	system bool  // of an entry function: one of the runtime's own
	parts  replay.Delay
}

// New makes an empty pass.
func New() *Pass {
	windows := new(stats.Windows)
	return &Pass{windows: windows, program: reasons{windows: windows, waited: map[format.StringID]bool{}},
		runtime: reasons{windows: windows, waited: map[format.StringID]bool{}}}
}

func newGroup(windows *stats.Windows) *group { return &group{delays: stats.Sampled{Windows: windows}} }

// Window implements replay.WindowPass.
func (p *Pass) Window(w replay.Window) { p.windows.End(w.WatchedNS, w.BeforeNS) }

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable), Delay: true}
}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

// addOwn counts what of a delay of the program's was not for want of a CPU of the machine, nor
// because the process was stopped. Censored delays are not taken apart, and left out.
func (p *Pass) addOwn(s *replay.Span) {
	if s.Flags == 0 && s.Next == format.StateRunning {
		p.own.Add(s.Len() - s.Delay.MachineNS())
	}
}

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		entry := p.entry(s.Entry)
		entry.count(s)
		why := &p.program
		if entry.system {
			why = &p.runtime
		} else {
			p.addOwn(s)
		}
		why.of(s).count(s)
	}
}

func (r *reasons) of(s *replay.Span) *group {
	if s.Why != replay.WhyWoken {
		g := &r.whys[s.Why]
		if *g == nil {
			*g = newGroup(r.windows)
		}
		return *g
	}
	g := r.woken.At(uint32(s.Waited))
	if *g == nil {
		*g = newGroup(r.windows)
		r.waited[s.Waited] = true
	}
	return *g
}

func (p *Pass) entry(entry replay.EntryID) *group {
	if int(entry) >= len(p.entries) {
		p.entries = append(p.entries, make([]*group, int(entry)+1-len(p.entries))...)
	}
	if p.entries[entry] == nil {
		p.entries[entry] = newGroup(p.windows)
		p.entries[entry].system = stack.IsSystem(p.names.Entry(entry))
	}
	return p.entries[entry]
}

// count takes a delay. One that did not end with running is censored, however else it ended.
func (g *group) count(s *replay.Span) {
	switch {
	case s.Flags == 0 && s.Next == format.StateRunning:
		g.delays.Add(s.Len())
		g.parts.Add(&s.Delay)
	case s.Flags&replay.EndUnseen != 0:
		g.broken++
	case s.Flags&replay.AfterGap != 0:
		g.delays.AddFound(s.Len())
	default:
		g.delays.AddCensored(s.Len())
	}
}

func (g *group) merge(other *group) {
	g.delays.Merge(&other.delays)
	g.broken += other.broken
	g.parts.Add(&other.parts)
}
