// Package queue follows which goroutines wait for which, and what each spends its time on.
//
// A wait for another goroutine is one for a lock or to send, or any other that goroutines end and
// that is not the wait at the top of a loop: a receive, a select, a wait for a condition or a group
// that happens as far up its stack as this goroutine ever waits may be one for work. What the
// goroutine that ended such a wait had itself waited for by then, the wait was for, too: of a lock
// that goes through a queue, everybody in the queue waits for the one that held it for long.
//
// # Memory
//
// About 400 bytes for each goroutine that is alive, and 256 more for each that has waited for
// another. At most 65,536 places where goroutines wait, and as many pairs of an entry function and
// the code that it waited for, are told apart.
package queue

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Tracker follows the goroutines of a walk. Make one with New.
type Tracker struct {
	names  *replay.Names
	alive  replay.ByGoroutine[Goroutine]
	places map[Place]*place
	pairs  map[pairKey]*pair
}

const (
	maxPlaces    = 1 << 16
	maxPairs     = 1 << 16
	maxSpells    = 6 // that are told apart of a goroutine
	maxStretches = 8 // that a wait is remembered as
)

// New makes an empty tracker.
func New() *Tracker { return &Tracker{places: map[Place]*place{}, pairs: map[pairKey]*pair{}} }

// Begin says how to resolve names.
func (t *Tracker) Begin(names *replay.Names) { t.names = names }

// Goroutine is what is known of one that is alive.
type Goroutine struct {
	LifeNS     int64 // that was seen
	RunningNS  int64
	RunnableNS int64
	BlockedNS  int64 // in waits for other goroutines
	AwaitedNS  int64 // how long others waited for it, added up over them
	Spells     [maxSpells]Spell

	entry      replay.EntryID
	shallowest int       // of the places where it has waited; 0: not known
	begin, end int64     // of its last wait for another goroutine
	stretches  []stretch // what that was for, the latest first
}

// Place is where goroutines wait or are in a system call: in which state, why and at which stack.
type Place struct {
	PID           int32
	State         format.State
	Reason, Stack format.StringID
}

// Spell is the time that a goroutine has spent at a place, at least: where they are too many, what
// is known of one that was short is forgotten.
type Spell struct {
	Place
	NS int64
}

// stretch is a part of a wait in which one goroutine was what it was for.
type stretch struct {
	begin, end int64
	goid       format.GoID
	stack      format.StringID // where it let the next one go on
}

// Span takes the next span of a goroutine.
func (t *Tracker) Span(s *replay.Span) {
	g := t.goroutine(s.PID, s.GoID)
	t.spend(g, s)
	if s.State == format.StateWaiting && s.Flags&replay.EndUnseen == 0 && s.EndByGoID != format.NoGoroutine &&
		s.EndByGoID != s.GoID && s.Flags&replay.CensoredRight == 0 {
		t.ended(g, s)
	}
	if s.Next == format.StateNotExist {
		t.alive.Drop(s.PID, s.GoID)
	}
}

func (t *Tracker) goroutine(pid int32, id format.GoID) *Goroutine {
	g := t.alive.Find(pid, id)
	if g == nil {
		g = new(Goroutine)
		t.alive.Put(pid, id, g)
	}
	return g
}

// Of is what is known of a goroutine, with a span that has not ended, if there is one.
func (t *Tracker) Of(id replay.GoroutineID, open *replay.Span) Goroutine {
	var g Goroutine
	if known := t.alive.Find(id.PID, id.GoID); known != nil {
		g = *known
	}
	if open != nil {
		t.spend(&g, open)
	}
	return g
}

// spend counts a span's time.
func (t *Tracker) spend(g *Goroutine, s *replay.Span) {
	if s.Entry != replay.UnknownEntry {
		g.entry = s.Entry
	}
	g.LifeNS += s.Len()
	switch s.State {
	case format.StateRunning:
		g.RunningNS += s.Len()
	case format.StateRunnable:
		g.RunnableNS += s.Len()
	case format.StateSyscall:
		g.spell(placeOf(s), s.Len())
	case format.StateWaiting:
		g.spell(placeOf(s), s.Len())
		if g.blockedAt(t.place(placeOf(s))) {
			g.BlockedNS += s.Len()
		}
	}
}

