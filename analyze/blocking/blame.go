package blocking

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// blame sums what nodes were the answer to by the causes at their ends.
type blame struct {
	*Pass
	spans   int64               // those that are in it
	credits []credits           // of the processes
	groups  map[causeKey]*group // of everything that blocked goroutines of the program
	delayed map[causeKey]*group // of runnable goroutines alone
	bySite  map[cause.Site]map[causeKey]*group
}

// group is the nodes of one cause.
type group struct {
	causeKey
	total
	direct, idle int64
	evidence     evidence
	stacks       map[uint32]int64
	chain        cause.ID // the heaviest
	chainBusy    int64    // its time in which nobody can have been waiting for work
	chainLeads   bool     // it has waits, and is not the cause itself
}

// blame sums up what there is, once for as many spans.
func (p *Pass) blame() *blame {
	if p.blamed == nil || p.blamed.spans != p.spans {
		p.blamed = newBlame(p)
	}
	return p.blamed
}

func newBlame(p *Pass) *blame {
	b := &blame{Pass: p, spans: p.spans, groups: map[causeKey]*group{}, delayed: map[causeKey]*group{},
		bySite: map[cause.Site]map[causeKey]*group{}}
	totals := b.totals()
	for id, t := range totals {
		if t.ns > 0 {
			b.charge(cause.ID(id), t)
		}
	}
	for id, t := range totals {
		if t.times == 0 {
			continue
		}
		if g := b.groups[b.key(cause.ID(id))]; g != nil { // nil: it blocked nobody
			g.times += t.times
		}
	}
	b.weigh(totals)
	return b
}

// totals are those of all processes, by cause.ID.
func (b *blame) totals() []total {
	var all [][]total
	for _, pid := range slices.Sorted(maps.Keys(b.processes)) {
		totals, credits := b.credit(b.processes[pid])
		all, b.credits = append(all, totals), append(b.credits, credits)
	}
	out := make([]total, b.nodes.Len())
	for _, totals := range all {
		for id := range totals[:min(len(totals), len(out))] {
			t := &totals[id]
			out[id].count += t.count
			out[id].ns += t.ns
			out[id].idle += t.idle
			out[id].delayed += t.delayed
			out[id].delays += t.delays
			out[id].times += t.times
		}
	}
	return out
}

// charge counts the time of a node to the cause at its end.
func (b *blame) charge(id cause.ID, t total) {
	n := b.nodes.At(id)
	leaf := b.nodes.At(n.Leaf)
	key := b.key(n.Leaf)
	if n.Kind != cause.Wait {
		if t.delayed > 0 {
			g := groupOf(b.delayed, key)
			g.charge(n, leaf, id, total{count: t.delays, ns: t.delayed})
			g.times += t.delays
		}
		if !b.blocks(n, leaf) {
			return
		}
		g := groupOf(b.groups, key)
		g.charge(n, leaf, id, t)
		g.direct += t.ns
		return
	}
	site := cause.Site(n.Where)
	if b.bySite[site] == nil {
		b.bySite[site] = map[causeKey]*group{}
	}
	groupOf(b.bySite[site], key).charge(n, leaf, id, t)
	if !b.blocks(n, leaf) {
		return
	}
	g := groupOf(b.groups, key)
	g.charge(n, leaf, id, t)
	g.idle += t.idle
}

// blocks says whether a node's time blocked goroutines of the program. A goroutine's own wait for
// the outside blocks nobody, unless it is to write, and what is beside another's wait is in that one.
func (b *blame) blocks(n, leaf *cause.Node) bool {
	if n.Kind != cause.Wait {
		return !isNever(leaf)
	}
	site := b.sites.list[n.Where]
	return !site.system && site.beside == "" && (n.Depth > 1 || site.writes || !outside(leaf))
}

// isNever says whether the recording ended before what it is about.
func isNever(leaf *cause.Node) bool {
	return leaf.Kind == KindUnknown && leaf.Where == uint32(cause.WhyNever)
}

// outside says whether a cause lies outside the program's goroutines.
func outside(leaf *cause.Node) bool {
	switch leaf.Kind {
	case KindNetwork, KindTimer, KindRuntime:
		return true
	case KindUnknown:
		return isNever(leaf) || leaf.Where == uint32(cause.WhyWaker)
	}
	return false
}

func groupOf(m map[causeKey]*group, key causeKey) *group {
	if m[key] == nil {
		m[key] = &group{causeKey: key, stacks: map[uint32]int64{}}
	}
	return m[key]
}

