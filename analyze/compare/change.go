package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

const (
	maxPlaces = 200   // changes that a result has
	leastSeen = 0.001 // s/s below which a place is not compared
)

// changes are the places with the largest changes.
func (x *examiner) changes() []Change {
	out := []Change{}
	var p []float64
	for _, key := range keysOf(place.compare, x.a.places, x.b.places) {
		c, ok := x.change(key)
		if ok {
			out, p = append(out, c), append(p, c.P)
		}
	}
	for i, q := range stats.FalseDiscovery(p) {
		out[i].P, out[i].Q = rounded(p[i]), rounded(q)
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Head-b.Base), math.Abs(a.Head-a.Base)), cmp.Compare(a.Place, b.Place))
	})
	return out[:min(len(out), maxPlaces)]
}

func (x *examiner) change(key place) (Change, bool) {
	base, head := x.a.perSecond(x.a.places[key], spent.busyNS), x.b.perSecond(x.b.places[key], spent.busyNS)
	c := Change{
		Place: key.String(), Measure: string(key.measure), Reason: key.reason, Function: key.function,
		Base: rounded(average(base)), Head: rounded(average(head)),
		Frame: cmp.Or(heaviestFrame(x.b.places[key]), heaviestFrame(x.a.places[key])),
	}
	if max(c.Base, c.Head) < leastSeen {
		return c, false
	}
	t := compareValues(x.blocks, base, head, leastTime)
	c.P = t.P
	if c.Base > 0 && c.Head > 0 {
		c.Ratio = pointer(rounded(t.Ratio))
	}
	c.Waker, c.Cause = x.grownWaker(key, c.Head >= c.Base), x.grownCause(key, c.Head >= c.Base)
	return c, true
}

// grownWaker is who ends the waits at a place, and of whom there is more of all.
func (x *examiner) grownWaker(key place, more bool) *Growth {
	return x.grown(x.a.wakers[key], x.b.wakers[key], more, func(b by) bool { return b.name != "" })
}

// grownCause is what the goroutines at a place waited for in the end, and of what there is more of
// all.
func (x *examiner) grownCause(key place, more bool) *Growth {
	return x.grown(x.a.causes[key], x.b.causes[key], more, func(by) bool { return true })
}

// grown is the one of those that fit that changed most in the given direction; nil where none did.
func (x *examiner) grown(a, b map[by][]spent, more bool, fits func(by) bool) *Growth {
	list := x.growths(a, b, more, fits)
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// growths are those that fit and changed in the given direction, the one that did most first.
func (x *examiner) growths(a, b map[by][]spent, more bool, fits func(by) bool) []Growth {
	var out []Growth
	for _, key := range keysOf(by.compare, a, b) {
		if !fits(key) {
			continue
		}
		g := Growth{key.kind, key.name, rounded(average(x.a.perSecond(a[key], spent.busyNS))),
			rounded(average(x.b.perSecond(b[key], spent.busyNS)))}
		if change := g.change(); change > 0 && more || change < 0 && !more {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b Growth) int { return cmp.Compare(math.Abs(b.change()), math.Abs(a.change())) })
	return out
}

func (g *Growth) change() float64 { return g.Head - g.Base }

// heaviest are the groups of one sort with the most time in both sides.
func (x *examiner) heaviest(measure summary.Measure, by summary.By) []summary.Key {
	sums := map[summary.Key]int64{}
	for _, r := range x.recordings() {
		for i := range r.Groups {
			if g := &r.Groups[i]; g.Measure == measure && g.By == by {
				sums[g.Key] += g.TimeNS()
			}
		}
	}
	keys := make([]summary.Key, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b summary.Key) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a.Name, b.Name))
	})
	return keys[:min(len(keys), busiest)]
}
