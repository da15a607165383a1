package goroutines

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Census is how many goroutines of the program there were; the runtime's own are left out. What the
// trace cannot say is nil.
type Census struct {
	Start *int64 // when observation began
	End   *int64 // when it ended
}

// Census counts goroutines after the walk. Those that were there at the beginning were all seen
// only if the recording looked for them, in a snapshot, and lost nothing since. Lost events may
// have been exits: the number at the end is then known only if there was another snapshot.
func (p *Pass) Census(sum *replay.Summary) Census {
	var c Census
	start, end := p.begun, int64(0)
	for _, g := range p.present(sum).sorted() {
		if p.system(g) {
			continue
		}
		if g.before {
			start++
		}
		if g.end == sum.EndOf(g.PID) {
			end++
		}
	}
	snapshots := total(sum.AtStart) + total(sum.AtEnd)
	if snapshots > 0 && sum.Gaps == 0 && sum.Metadata().Unread() == 0 &&
		p.covers(sum.Metadata(), format.TransitionCreate) {
		c.Start = &start
	}
	seen := sum.Gaps == 0 && p.alive.Len() > 0 || total(sum.AtEnd) > 0
	if seen && sum.Metadata().Unread() == 0 && p.covers(sum.Metadata(), format.TransitionCreate,
		format.TransitionExit) {
		c.End = &end
	}
	return c
}

func total(byState [6]int64) (n int64) {
	for _, v := range byState {
		n += v
	}
	return n
}

// covers says whether these transitions were recorded of every process.
func (p *Pass) covers(meta *format.Metadata, transitions ...format.Transition) bool {
	for i := range meta.Processes {
		if !covered(meta, meta.Processes[i].PID, transitions...) {
			return false
		}
	}
	return true
}

// system says whether a goroutine is the runtime's own, by its entry function or what it waits for.
func (p *Pass) system(g *goroutine) bool {
	return stack.IsSystem(p.names.Entry(g.entry)) || g.state == format.StateWaiting &&
		replay.ClassOf(p.names.Reason(g.reason)) == replay.ClassSystem
}