func placeOf(s *replay.Span) Place { return Place{s.PID, s.State, s.Reason, s.Stack} }

func (g *Goroutine) spell(at Place, ns int64) {
	least := 0
	for i := range g.Spells {
		k := &g.Spells[i]
		if k.Place == at {
			k.NS += ns
			return
		}
		if k.NS < g.Spells[least].NS {
			least = i
		}
	}
	g.Spells[least] = Spell{at, ns}
}

// ended takes a wait that another goroutine ended.
func (t *Tracker) ended(g *Goroutine, s *replay.Span) {
	at := t.place(placeOf(s))
	if at == nil || !g.blockedAt(at) {
		return
	}
	keeper := t.alive.Find(s.PID, s.EndByGoID)
	if keeper != nil {
		at.endedBy(s.EndByGoID, keeper.entry)
	}
	list := resolve(s, keeper)
	g.begin, g.end = s.Begin, s.End
	g.stretches = append(g.stretches[:0], list...)
	for i := range list {
		x := &list[i]
		if x.goid == s.GoID {
			continue
		}
		key := pairKey{pid: s.PID, entry: g.entry, stack: x.stack}
		if holder := t.alive.Find(s.PID, x.goid); holder != nil {
			holder.AwaitedNS += x.end - x.begin
			key.holder = holder.entry
		}
		t.pair(key, x)
	}
}

// resolve says whom a wait was for when: who ended it and, for the time that this one waited itself,
// whom that wait was for.
func resolve(s *replay.Span, keeper *Goroutine) []stretch {
	whole := stretch{s.Begin, s.End, s.EndByGoID, s.EndByStack}
	if keeper == nil || keeper.end <= s.Begin || keeper.end > s.End || len(keeper.stretches) == 0 {
		return []stretch{whole}
	}
	list := make([]stretch, 0, len(keeper.stretches)+2)
	list = append(list, stretch{keeper.end, s.End, s.EndByGoID, s.EndByStack})
	for _, x := range keeper.stretches {
		if x.end <= s.Begin {
			break
		}
		x.begin = max(x.begin, s.Begin)
		list = append(list, x)
	}
	if keeper.begin > s.Begin {
		list = append(list, stretch{s.Begin, keeper.begin, s.EndByGoID, s.EndByStack})
	}
	for len(list) > maxStretches {
		list = withoutShortest(list)
	}
	return list
}

// withoutShortest gives the time of the shortest stretch to the one beside it that is longer.
func withoutShortest(list []stretch) []stretch {
	at := 0
	for i := range list {
		if list[i].len() < list[at].len() {
			at = i
		}
	}
	if at > 0 && (at == len(list)-1 || list[at-1].len() >= list[at+1].len()) {
		list[at-1].begin = list[at].begin
	} else {
		list[at+1].end = list[at].end
	}
	return slices.Delete(list, at, at+1)
}

func (x *stretch) len() int64 { return x.end - x.begin }

// pairKey is goroutines with one entry function that waited for others with one, which let them go
// on at a stack.
type pairKey struct {
	pid           int32
	entry, holder replay.EntryID
	stack         format.StringID
}

type pair struct {
	ns   int64
	last format.GoID
}

func (t *Tracker) pair(key pairKey, x *stretch) {
	p := t.pairs[key]
	if p == nil {
		if len(t.pairs) >= maxPairs {
			return
		}
		p = new(pair)
		t.pairs[key] = p
	}
	p.ns += x.len()
	p.last = x.goid
}

// Holder is who others waited for: goroutines with an entry function, and where they let the others
// go on.
type Holder struct {
	Entry replay.EntryID
	Stack format.StringID
	NS    int64
	Last  format.GoID // the latest of them
}

// Holders are those for whom goroutines with an entry function waited, the longest first.
func (t *Tracker) Holders(pid int32, entry replay.EntryID) []Holder {
	var out []Holder
	for key, p := range t.pairs {
		if key.pid == pid && key.entry == entry {
			out = append(out, Holder{key.holder, key.stack, p.ns, p.last})
		}
	}
	slices.SortFunc(out, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Stack, b.Stack))
	})
	return out
}
