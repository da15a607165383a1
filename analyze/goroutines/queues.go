package goroutines

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/internal/queue"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Awaited is how many goroutines waited for those of a group, and what these did.
type Awaited struct {
	Now     int64   `json:"now"`     // at the end
	Average float64 `json:"average"` // while observed
	Spent   []Spent `json:"spent"`   // what those that are waited for spent their time on, the most first
}

func (a *Awaited) average() float64 {
	if a == nil {
		return 0
	}
	return a.Average
}

// Spent is a part of goroutines' time.
type Spent struct {
	What  string  `json:"what"`
	At    string  `json:"at,omitempty"` // the function
	Share float64 `json:"share"`
}

const (
	// of the time of a goroutine's life, how long others must have waited for it, added up over
	// them, so that it is a bottleneck; and so that it is not called idle
	bottleneckShare, awaitedShare = 0.5, 0.1
	// of the time of a goroutine's life, how much it must have waited for others to be queued
	queuedShare = 0.2
	// lastingNS is how long a wait that has not ended must have lasted to say something
	lastingNS = 100_000_000
	// maxHops is how far it is looked for whom a goroutine waits in the end
	maxHops = 16
	// namedSpent is how much of what a goroutine spends its time on is named
	namedSpent = 2
)

// queues are who waits for whom when the walk is asked.
type queues struct {
	pass *Pass
	now  present
	sum  *replay.Summary
	// who waits now, in the end, for a goroutine or for those of a process with an entry function
	by map[*goroutine]crowd
	of map[entryOf]crowd
}

// crowd is goroutines that wait now.
type crowd struct {
	n, lasting int64
	sumNS      int64 // for how long, added up
}

func (c crowd) with(ns int64) crowd {
	c.n++
	c.sumNS += ns
	if ns >= lastingNS {
		c.lasting++
	}
	return c
}

type entryOf struct {
	pid   int32
	entry replay.EntryID
}

// queues looks for whom goroutines wait. Those of groups that have a verdict wait for nobody.
func (p *Pass) queues(groups []*Group, now present, sum *replay.Summary) *queues {
	q := &queues{p, now, sum, map[*goroutine]crowd{}, map[entryOf]crowd{}}
	for _, g := range groups {
		if g.Verdict != "" || g.State != stateNames[format.StateWaiting] {
			continue
		}
		for _, m := range g.members {
			q.count(m)
		}
	}
	return q
}

func (q *queues) count(m *goroutine) {
	last, k := q.root(m)
	ns := q.sum.EndOf(m.PID) - m.begin
	switch {
	case k.GoID != format.NoGoroutine:
		q.by[last] = q.by[last].with(ns)
	case k.Entry != replay.UnknownEntry:
		entry := entryOf{m.PID, k.Entry}
		q.of[entry] = q.of[entry].with(ns)
	}
}

// root is the goroutine that one waits for in the end, or the entry function of those. Who wait for
// each other wait for nobody.
func (q *queues) root(m *goroutine) (last *goroutine, k queue.Keeper) {
	for at, hops := m, 0; hops < maxHops; hops++ {
		next := q.keeper(at)
		if next == (queue.Keeper{}) {
			return at, k
		}
		if k = next; k.GoID == format.NoGoroutine {
			return nil, k
		}
		if at = q.now.find(replay.GoroutineID{PID: m.PID, GoID: k.GoID}); at == nil {
			return nil, queue.Keeper{}
		}
	}
	return nil, queue.Keeper{}
}

func (q *queues) keeper(m *goroutine) queue.Keeper {
	return q.pass.queue.Keeper(m.GoroutineID, queue.Place{PID: m.PID, State: m.state, Reason: m.reason, Stack: m.stack})
}

// account is what goroutines of a group spent their time on, and who waits for them.
type account struct {
	ids      []format.GoID
	life     int64
	blocked  int64
	awaited  int64
	now      int64
	running  int64
	runnable int64
	spells   map[queue.Place]int64
}

func (a *account) add(id format.GoID, g *queue.Goroutine, c crowd) {
	a.ids = append(a.ids, id)
	a.life += g.LifeNS
	a.blocked += g.BlockedNS
	a.awaited += g.AwaitedNS + c.sumNS
	a.now += c.n
	a.running += g.RunningNS
	a.runnable += g.RunnableNS
	if a.spells == nil {
		a.spells = map[queue.Place]int64{}
	}
	for i := range g.Spells {
		if k := &g.Spells[i]; k.NS > 0 {
			a.spells[k.Place] += k.NS
		}
	}
}

