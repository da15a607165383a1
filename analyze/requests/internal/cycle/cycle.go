// Package cycle holds what is known of work cycles: where the time of one went, and what is told of
// many of them together, in bounded memory. It knows nothing of how a cycle is found or printed.
package cycle

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// State is what the goroutine of a cycle did itself.
type State uint8

// The states.
const (
	Running  State = iota
	OffCPU         // it ran, but its thread had no CPU
	Runnable       // it could have run
	Syscall        // it was in a system call, or in C
	Blocked        // it waited for another goroutine
	Network        // it waited for the network
	Timer          // it slept
	Runtime        // it waited for the garbage collector, or for another thing of the runtime
	Unknown
	Various   // several of these
	NumStates // how many there are
)

var stateNames = [NumStates]string{
	Running: format.StateRunning.String(), OffCPU: "off CPU", Runnable: format.StateRunnable.String(),
	Syscall: format.StateSyscall.String(), Blocked: "blocked", Network: "network", Timer: "asleep",
	Runtime: "GC, runtime",
	Unknown: "unknown", Various: "various",
}

// String is the name that reports print.
func (s State) String() string { return stateNames[min(s, Various)] }

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// What is what time was spent on: what the goroutine did, and why.
type What struct {
	State State
	ID    blocking.CauseID
}

// Tally is how long something lasted.
type Tally struct {
	What
	NS int64
}

// Step is a span of a cycle, in their order.
type Step struct {
	What       // what most of it was
	Begin, End int64
	Most       int64 // nanoseconds of what
}

const (
	maxTallies = 48 // of one cycle; what is beyond is one
	maxSteps   = 64 // of one cycle; the last one takes in what is beyond
)

// Account is where the time of a stretch went.
type Account struct {
	Tallies []Tally
	Steps   []Step
}

// Add appends a span. The latest part comes first.
func (a *Account) Add(list []Tally, begin, end int64) {
	var most Tally
	for _, t := range list {
		a.Tallies = addTally(a.Tallies, t)
		if t.NS > most.NS {
			most = t
		}
	}
	if end > begin {
		a.step(Step{most.What, begin, end, most.NS})
	}
}

func addTally(list []Tally, t Tally) []Tally {
	for i := range list {
		if list[i].What == t.What {
			list[i].NS += t.NS
			return list
		}
	}
	if len(list) < maxTallies {
		return append(list, t)
	}
	last := &list[maxTallies-1]
	last.What = What{Various, blocking.Various}
	last.NS += t.NS
	return list
}

func (a *Account) step(s Step) {
	n := len(a.Steps)
	switch {
	case n > 0 && a.Steps[n-1].What == s.What && a.Steps[n-1].End == s.Begin:
		a.Steps[n-1].End = s.End
		a.Steps[n-1].Most += s.Most
	case n < maxSteps:
		a.Steps = append(a.Steps, s)
	default:
		a.Steps[n-1].End, a.Steps[n-1].ID, a.Steps[n-1].State = s.End, blocking.Various, Various
	}
}

// Join appends a later account.
func (a *Account) Join(b *Account) {
	for _, t := range b.Tallies {
		a.Tallies = addTally(a.Tallies, t)
	}
	for _, s := range b.Steps {
		a.step(s)
	}
}

// Clear empties it and keeps its room.
func (a *Account) Clear() { a.Tallies, a.Steps = a.Tallies[:0], a.Steps[:0] }

// Origin is what began a cycle.
type Origin uint8

// The origins.
const (
	ByUnknown   Origin = iota
	ByNetwork          // the network had something to read
	ByTimer            // a timer
	ByGoroutine        // another goroutine woke it
	ByCreation         // a go statement
	numOrigins
)

var originNames = [numOrigins]string{ByUnknown: "unknown", ByNetwork: "network", ByTimer: "timer",
	ByGoroutine: "goroutine", ByCreation: "created"}

// String is the name that reports print.
func (o Origin) String() string { return originNames[o%numOrigins] }

// MarshalText implements encoding.TextMarshaler.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Cycle is one that ended.
type Cycle struct {
	Begin, End int64
	PID        int32
	GoID       format.GoID
	Origin     Origin
	Root       Origin // of the first of the cycles that set each other going
	Unwaited   bool   // what it began with was there already
	Within     bool   // who set it going is still in the cycle in which it did
	Account
}

// Len is how long it took, in nanoseconds.
func (c *Cycle) Len() int64 { return c.End - c.Begin }

// Group is cycles that are told of together.
type Group struct {
	Lengths  *stats.Histogram // nil: none
	Origins  [numOrigins]int64
	Roots    [numOrigins]int64
	Unwaited int64
	Within   int64
	Split    map[What]int64
	Slowest  []Cycle // the slowest first
}

// maxSplit bounds what a group tells apart. Of what is beyond only the state is kept.
const maxSplit = 1 << 9

// Hist is the lengths of the cycles, to be added to.
func (g *Group) Hist() *stats.Histogram {
	if g.Lengths == nil {
		g.Lengths = new(stats.Histogram)
	}
	return g.Lengths
}

// Add takes a cycle that was seen whole, of which so many slowest are kept.
func (g *Group) Add(c *Cycle, keep int) {
	g.Hist().Add(c.Len())
	g.Origins[c.Origin]++
	g.Roots[c.Root]++
	if c.Unwaited {
		g.Unwaited++
	}
	if c.Within {
		g.Within++
	}
	if g.Split == nil {
		g.Split = map[What]int64{}
	}
	for _, t := range c.Tallies {
		if _, ok := g.Split[t.What]; !ok && len(g.Split) >= maxSplit {
			t.ID = blocking.Various
		}
		g.Split[t.What] += t.NS
	}
	if len(g.Slowest) < keep || keep > 0 && slower(c, &g.Slowest[len(g.Slowest)-1]) < 0 {
		g.keep(*c, keep)
	}
}

// keep puts a cycle among the slowest.
func (g *Group) keep(c Cycle, keep int) {
	c.Tallies, c.Steps = nil, slices.Clone(c.Steps)
	at, _ := slices.BinarySearchFunc(g.Slowest, &c, func(x Cycle, y *Cycle) int { return slower(&x, y) })
	g.Slowest = slices.Insert(g.Slowest, at, c)
	g.Slowest = g.Slowest[:min(len(g.Slowest), keep)]
}

// slower orders cycles from the slowest down.
func slower(x, y *Cycle) int {
	return cmp.Or(cmp.Compare(y.Len(), x.Len()), cmp.Compare(x.Begin, y.Begin), cmp.Compare(x.PID, y.PID),
		cmp.Compare(x.GoID, y.GoID))
}

// Merge adds the cycles of another group.
func (g *Group) Merge(other *Group, keep int) {
	if other.Lengths == nil {
		return
	}
	g.Hist().Merge(other.Lengths)
	g.Unwaited += other.Unwaited
	g.Within += other.Within
	for o := range numOrigins {
		g.Origins[o] += other.Origins[o]
		g.Roots[o] += other.Roots[o]
	}
	if g.Split == nil {
		g.Split = map[What]int64{}
	}
	for w, ns := range other.Split {
		g.Split[w] += ns
	}
	for _, c := range other.Slowest {
		if len(g.Slowest) < keep || slower(&c, &g.Slowest[len(g.Slowest)-1]) < 0 {
			g.keep(c, keep)
		}
	}
}

// Commonest is the commonest of a list of origins.
func Commonest(counts *[numOrigins]int64) Origin {
	best := ByUnknown
	for o := range numOrigins {
		if counts[o] > counts[best] {
			best = o
		}
	}
	return best
}
