package goroutines

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
)

// present is the goroutines when the walk is asked. While it goes on, those with a span that has
// not ended are copies that have it, as if the trace ended then; what was seen at the places where
// they wait is without it.
type present struct {
	pass  *Pass
	open  map[replay.GoroutineID]*goroutine
	spans map[replay.GoroutineID]*replay.Span // those that have not ended
}

func (p *Pass) present(sum *replay.Summary) present {
	now := present{p, map[replay.GoroutineID]*goroutine{}, map[replay.GoroutineID]*replay.Span{}}
	spans := sum.Open()
	for i := range spans {
		s := &spans[i]
		if s.Thread {
			continue
		}
		id := replay.GoroutineID{PID: s.PID, GoID: s.GoID}
		g := &goroutine{GoroutineID: id, first: s.Begin}
		if known := p.alive.Find(s.PID, s.GoID); known != nil {
			*g = *known
		}
		g.take(s)
		now.open[id], now.spans[id] = g, s
	}
	return now
}

// find is nil where the goroutine is not alive.
func (now present) find(id replay.GoroutineID) *goroutine {
	if g := now.open[id]; g != nil {
		return g
	}
	return now.pass.alive.Find(id.PID, id.GoID)
}

// sorted are the goroutines that had a span, by id. Others have a snapshot's row that the replay
// did not believe.
func (now present) sorted() []*goroutine {
	out := make([]*goroutine, 0, now.pass.alive.Len())
	for _, g := range now.open {
		out = append(out, g)
	}
	for id, g := range now.pass.alive.All() {
		if now.open[id] == nil && g.spanned {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *goroutine) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.GoID, b.GoID))
	})
	return out
}
