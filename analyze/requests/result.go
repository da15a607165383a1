package requests

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the answer. It encodes to the document of `gosched requests --json`.
type Result struct {
	Version      int      `json:"version"`
	DurationNS   int64    `json:"duration_ns"` // observed
	watchedNS    int64    // of it: in windows less
	Events       int64    `json:"events"`
	ResolutionNS int64    `json:"time_resolution_ns"` // what the trace's times are multiples of
	Lead         []string `json:"lead"`               // the headline numbers in sentences
	// those that the network began first, then the parts of these, then others; each from the
	// largest sum down
	Groups   []Group          `json:"groups"`
	Uncut    []Uncut          `json:"uncut"` // goroutines of which no cycle can be told
	Ends     int64            `json:"ends"`  // goroutines that left their loops for good; that is no cycle
	Warnings []report.Warning `json:"warnings"`
}

// Group is the cycles of the goroutines of one entry function that begin at one place.
type Group struct {
	Entry string `json:"entry"`
	Top   *Top   `json:"top"` // where they begin; nil: at the creation of the goroutine, and they end with it
	// what began most of them, and what began the first of those that set each other going
	Begun cycle.Origin `json:"begun"`
	Root  cycle.Origin `json:"root"`
	// of Count, those in a cycle of who set them going, and so a part of it
	Within      int64              `json:"within"`
	Count       int64              `json:"count"`    // cycles seen from beginning to end
	Censored    int64              `json:"censored"` // not over when the recording was, or cut by lost events
	Unwaited    int64              `json:"unwaited"` // of Count, those that found what they began with, without waiting
	Rate        float64            `json:"rate"`     // a second
	Percentiles []stats.Percentile `json:"percentiles"`
	MaxNS       *int64             `json:"max_ns"`
	SumNS       int64              `json:"sum_ns"`
	States      []InState          `json:"states"` // of SumNS, what the goroutine did itself
	Parts       []Part             `json:"parts"`  // of SumNS, what it was in the end, the largest first
	Slowest     []Cycle            `json:"slowest"`
}

// Top is the top of a loop.
type Top struct {
	Reason string `json:"reason"` // of the waits there; empty where none was seen
	Frame  string `json:"frame"`  // the innermost that is not plumbing
}

// InState is the time in one state.
type InState struct {
	State cycle.State `json:"state"`
	NS    int64       `json:"ns"`
	Share float64     `json:"share"`
}

// Part is the time that was spent on one thing.
type Part struct {
	State cycle.State `json:"state"` // of the cycle's goroutine
	Cause
	NS    int64   `json:"ns"`
	Share float64 `json:"share"`
}

// small is the share of a group's time below which parts are put together.
const small = 0.002

// Cause is what time was spent on.
type Cause struct {
	Kind    blocking.Kind   `json:"kind"`
	Name    string          `json:"name"`
	Syscall string          `json:"syscall,omitempty"`
	Frame   string          `json:"frame,omitempty"`
	Chain   []blocking.Step `json:"chain,omitempty"` // the waits that lead to it, of several such the longest
	Text    string          `json:"text"`            // in few words
}

// Cycle is one of the slowest.
type Cycle struct {
	BeginNS  int64        `json:"begin_ns"` // since the Unix epoch
	LengthNS int64        `json:"length_ns"`
	PID      int32        `json:"pid"`
	GoID     format.GoID  `json:"goid"`
	Begun    cycle.Origin `json:"begun"`
	Steps    []Step       `json:"steps"`
}

// Step is a stretch of a cycle.
type Step struct {
	AtNS  int64       `json:"at_ns"` // since the cycle began
	NS    int64       `json:"ns"`
	State cycle.State `json:"state"`
	Cause
	MostNS int64 `json:"most_ns"` // of NS, what this was the cause of
}

// Uncut is goroutines of which no cycle can be told.
type Uncut struct {
	Why   string `json:"why"`
	Count int64  `json:"count"`
}

// uncut is why no cycle of a goroutine can be told.
type uncut uint8

const (
	uncutBefore uncut = iota
	uncutIdle
	uncutBlind
	uncutOnce
	numUncuts
)

var uncutTexts = [numUncuts]string{
	uncutBefore: "had begun before the recording and ended without coming back to a place",
	uncutIdle:   "waited at one place all the time",
	uncutBlind:  "waited at places that are not known, for want of a whole stack",
	uncutOnce:   "had not come back to a place by the end of the recording, nor ended",
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{Version: Version, watchedNS: sum.WatchedNS(), DurationNS: sum.DurationNS(), Events: sum.Events,
		ResolutionNS: max(1, sum.Metadata().TimeResolutionNS), Groups: []Group{}, Uncut: []Uncut{}, Ends: p.ends}
	m := maker{p, map[blocking.CauseID]Cause{}, sum.WatchedNS()}
	for _, g := range p.groups() {
		r.Groups = append(r.Groups, m.group(g))
	}
	sortGroups(r.Groups)
	counts := p.countUncut()
	for why, n := range counts {
		if n > 0 {
			r.Uncut = append(r.Uncut, Uncut{uncutTexts[why], n})
		}
	}
	r.Lead, r.Warnings = r.lead(), warnings(r, sum, p.percentiles())
	return r
}

// countUncut counts the goroutines without a cycle, those that are alive too.
func (p *Pass) countUncut() [numUncuts]int64 {
	counts := p.uncut
	for _, g := range p.goroutines.All() {
		switch {
		case g.system || g.cycles > 0:
		case g.blind:
			counts[uncutBlind]++
		case g.moved == 0:
			counts[uncutIdle]++
		default:
			counts[uncutOnce]++
		}
	}
	return counts
}

