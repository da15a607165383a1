package record

import "github.com/gosched/gosched/format"

// tell has the trace know what is not watched, up to about now.
func (g *governing) tell(at int64) {
	switch {
	case !g.resting():
		if at-g.window.toldNS >= unwatchedEvery {
			g.tellUnwatched(at)
		}
	case at >= g.window.toldNS:
		g.gaps(min(max(g.plan.OffUntilNS, at), g.window.toldNS+longestGap), causes[g.plan.Why])
	default:
		g.gaps(g.window.toldNS, causes[g.plan.Why]) // for processes that have come
	}
}

// gaps writes that nothing was watched from what is told on to a time.
func (g *governing) gaps(end int64, why format.Reason) {
	g.each(func(sub *subject) {
		begin := max(sub.toldNS, g.tookOff, sub.beginNS)
		if begin < end {
			sub.gap(begin, end, 0, why)
			sub.toldNS = end
		}
	})
	g.window.toldNS = max(g.window.toldNS, end)
}

// tellUnwatched writes which classes were not watched, from what is told on to a time, while others
// were.
func (g *governing) tellUnwatched(end int64) {
	begin := g.window.toldNS
	if end <= begin {
		return
	}
	g.window.toldNS = end
	for c, wanted := range g.cfg.Wanted {
		if why, ok := format.Unwatched(classes[c]); ok && wanted && !g.on[c] {
			g.each(func(sub *subject) { sub.unwatched(max(begin, sub.beginNS), end, why) })
		}
	}
}
