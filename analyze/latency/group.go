package latency

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
)

// Group is the delays of one reason or one entry function, whole. The histogram is the pass's own
// and not to be changed.
type Group struct {
	Name   string
	System bool // of an entry function: one of the runtime's own
	Delays *stats.Histogram
	Broken int64
}

// Reasons are the delays of the program's goroutines by why they became runnable, in the order of
// their names. Those of the runtime's own are left out.
func (p *Pass) Reasons(names *replay.Names) []Group { return groupsOf(p.program.groups(names)) }

// Entries are the delays by entry function, in the order of their names.
func (p *Pass) Entries(names *replay.Names) []Group { return groupsOf(p.entryGroups(names)) }

func groupsOf(list []named) []Group {
	var out []Group
	for _, g := range mergeByName(list) {
		out = append(out, Group{g.name, g.system, &g.delays.Histogram, g.broken})
	}
	return out
}

// Parts is the breakdown of the program's delays that were seen whole; nil where nothing is known of
// it.
func (p *Pass) Parts(sum *replay.Summary) *replay.Delay {
	total := mergeAll(p.program.groups(sum.Names()))
	if !total.known(sum) {
		return nil
	}
	return &total.parts
}

// Own are the delays of the program's goroutines without the time in which a thread was ready and
// had no CPU or the process was stopped: what others on the machine do is not in it. Censored delays
// are left out. It says something only where the trace has thread events.
func (p *Pass) Own() *stats.Histogram { return &p.own }