// named is a group with what it is called.
type named struct {
	entry string
	top   *spot // nil: from creation to exit
	*cycle.Group
}

// groups are the groups that have cycles: those of loops, and of each entry function the lives of
// goroutines that had none.
func (p *Pass) groups() []named {
	var out []named
	lives := map[string]*cycle.Group{}
	var entries []string
	for _, x := range p.order {
		name := p.names.Entry(x.entry)
		if x.isLoop(p.writes) {
			if x.cycles.Lengths != nil && x.cycles.Lengths.Count() > 0 {
				out = append(out, named{name, x, &x.cycles})
			}
			continue
		}
		if x.lives.Lengths == nil || x.beaten {
			continue
		}
		if lives[name] == nil {
			lives[name] = new(cycle.Group)
			entries = append(entries, name)
		}
		lives[name].Merge(&x.lives, p.keep())
	}
	for _, name := range entries {
		if lives[name].Lengths.Count() > 0 {
			out = append(out, named{name, nil, lives[name]})
		}
	}
	return out
}

// byNetwork says whether the network began most cycles of a group, if by way of other goroutines
// that went on without waiting for these.
func (g *Group) byNetwork() bool {
	return g.Begun == cycle.ByNetwork || g.Root == cycle.ByNetwork && 2*g.Within < g.Count
}

func sortGroups(list []Group) {
	rank := func(g *Group) int {
		switch {
		case g.byNetwork():
			return 0
		case g.Root == cycle.ByNetwork:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(b.SumNS, a.SumNS), cmp.Compare(a.Entry, b.Entry),
			cmp.Compare(a.at(), b.at()))
	})
}

// at is where the cycles of a group begin.
func (g *Group) at() string {
	if g.Top == nil {
		return ""
	}
	return g.Top.Frame
}

// maker makes groups.
type maker struct {
	*Pass
	causes     map[blocking.CauseID]Cause
	durationNS int64
}

func (m *maker) group(n named) Group {
	h := n.Lengths
	g := Group{Entry: n.entry, Begun: cycle.Commonest(&n.Origins), Root: cycle.Commonest(&n.Roots), Count: h.Count(),
		Censored: h.Censored(), Unwaited: n.Unwaited, Within: n.Within, SumNS: h.Sum(),
		Percentiles: h.Percentiles(m.percentiles()),
		Rate:        float64(h.Count()) * 1e9 / float64(max(1, m.durationNS)), MaxNS: new(h.Max()),
		States: []InState{}, Parts: []Part{}, Slowest: []Cycle{}}
	if n.top != nil {
		g.Top = &Top{Reason: m.names.Reason(n.top.reason), Frame: m.places.list[n.top.place].frame}
	}
	m.split(&g, n.Group)
	for i := range n.Slowest {
		g.Slowest = append(g.Slowest, m.slow(&n.Slowest[i]))
	}
	return g
}

// split fills in where the time went.
func (m *maker) split(g *Group, from *cycle.Group) {
	var states [cycle.NumStates]int64
	parts := map[partKey]*Part{}
	for _, w := range slices.SortedFunc(maps.Keys(from.Split), func(a, b cycle.What) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.ID, b.ID))
	}) {
		ns := from.Split[w]
		states[w.State] += ns
		c := m.cause(w.ID)
		key := partKey{w.State, c.Text}
		if parts[key] == nil {
			parts[key] = &Part{State: w.State, Cause: c}
		}
		parts[key].NS += ns
	}
	whole := float64(max(1, g.SumNS))
	m.foldSmall(parts, int64(small*whole))
	for s, ns := range states {
		if ns > 0 {
			g.States = append(g.States, InState{cycle.State(s), ns, float64(ns) / whole})
		}
	}
	for _, part := range parts {
		part.Share = float64(part.NS) / whole
		g.Parts = append(g.Parts, *part)
	}
	slices.SortStableFunc(g.States, func(a, b InState) int { return cmp.Compare(b.NS, a.NS) })
	slices.SortFunc(g.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.State, b.State), cmp.Compare(a.Text, b.Text))
	})
}

// foldSmall puts the parts below a limit together, by state.
func (m *maker) foldSmall(parts map[partKey]*Part, limit int64) {
	rest := m.cause(blocking.Various)
	for key, part := range parts {
		if part.NS >= limit || key.text == rest.Text {
			continue
		}
		delete(parts, key)
		to := partKey{key.state, rest.Text}
		if parts[to] == nil {
			parts[to] = &Part{State: key.state, Cause: rest}
		}
		parts[to].NS += part.NS
	}
}

// partKey is what a person tells parts apart by.
type partKey struct {
	state cycle.State
	text  string
}

func (m *maker) cause(id blocking.CauseID) Cause {
	c, ok := m.causes[id]
	if !ok {
		e := m.account.Explain(id)
		c = Cause{Kind: e.Kind, Name: e.Name, Syscall: e.Syscall, Frame: e.Frame, Chain: e.Chain, Text: e.Brief()}
		m.causes[id] = c
	}
	return c
}

func (m *maker) slow(c *cycle.Cycle) Cycle {
	out := Cycle{BeginNS: c.Begin, LengthNS: c.Len(), PID: c.PID, GoID: c.GoID, Begun: c.Origin, Steps: []Step{}}
	for _, s := range c.Steps {
		out.Steps = append(out.Steps, Step{AtNS: s.Begin - c.Begin, NS: s.End - s.Begin, State: s.State,
			Cause: m.cause(s.ID), MostNS: s.Most})
	}
	return out
}

// place is where a cause's code is, in short.
func (c *Cause) place() string { return stack.Position(c.Frame) }
