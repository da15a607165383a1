package simsched

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/format"
)

// Window is a time in which probes are attached.
type Window struct{ Begin, End int64 }

// Cut is a trace as it would have been recorded with probes attached in these windows alone, which are
// in ascending order: the rest is gaps for the budget. With read, all goroutines are read from memory at
// each window's beginning.
func Cut(trace *format.Memory, windows []Window, read bool) *format.Memory {
	c := &cutter{in: trace, out: format.NewMemory(trace.Meta), alive: map[alive]format.Event{}}
	for id := 1; id < trace.Reasons().Len(); id++ {
		c.out.Reasons().Intern(trace.Reasons().Lookup(format.StringID(id)))
	}
	for id := 1; id < trace.Stacks().Len(); id++ {
		c.out.Stacks().Intern(trace.Stacks().Lookup(format.StringID(id)))
	}
	c.budget = c.out.Reasons().Intern(format.ReasonBudget.String())
	end := trace.Meta.EndNS
	last := trace.Meta.StartNS
	for _, w := range windows {
		c.skip(last, w.Begin)
		if read && w.Begin > trace.Meta.StartNS {
			c.read(w.Begin)
		}
		c.copy(w.End)
		last = w.End
	}
	c.skip(last, end)
	return c.out
}

// alive tells goroutines apart.
type alive struct {
	pid  int32
	goid format.GoID
}

type cutter struct {
	in, out *format.Memory
	at      int
	budget  format.StringID
	alive   map[alive]format.Event // as snapshots would show them
}

// skip leaves out what happened before end, but for what takes no probe.
func (c *cutter) skip(begin, end int64) {
	if begin >= end {
		return
	}
	gap := format.NoEvent
	gap.Kind, gap.TimeNS, gap.EndNS, gap.Reason, gap.PID = format.KindGap, begin, end, c.budget, format.Unknown
	c.out.Append(gap)
	for ; c.at < c.in.Events.Len() && c.in.Events.TimeNS[c.at] < end; c.at++ {
		e := c.in.Events.At(c.at)
		c.follow(e)
		if e.Kind == format.KindLimit {
			c.out.Append(e)
		}
	}
}

func (c *cutter) copy(end int64) {
	for ; c.at < c.in.Events.Len() && c.in.Events.TimeNS[c.at] < end; c.at++ {
		e := c.in.Events.At(c.at)
		c.follow(e)
		if e.EndNS > end {
			e.EndNS = end
		}
		c.out.Append(e)
	}
}

// follow keeps what a goroutine's memory would show.
func (c *cutter) follow(e format.Event) {
	if e.Kind != format.KindGoroutine && e.Kind != format.KindSnapshot {
		return
	}
	id := alive{e.PID, e.GoID}
	if e.To == format.StateNotExist {
		delete(c.alive, id)
		return
	}
	shot := format.NoEvent
	shot.Kind, shot.PID, shot.GoID, shot.To, shot.Reason = format.KindSnapshot, e.PID, e.GoID, e.To, e.Reason
	if shot.Stack = e.Stack; e.Stack == format.NullString {
		shot.Stack = c.alive[id].Stack
	}
	switch e.To {
	case format.StateRunning:
		shot.Proc, shot.Reason = e.Proc, format.NullString
	case format.StateRunnable:
		shot.Reason = format.NullString
	}
	c.alive[id] = shot
}

// read appends all goroutines, as they are.
func (c *cutter) read(t int64) {
	list := make([]format.Event, 0, len(c.alive))
	for _, e := range c.alive {
		e.TimeNS = t
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b format.Event) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.GoID, b.GoID))
	})
	for _, e := range list {
		c.out.Append(e)
	}
}
