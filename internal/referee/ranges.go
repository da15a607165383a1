package referee

import (
	"slices"

	"github.com/gosched/gosched/format"
)

// Range is something that lasted: a GC cycle's mark phase, a stop of the world.
type Range struct {
	Name     string // as Go's tracer calls it
	From, To int64  // To is 0 where the end was not seen
}

// both reports whether both recorders have ranges of a name. gosched has none of assists and
// sweeps.
func both(name string) bool {
	why, stops := format.IsStopTheWorld(name)
	return stops && why != "" || format.ParseReason(name) == format.ReasonMarkPhase
}

// startName is the range whose begin Go's tracer writes late: the world was stopped before it was
// on.
var startName = format.StopTheWorld("start trace")

// ranges compares the ranges that began while the tracer was on, by name and order.
func (c *comparison) ranges() {
	theirs, ours := c.within(c.tracer.Ranges), c.within(c.ours.Ranges)
	t := &c.report.Ranges
	for _, p := range align(names(theirs), names(ours)) {
		t.Compared++
		switch {
		case p.b < 0:
			c.report.note("range %q at %d is missing", theirs[p.a].Name, theirs[p.a].From)
		case p.a < 0:
			c.report.note("range %q at %d is extra", ours[p.b].Name, ours[p.b].From)
		default:
			t.Equal++
			c.report.Met["range "+ours[p.b].Name]++
		}
	}
}

func (c *comparison) within(ranges []Range) (in []Range) {
	for _, r := range ranges {
		if r.Name != startName && r.From >= c.tracer.Begin && r.From <= c.tracer.End {
			in = append(in, r)
		}
	}
	slices.SortStableFunc(in, func(a, b Range) int { return int(a.From - b.From) })
	return in
}

func names(ranges []Range) []string {
	n := make([]string, len(ranges))
	for i, r := range ranges {
		n[i] = r.Name
	}
	return n
}
