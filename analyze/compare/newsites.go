package compare

import (
	"cmp"
	"fmt"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
)

func (x *examiner) newSites(limit policy.Limit) []Found {
	if x.unkept(limit.Floor) {
		return nil
	}
	var out []Found
	moved := map[place]bool{}
	for _, key := range keysOf(place.compare, x.b.places) {
		base, head := x.a.perSecond(x.a.places[key], spent.busyNS), x.b.perSecond(x.b.places[key], spent.busyNS)
		f := Found{What: key.String(), Where: key.function, Frame: heaviestFrame(x.b.places[key]), Base: average(base),
			Head: average(head), severity: average(head)}
		if f.Head < limit.Floor || key.isVague() {
			continue
		}
		in := [2]int{above(base, seenPart*limit.Floor), above(head, seenPart*limit.Floor)}
		if !x.appeared(&f, in, x.all(), f.Head >= grossFactor*limit.Floor && total(x.b.places[key]) >= grossCount) {
			continue
		}
		f.Text = fmt.Sprintf("new blocking site: %s (%s): %s, %s", key, stack.Position(f.Frame),
			report.FormatPerSecond(f.Head),
			inRuns(&f, x.all()))
		if from, ok := x.movedFrom(key, moved); ok {
			f.Outcome, f.Text = OutcomeNoted, fmt.Sprintf("moved: %s waits as %s did", key, from)
		}
		out = append(out, f)
	}
	return out
}

// isVague says whether a place is none: the stack was lost, or it stands for several.
func (p place) isVague() bool { return p.function == "" || isVague(p.reason) }

func isVague(reason string) bool {
	return reason == "" || reason == summary.UnknownReason || reason == summary.OtherReason
}

// unkept says whether a site that base's summaries left out may have had as much time as that.
func (x *examiner) unkept(floor float64) bool {
	for _, r := range x.a.recordings {
		if float64(r.Info.BeyondNS) >= floor*float64(r.Info.RateNS()) {
			return true
		}
	}
	return false
}

func total(list []spent) (n int64) {
	for _, s := range list {
		n += s.count
	}
	return n
}

// likeness is how much time and counts may differ for a place to be another under a new name.
const likeness = 1.5

// movedFrom is a place that head lacks and whose waits were like those at a place that base lacks:
// the function has got a new name. Each place moves once.
func (x *examiner) movedFrom(to place, moved map[place]bool) (place, bool) {
	busy, times := average(x.b.perSecond(x.b.places[to], spent.busyNS)), average(x.b.perSecond(x.b.places[to], countOf))
	for _, from := range keysOf(place.compare, x.a.places) {
		if from.reason != to.reason || from.measure != to.measure || present(x.b.places[from]) > 0 || moved[from] {
			continue
		}
		was := x.a.places[from]
		if alike(busy, average(x.a.perSecond(was, spent.busyNS))) &&
			alike(times, average(x.a.perSecond(was, countOf))) {
			moved[from] = true
			return from, true
		}
	}
	return place{}, false
}

func countOf(s spent) int64 { return s.count }

func alike(a, b float64) bool { return max(a, b) <= likeness*min(a, b) }

func (x *examiner) newReasons(limit policy.Limit) []Found {
	b := byReason(x.b)
	var out []Found
	for _, reason := range keysOf(cmp.Compare[string], b) {
		head := x.b.perSecond(b[reason], spent.busyNS)
		f := Found{What: reason, Head: average(head), severity: average(head)}
		if isVague(reason) || f.Head < limit.Floor {
			continue
		}
		in := [2]int{above(x.base.waits(reason), seenPart*limit.Floor), above(head, seenPart*limit.Floor)}
		if !x.appeared(&f, in, x.all(), f.Head >= grossFactor*limit.Floor && total(b[reason]) >= grossCount) {
			continue
		}
		f.Text = fmt.Sprintf("new wait reason: %s: %s, %s", reason, report.FormatPerSecond(f.Head), inRuns(&f, x.all()))
		out = append(out, f)
	}
	return out
}

func byReason(s *survey) map[string][]spent {
	out := map[string][]spent{}
	for i, r := range s.recordings {
		for j := range r.Groups {
			if g := &r.Groups[j]; g.By == summary.BySite && g.Measure == summary.MeasureWait {
				add(out, g.Name, siteSpent(i, g))
			}
		}
	}
	return out
}
