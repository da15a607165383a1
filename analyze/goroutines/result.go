package goroutines

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the answer. It encodes to the document of `gosched goroutines --json`.
type Result struct {
	Version    int              `json:"version"`
	DurationNS int64            `json:"duration_ns"` // observed
	Goroutines int64            `json:"goroutines"`  // at the end
	Ended      int64            `json:"ended"`       // while observed
	Groups     []Group          `json:"groups"`      // the most numerous first
	Profile    *ProfileSummary  `json:"profile"`     // nil without one
	Warnings   []report.Warning `json:"warnings"`
	Lead       []string         `json:"lead"` // the headline numbers in sentences
}

// Group is goroutines that stand at the same place and come from the same go statement.
type Group struct {
	PID        int32         `json:"pid"`
	Count      int64         `json:"count"`
	State      string        `json:"state"` // "unknown" where the trace lost sight of them
	Reason     string        `json:"reason,omitempty"`
	Class      string        `json:"class,omitempty"` // of the reason
	Entry      string        `json:"entry"`
	System     bool          `json:"system"` // the runtime's own
	Stack      string        `json:"stack"`  // root first
	CreatedBy  string        `json:"created_by,omitempty"`
	GoIDs      []format.GoID `json:"goids"`       // the first few
	Creators   []format.GoID `json:"creators"`    // the first few goroutines that created them
	OldestNS   int64         `json:"oldest_ns"`   // how long the first of them has been in this state, at least
	YoungestNS int64         `json:"youngest_ns"` // how long the last of them has, at least
	AtLeast    bool          `json:"at_least"`    // some were in this state when observation began
	Created    int64         `json:"created"`     // of them, while observed
	NeverWoken int64         `json:"never_woken"` // of them, while observed
	Woken      int64         `json:"woken"`       // times
	Waits      int64         `json:"waits"`       // begun or seen
	WaitingNS  int64         `json:"waiting_ns"`
	RunningNS  int64         `json:"running_ns"`
	RunnableNS int64         `json:"runnable_ns"`
	SyscallNS  int64         `json:"syscall_ns"`
	Ended      int64         `json:"ended"` // goroutines of the same origin that ended while observed
	Here       *Site         `json:"here"`  // nil where they do not wait
	Verdict    string        `json:"verdict,omitempty"`
	Awaited    *Awaited      `json:"awaited,omitempty"` // of a bottleneck
	Behind     format.GoID   `json:"behind,omitempty"`  // of a stuck or queued group: who keeps it waiting
	Evidence   string        `json:"evidence"`
	Profile    *GroupProfile `json:"profile,omitempty"`

	class      replay.Class
	members    []*goroutine
	attendants int64 // goroutines that wait for the network and come from the same function
	site       *site
	thirds     [3]int64 // of the goroutines that were created: in which third of the observed time
	lasting    [3]int64 // those of thirds that have waited longer than can be explained
}

// Site is what was seen of all waits at a site: a place in the code, with a reason.
type Site struct {
	Ended    int64 `json:"ended"`    // waits whose end was seen
	Censored int64 `json:"censored"` // waits whose beginning or end was not seen
	// of the waits' lengths: shownPercentiles
	Percentiles []stats.Percentile `json:"percentiles"`
	MaxNS       int64              `json:"max_ns"` // the longest that ended, at least
	Wakers      []Waker            `json:"wakers"` // the most frequent first
}

// Waker is code that ended waits.
type Waker struct {
	Name  string `json:"name"` // its function, or "netpoll", "timer", …
	Stack string `json:"stack,omitempty"`
	Count int64  `json:"count"`
	SumNS int64  `json:"sum_ns"` // the length of those waits
}

// maxExamples is how many ids and wakers of a group are listed.
const maxExamples = 10

// Result is the answer after a walk, given what the walk says of the trace, laid beside a profile
// if there is one.
func (p *Pass) Result(sum *replay.Summary, prof *profile.Profile) *Result {
	r := &Result{Version: Version, DurationNS: sum.DurationNS(), Groups: []Group{}}
	for _, k := range p.origins.of {
		r.Ended += k.ended
	}
	r.Ended += p.origins.beyond
	now := p.present(sum)
	groups := p.groups(now, sum)
	for _, g := range groups {
		r.Goroutines += g.Count
	}
	if prof != nil {
		r.Profile = join(groups, sum, prof)
	}
	attend(groups)
	suspects := p.suspects(groups, now, sum)
	for _, s := range suspects {
		s.judge(leaks)
	}
	q := p.queues(groups, now, sum)
	for _, s := range suspects {
		s.all, s.bottlenecks = q.accounts(s.Group)
		s.judge(rules)
		r.Groups = append(r.Groups, *s.Group)
	}
	r.Lead, r.Warnings = r.lead(), warnings(r, p, sum)
	return r
}

// groupKey is what the goroutines of a group have in common.
type groupKey struct {
	originKey
	state         format.State
	reason, stack format.StringID
}

