package summary

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Measure, b.Measure), cmp.Compare(a.By, b.By), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Stack, b.Stack))
}

// find is where the group of a key is among groups in ascending order.
func find(groups []Group, key Key) (int, bool) {
	return slices.BinarySearchFunc(groups, key, func(g Group, k Key) int { return compareKeys(g.Key, k) })
}

// TimeNS is the time that the group's durations took, what was seen of censored ones
// included.
func (g *Group) TimeNS() int64 { return g.Hist.Sum() + g.Hist.CensoredSum() }

// BlockedNS is the time that goroutines at a site waited for something else than a time that they
// chose and, maybe, work. System calls are no waits.
func (g *Group) BlockedNS() int64 {
	if g.Measure != MeasureWait || replay.ClassOf(g.Name) == replay.ClassTimer {
		return 0
	}
	return g.TimeNS() - g.IdleNS
}

// builder gathers groups.
type builder map[Key]*Group

// add counts durations into a group, and gives it.
func (b builder) add(key Key, h *stats.Histogram, broken int64) *Group {
	g := b[key]
	if g == nil {
		g = &Group{Key: key}
		b[key] = g
	}
	g.Hist.Merge(h)
	g.Broken += broken
	return g
}

func (b builder) sorted() []Group {
	var out []Group
	for _, g := range b {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(x, y Group) int { return compareKeys(x.Key, y.Key) })
	return out
}

// heaviest are groups from the one with the most time down.
func heaviest(groups []*Group) []*Group {
	slices.SortFunc(groups, func(x, y *Group) int {
		return cmp.Or(cmp.Compare(y.TimeNS(), x.TimeNS()),
			compareKeys(x.Key, y.Key))
	})
	return groups
}

// bound puts the groups of each measure and grouping beyond the heaviest into one.
func (b builder) bound() {
	type sort struct {
		measure Measure
		by      By
	}
	sorts := map[sort][]*Group{}
	for _, g := range b {
		at := sort{g.Measure, g.By}
		sorts[at] = append(sorts[at], g)
	}
	for at, groups := range sorts {
		if len(groups) <= maxNames {
			continue
		}
		for _, g := range heaviest(groups)[maxNames-1:] {
			delete(b, g.Key)
			b.add(Key{Measure: at.measure, By: at.by, Name: other}, &g.Hist, g.Broken)
		}
	}
}

// delays are the groups of MeasureDelay.
func (p *Passes) delays(b builder, sum *replay.Summary) {
	names := sum.Names()
	if own := p.latency.Own(); sum.ByKind[format.KindThread] > 0 && own.Count()+own.Censored() > 0 {
		b.add(Key{Measure: MeasureDelay, By: ByNoCPUContention}, own, 0)
	}
	for _, g := range p.latency.Reasons(names) {
		b.add(Key{Measure: MeasureDelay, By: ByReason, Name: plain(g.Name)}, g.Delays, g.Broken)
		b.add(Key{Measure: MeasureDelay, By: ByTotal}, g.Delays, g.Broken)
	}
	for _, g := range p.latency.Entries(names) {
		b.add(Key{Measure: MeasureDelay, By: ByEntry, Name: plain(g.Name)}, g.Delays, g.Broken)
	}
}

// entries are the groups of waits, system calls and runs by entry function, and the total of runs.
func (p *Passes) entries(b builder) {
	for _, k := range p.blocking.Entries() {
		for measure, l := range map[Measure]blocking.Lengths{MeasureWait: k.Waits, MeasureCall: k.Calls,
			MeasureRunning: k.Runs} {
			if l.Count()+l.Censored()+l.Broken > 0 {
				b.add(Key{Measure: measure, By: ByEntry, Name: plain(k.Name)}, l.Histogram, l.Broken)
			}
		}
		if !k.System && k.Runs.Count()+k.Runs.Censored()+k.Runs.Broken > 0 {
			b.add(Key{Measure: MeasureRunning, By: ByTotal}, k.Runs.Histogram, k.Runs.Broken)
		}
	}
}

// waitsAndCalls are the groups that sites add up to.
func waitsAndCalls(b builder, sites []blocking.Site) {
	for i := range sites {
		s := &sites[i]
		if s.System {
			continue
		}
		add := func(by By, name string) { b.add(Key{Measure: measureOf(s), By: by, Name: name}, s.Lengths, s.Broken) }
		add(ByTotal, "")
		add(ByReason, reasonOf(s))
		if s.Syscall {
			continue
		}
		add(ByClass, s.Class.String())
		if replay.ForMutex(s.Reason, s.Stack) {
			add(ByContention, "")
		}
	}
}

func measureOf(s *blocking.Site) Measure {
	if s.Syscall {
		return MeasureCall
	}
	return MeasureWait
}

func reasonOf(s *blocking.Site) string {
	switch {
	case s.Other:
		return OtherReason
	case s.Reason == "":
		return UnknownReason
	}
	return plain(s.Reason)
}

// beyond is what is known of sites that were not kept.
type beyond struct {
	sites, mostNS int64
	sumNS         int64 // of waits, but those for a time and, maybe, for work
}

func (b *beyond) add(g *Group) {
	b.sites++
	b.mostNS = max(b.mostNS, g.TimeNS())
	b.sumNS += g.BlockedNS()
}

// sites adds the groups of the heaviest sites.
func (b builder) sites(sites []blocking.Site) (left beyond) {
	slices.SortFunc(sites, func(x, y blocking.Site) int {
		return cmp.Or(cmp.Compare(siteNS(&y), siteNS(&x)), cmp.Compare(x.Stack, y.Stack),
			cmp.Compare(x.Reason, y.Reason))
	})
	all, causes := builder{}, map[Key][]blocking.Shared{}
	for i := range sites {
		s := &sites[i]
		if s.System {
			continue
		}
		key := Key{Measure: measureOf(s), By: BySite, Name: reasonOf(s), Stack: functions(s.Stack)}
		_, known := all[key]
		g := all.add(key, s.Lengths, s.Broken)
		g.IdleNS += s.IdleNS
		causes[key] = append(causes[key], s.Causes...)
		if !known {
			g.Frame = plain(stack.Culprit(s.Stack))
		}
	}
	for i, g := range heaviest(slices.Collect(maps.Values(all))) {
		if i >= maxSites {
			left.add(g)
			continue
		}
		g.Causes = mostCauses(causes[g.Key])
		b[g.Key] = g
	}
	return left
}

func siteNS(s *blocking.Site) int64 { return s.Lengths.Sum() + s.Lengths.CensoredSum() }

// mostCauses are the causes that the most time went to, from the most down, those of a kind and
// name as one.
func mostCauses(list []blocking.Shared) []Cause {
	sums := map[Cause]int64{}
	for _, c := range list {
		sums[Cause{Kind: c.Kind.String(), Name: plain(c.Name)}] += c.NS
	}
	var out []Cause
	for c, ns := range sums {
		c.NS = ns
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return slices.Clip(out[:min(len(out), maxSiteCauses)])
}
