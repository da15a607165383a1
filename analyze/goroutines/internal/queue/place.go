package queue

import (
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// place is what is known of a Place.
type place struct {
	awaits  bool // goroutines wait there for others: they end the waits
	work    bool // a wait there may be one for work
	partial bool // how far up the stack it is is not known
	depth   int
	// who has ended waits for others there last, and its entry function, unless several or mixed say
	// that there were others
	keeper         format.GoID
	entry          replay.EntryID
	several, mixed bool
}

// place is nil where too many are known.
func (t *Tracker) place(at Place) *place {
	p := t.places[at]
	if p == nil && len(t.places) < maxPlaces {
		p = t.newPlace(at)
		t.places[at] = p
	}
	return p
}

func (t *Tracker) newPlace(at Place) *place {
	reason, text := t.names.Reason(at.Reason), t.names.Stack(at.Stack)
	class := replay.ClassAt(reason, text)
	return &place{
		awaits: awaited[class], work: class != replay.ClassMutex && !strings.HasPrefix(reason, "chan send"),
		partial: text == "" || strings.HasSuffix(text, format.MarkRunning.String()),
		depth:   max(1, stack.OwnFrames(text)),
	}
}

// awaited are the classes of waits that other goroutines end.
var awaited = map[replay.Class]bool{replay.ClassChannel: true, replay.ClassSelect: true, replay.ClassMutex: true,
	replay.ClassSync: true}

// blockedAt says whether a wait of this goroutine at a place is one for another goroutine and not
// one for work, as far as is known by now.
func (g *Goroutine) blockedAt(at *place) bool {
	if at == nil {
		return false
	}
	if !at.partial && (g.shallowest == 0 || at.depth < g.shallowest) {
		g.shallowest = at.depth
	}
	return at.awaits && (!at.work || !at.partial && at.depth > g.shallowest)
}

func (p *place) endedBy(id format.GoID, entry replay.EntryID) {
	if p.keeper == format.NoGoroutine {
		p.entry = entry
	}
	p.several = p.several || p.keeper != format.NoGoroutine && p.keeper != id
	p.mixed = p.mixed || p.entry != entry
	p.keeper = id
}

// Keeper is for whom a goroutine waits.
type Keeper struct {
	GoID  format.GoID    // NoGoroutine: it is one of those with the entry function
	Entry replay.EntryID // UnknownEntry: the trace does not say
}

// Keeper is for whom a goroutine waits in a wait at a place that has not ended: the one that has
// ended all such waits there, or those with the one entry function that have. It is empty where the
// wait is for work, or the trace does not say who can end it.
func (t *Tracker) Keeper(id replay.GoroutineID, at Place) Keeper {
	g, p := t.alive.Find(id.PID, id.GoID), t.places[at]
	if g == nil || p == nil || p.keeper == format.NoGoroutine || at.State != format.StateWaiting {
		return Keeper{}
	}
	known := *g
	switch {
	case !known.blockedAt(p):
		return Keeper{}
	case !p.several && p.keeper != id.GoID:
		return Keeper{p.keeper, p.entry}
	case p.several && !p.mixed && p.entry != known.entry:
		return Keeper{format.NoGoroutine, p.entry}
	}
	return Keeper{}
}