func (p *Pass) groups(now present, sum *replay.Summary) []*Group {
	byKey := map[groupKey]*Group{}
	for _, g := range now.sorted() {
		key := g.key(p.names, sum.EndOf(g.PID))
		group := byKey[key]
		if group == nil {
			group = p.newGroup(key)
			byKey[key] = group
		}
		group.include(g, sum)
	}
	var out []*Group
	for _, g := range byKey {
		out = append(out, g)
	}
	slices.SortFunc(out, compareGroups)
	return out
}

func compareGroups(a, b *Group) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.PID, b.PID), cmp.Compare(a.GoIDs[0], b.GoIDs[0]))
}

// key tells groups apart. The state of a goroutine that was not seen since a gap is not known.
func (g *goroutine) key(names *replay.Names, end int64) groupKey {
	key := groupKey{g.origin(names), g.state, g.reason, g.stack}
	if g.end < end {
		key.state = format.StateUnknown
	}
	if key.state != format.StateWaiting && key.state != format.StateSyscall {
		key.reason = format.NullString
	}
	if key.state == format.StateRunning || key.state == format.StateUnknown {
		key.stack = format.NullString
	}
	return key
}

var stateNames = map[format.State]string{
	format.StateUnknown: "unknown", format.StateRunnable: "runnable", format.StateRunning: "running",
	format.StateSyscall: "syscall", format.StateWaiting: "waiting",
}

func (p *Pass) newGroup(key groupKey) *Group {
	g := &Group{
		PID: key.pid, State: stateNames[key.state], Reason: p.names.Reason(key.reason), Entry: p.names.Entry(key.entry),
		Stack:     p.names.Stack(key.stack),
		CreatedBy: key.createdBy, GoIDs: []format.GoID{}, Creators: []format.GoID{},
	}
	g.System = strings.HasPrefix(g.Entry, "runtime.") && g.Entry != "runtime.main"
	if k := p.origins.of[key.originKey]; k != nil {
		g.Ended = k.ended
	}
	if key.state == format.StateWaiting {
		g.class = replay.ClassAt(g.Reason, g.Stack)
		g.Class = g.class.String()
		g.System = g.System || g.class == replay.ClassSystem
		g.site = p.sites.of[siteKey{key.pid, key.reason, key.stack}]
		g.Here = g.site.whole(p.names)
	}
	return g
}

// growthFactor is how many times longer than any wait that ended one must be to be called lasting.
const growthFactor = 10

// youngShare is the part of the observed time that a wait must have lasted to be called lasting.
const youngShare = 20

// include counts a goroutine in.
func (g *Group) include(m *goroutine, sum *replay.Summary) {
	age, observed := sum.EndOf(m.PID)-m.begin, sum.DurationOf(m.PID)
	if g.Count == 0 || age < g.YoungestNS {
		g.YoungestNS = age
	}
	g.OldestNS = max(g.OldestNS, age)
	g.Count++
	g.AtLeast = g.AtLeast || m.flags&replay.CensoredLeft != 0
	g.Woken += m.woken
	g.Waits += m.waits
	g.WaitingNS += m.waitingNS
	g.RunningNS += m.runningNS
	g.RunnableNS += m.runnableNS
	g.SyscallNS += m.syscallNS
	if m.woken == 0 {
		g.NeverWoken++
	}
	if m.created {
		g.Created++
		third := int(min(2, 3*(m.first-sum.BeginNS)/max(1, observed)))
		g.thirds[third]++
		if g.site != nil && age >= observed/youngShare && age > growthFactor*g.site.longestNS {
			g.lasting[third]++
		}
	}
	if len(g.GoIDs) < maxExamples {
		g.GoIDs = append(g.GoIDs, m.GoID)
	}
	if m.creator != format.NoGoroutine && len(g.Creators) < maxExamples && !slices.Contains(g.Creators, m.creator) {
		g.Creators = append(g.Creators, m.creator)
	}
	g.members = append(g.members, m)
}

// shownPercentiles are those of the lengths of waits.
var shownPercentiles = []stats.Quantile{stats.P50, stats.P99}

// whole is nil where the site was not told apart.
func (w *site) whole(names *replay.Names) *Site {
	if w == nil {
		return nil
	}
	out := &Site{Ended: w.ended, Censored: w.lengths.Censored(), MaxNS: w.longestNS, Wakers: []Waker{},
		Percentiles: w.lengths.Percentiles(shownPercentiles)}
	for key, k := range w.wakers {
		name := names.Reason(key.reason)
		if text := names.Stack(key.stack); text != "" {
			name = stack.Function(stack.Culprit(text))
		}
		if name == "" {
			name = "unknown"
		}
		out.Wakers = append(out.Wakers, Waker{name, names.Stack(key.stack), k.count, k.sumNS})
	}
	slices.SortFunc(out.Wakers, func(a, b Waker) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Stack, b.Stack))
	})
	out.Wakers = out.Wakers[:min(len(out.Wakers), maxExamples)]
	return out
}