func (g *group) charge(n, leaf *cause.Node, id cause.ID, t total) {
	first := g.ns == 0
	g.count += t.count
	g.ns += t.ns
	g.stacks[leaf.Where] += t.ns
	busy := t.ns - t.idle
	leads := n.Kind == cause.Wait && busy > 0
	if first || leads && !g.chainLeads || leads == g.chainLeads && busy > g.chainBusy {
		g.chain, g.chainBusy, g.chainLeads = id, busy, leads
	}
}

// collects says whether a stack is that of the garbage collector at work: one of its workers, or a
// goroutine that has to help it because it allocates.
func collects(text string) bool {
	return strings.HasPrefix(text, "runtime.gcBgMarkWorker ") || strings.Contains(text, ";runtime.gcBgMarkWorker ") ||
		strings.Contains(text, ";runtime.gcAssistAlloc ")
}

// hasStack says whether the where of a cause of the kind is a stack.
func hasStack(k Kind) bool {
	switch k {
	case KindRunning, KindQueued, KindNetwork, KindTimer, KindRuntime, KindSyscall, KindHeld:
		return true
	}
	return false
}

// blocked is the group's time without that in which goroutines may have been waiting for work.
func (g *group) blocked() int64 { return g.ns - g.idle }

// idleWeight is what idle time counts when causes are ranked: where all else is next to nothing,
// what idle goroutines wait for is the best answer.
const idleWeight = 0.01

func (g *group) score() float64 {
	if g.kind == KindUnknown {
		return 0
	}
	return float64(g.blocked()) + idleWeight*float64(g.idle)
}

// causes are the groups, by their scores and the unknown last, and the sums of blocked and of idle
// time.
func (b *blame) causes() (list []Cause, blocked, idle int64) { return b.ranked(b.groups) }

func (b *blame) delays() []Cause {
	out, _, _ := b.ranked(b.delayed)
	return out
}

func (b *blame) ranked(groups map[causeKey]*group) (out []Cause, blocked, idle int64) {
	list := sorted(groups)
	for _, g := range list {
		blocked += g.blocked()
		idle += g.idle
	}
	out = []Cause{}
	for _, g := range list {
		out = append(out, b.cause(g, blocked))
	}
	return out, blocked, idle
}

func sorted(groups map[causeKey]*group) []*group {
	list := make([]*group, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(x, y *group) int {
		return cmp.Or(cmp.Compare(y.score(), x.score()), cmp.Compare(y.ns, x.ns), cmp.Compare(x.kind, y.kind),
			cmp.Compare(x.name, y.name), cmp.Compare(x.syscall, y.syscall))
	})
	return list
}

func (b *blame) cause(g *group, sum int64) Cause {
	c := Cause{
		Kind: g.kind, Name: g.name, Own: g.own, Syscall: g.syscall,
		BlockedNS: g.blocked(), Count: g.count, DirectNS: g.direct,
		IdleNS: g.idle, Times: max(1, g.times), Share: shareOf(g.blocked(), sum), Chain: b.steps(g.chain),
		ChainNS: g.chainBusy,
	}
	c.Samples, c.ErrorNS = g.evidence.samples, int64(math.Sqrt(g.evidence.variance))
	c.Until = 2*g.evidence.until > g.ns
	if hasStack(g.kind) {
		c.Stack = b.names.Stack(format.StringID(heaviest(g.stacks)))
		c.Frame = stack.Culprit(c.Stack)
	}
	return c
}

// heaviest is the key with the largest value, the smallest of those.
func heaviest(m map[uint32]int64) uint32 {
	var best uint32
	most := int64(-1)
	for k, v := range m {
		if v > most || v == most && k < best {
			best, most = k, v
		}
	}
	return best
}

// steps are the waits that lead to a cause.
func (b *blame) steps(id cause.ID) []Step {
	var out []Step
	for n := b.nodes.At(id); n.Kind == cause.Wait; n = b.nodes.At(n.Tail) {
		site := b.sites.list[n.Where]
		text := b.names.Stack(site.stack)
		out = append(out, Step{Reason: b.names.Reason(site.reason), Frame: stack.Culprit(text), Stack: text,
			Elided: n.Elided})
	}
	return out
}

// takers are who had the CPU while threads wanted it.
func (b *blame) takers() []Shared {
	var list []*group
	var sum int64
	for _, g := range sorted(b.groups) {
		if g.kind == KindOffCPU && g.direct > 0 {
			list = append(list, g)
			sum += g.direct
		}
	}
	slices.SortStableFunc(list, func(x, y *group) int { return cmp.Compare(y.direct, x.direct) })
	out := []Shared{}
	for _, g := range list {
		out = append(out, Shared{KindOffCPU, g.name, g.direct, float64(g.direct) / float64(sum)})
	}
	return out
}