// accounts are those of all goroutines of a group and of those that are bottlenecks.
func (q *queues) accounts(group *Group) (all, bottlenecks account) {
	of := map[entryOf]bool{}
	for _, m := range group.members {
		g := q.pass.queue.Of(m.GoroutineID, q.now.spans[m.GoroutineID])
		c := q.by[m]
		all.add(m.GoID, &g, c)
		entry := entryOf{m.PID, m.entry}
		long := lived(g.LifeNS, q.sum.DurationOf(m.PID)) && share(g.AwaitedNS+c.sumNS, g.LifeNS) >= bottleneckShare
		free := q.keeper(m) == queue.Keeper{} && share(g.BlockedNS, g.LifeNS) < bottleneckShare
		if free && (long || c.lasting > 0 || q.of[entry].lasting > 0) {
			bottlenecks.add(m.GoID, &g, c)
			of[entry] = true
		}
	}
	for entry := range of {
		bottlenecks.now += q.of[entry].n
		bottlenecks.awaited += q.of[entry].sumNS
	}
	return all, bottlenecks
}

func share(part, whole int64) float64 { return float64(part) / float64(max(1, whole)) }

// lived says whether a life was long enough to say something of it.
func lived(ns, observed int64) bool { return ns*busyPart >= observed }

// spent is what goroutines spent their time on, the most first.
func (a *account) spent(names *replay.Names) []Spent {
	type key struct{ what, at string }
	sums := map[key]int64{{"running", ""}: a.running, {"runnable", ""}: a.runnable}
	for at, ns := range a.spells {
		text := names.Stack(at.Stack)
		sums[key{doing(names.Reason(at.Reason), text), stack.Function(stack.Culprit(text))}] += ns
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(x, y key) int {
		return cmp.Or(cmp.Compare(sums[y], sums[x]), cmp.Compare(x.what, y.what), cmp.Compare(x.at, y.at))
	})
	out := []Spent{}
	for _, k := range keys[:min(maxExamples, len(keys))] {
		if sums[k] > 0 {
			out = append(out, Spent{k.what, k.at, share(sums[k], a.life)})
		}
	}
	return out
}

// doing says what a goroutine does that waits or is in a system call.
func doing(reason, text string) string {
	switch class := replay.ClassAt(reason, text); {
	case class == replay.ClassNetwork:
		return transfer(text)
	case class == replay.ClassMutex:
		return "waiting for a lock"
	case class == replay.ClassTimer:
		return "asleep"
	case class == replay.ClassOther && reason != "": // a system call
		return "in " + reason
	case reason == "":
		return "in a system call"
	}
	return "waiting (" + reason + ")"
}

// transfer says what a goroutine does that waits for a descriptor.
func transfer(text string) string {
	t := stack.TransferOf(text)
	what := "a descriptor"
	switch {
	case t.File:
		what = "a pipe, a terminal or a file"
	case t.Network:
		what = "the network"
	}
	switch {
	case t.Connects && t.Direction == stack.DirectionWrite:
		return "waiting for a peer to answer"
	case t.Connects:
		return "waiting for a peer to connect"
	case t.Direction == stack.DirectionWrite:
		return "in a blocked write to " + what
	case t.Direction == stack.DirectionRead:
		return "waiting to read from " + what
	}
	return "waiting for " + what
}

// spentText names what most of the time is spent on.
func spentText(list []Spent) string {
	var parts []string
	for i := range list[:min(namedSpent, len(list))] {
		s := &list[i]
		if i > 0 && s.Share < awaitedShare {
			break
		}
		text := report.FormatShare(s.Share) + " " + s.What
		if s.At != "" {
			text += " (" + stack.Local(s.At) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// awaitedText says how many wait for n goroutines of a group.
func awaitedText(a *Awaited, n int) string {
	who, verb, average := "it", "wait", fmt.Sprintf("%.1f", a.Average)
	if n > 1 {
		who = "them"
	}
	if a.Now == 1 {
		verb = "waits"
	}
	switch {
	case a.Now == 0 && a.Average < 1:
		return fmt.Sprintf("somebody waited for %s %s of the time", who, report.FormatShare(a.Average))
	case a.Now == 0:
		return fmt.Sprintf("%s waited for %s on average", average, who)
	case a.Average < awaitedShare:
		return fmt.Sprintf("%s %s for %s", report.FormatCount(a.Now), verb, who)
	}
	return fmt.Sprintf("%s %s for %s, %s on average", report.FormatCount(a.Now), verb, who, average)
}
