package blocking

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// Chain is blocked time of one process that went one way: from where goroutines were blocked,
// through the waits of those that they waited for, to a root cause.
type Chain struct {
	PID    int32
	Waits  []*Place // where the blocked goroutines waited first; none: the cause delayed them directly
	Elided bool     // waits between two of these are left out
	Cause  *Leaf
	NS     int64
	Count  int64 // how many times, those of idle goroutines too
}

// Place is where goroutines wait: a reason and a stack. Equal ones are one.
type Place struct {
	Reason string
	Stack  string // root first; empty where it is not known
	Class  replay.Class
	System bool // the runtime's own goroutines
}

// Leaf is a root cause at one stack. Equal ones are one.
type Leaf struct {
	Kind    Kind
	Name    string // as in Cause
	Own     bool   // as in Cause
	Sampled bool   // on-CPU samples saw it there; else it is where a stretch of running ended
	Syscall string // its name
	Stack   string // empty where the kind has none
	Frame   string // of it, the one that is not plumbing
}

// Direct says whether the cause delayed the goroutine itself, and not one that it waited for.
func (c *Chain) Direct() bool { return len(c.Waits) == 0 }

// Chains are those of all processes, by process, and of each the longest first. Time in which
// goroutines may have been waiting for work is left out: they add up to Result.BlockedNS, each
// nanosecond in one of them. Call it after the walk.
func (p *Pass) Chains() []Chain {
	return p.chains(func(t *total) int64 { return t.ns - t.idle })
}

// IdleChains are those of the time in which goroutines may have been waiting for work: they add up to
// Result.IdleNS. Their count is of all waits.
func (p *Pass) IdleChains() []Chain { return p.chains(func(t *total) int64 { return t.idle }) }

func (p *Pass) chains(ns func(*total) int64) []Chain {
	c := chainer{blame: p.blame(), places: map[uint32]*Place{}, leaves: map[cause.ID]*Leaf{}}
	var out []Chain
	for _, q := range p.processes {
		out = append(out, c.of(q, ns)...)
	}
	slices.SortStableFunc(out, func(a, b Chain) int { return cmp.Compare(a.PID, b.PID) })
	return out
}

// chainer makes chains of nodes.
type chainer struct {
	*blame
	places map[uint32]*Place // by cause.Site
	leaves map[cause.ID]*Leaf
}

// of are the chains of a process, the longest first.
func (c *chainer) of(q *process, ns func(*total) int64) (list []Chain) {
	totals, _ := c.credit(q)
	for id := range totals[:min(len(totals), c.nodes.Len())] {
		t, n := &totals[id], c.nodes.At(cause.ID(id))
		if ns(t) > 0 && c.blocks(n, c.nodes.At(n.Leaf)) {
			list = append(list, c.chain(cause.ID(id), Chain{PID: q.pid, NS: ns(t), Count: t.count}))
		}
	}
	slices.SortStableFunc(list, func(a, b Chain) int { return cmp.Compare(b.NS, a.NS) })
	return list
}

// chain is one with the waits and the cause of a node.
func (c *chainer) chain(id cause.ID, out Chain) Chain {
	n := c.nodes.At(id)
	for ; n.Kind == cause.Wait; n = c.nodes.At(n.Tail) {
		out.Waits, out.Elided = append(out.Waits, c.place(n.Where)), out.Elided || n.Elided
	}
	out.Cause = c.leaf(n.Leaf)
	return out
}

func (c *chainer) place(id uint32) *Place {
	if c.places[id] == nil {
		s := c.sites.list[id]
		c.places[id] = &Place{c.names.Reason(s.reason), c.names.Stack(s.stack), s.class, s.system}
	}
	return c.places[id]
}

func (c *chainer) leaf(id cause.ID) *Leaf {
	if c.leaves[id] == nil {
		n, key := c.nodes.At(id), c.key(id)
		l := &Leaf{Kind: key.kind, Name: key.name, Own: key.own, Syscall: key.syscall}
		_, l.Sampled = c.nodes.Until(id)
		if hasStack(n.Kind) {
			l.Stack = c.names.Stack(format.StringID(n.Where))
			l.Frame = stack.Culprit(l.Stack)
		}
		c.leaves[id] = l
	}
	return c.leaves[id]
}
