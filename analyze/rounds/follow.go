package rounds

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// goroutine is one that rounds have found, and may find again.
type goroutine struct {
	id      format.GoID
	place   int32
	latest  int64 // the number of the last round that found it
	seen    int64 // rounds that found it
	here    int64 // of them, the last ones in a row that found it at the place
	firstNS int64 // when it was first found
	hereNS  int64 // when the first of those rounds was that found it at the place
	lastNS  int64
	weight  int64 // of the last round that found it
	early   bool  // the first round found it
}

// follow takes where a round found a goroutine.
func (p *process) follow(g *replay.RoundGoroutine, place int32, now int64) {
	known := p.alive[g.GoID]
	if known == nil {
		known = &goroutine{id: g.GoID, firstNS: now, early: p.tally.rounds == 1, place: -1}
		p.alive[g.GoID] = known
	}
	if known.latest == p.tally.rounds {
		return // found twice: it moved to another place in the list meanwhile
	}
	if known.place != place {
		p.leaves(known)
		known.place, known.here, known.hereNS = place, 0, now
	}
	known.latest, known.lastNS, known.weight = p.tally.rounds, now, g.Weight
	known.seen++
	known.here++
}

// leaves counts a goroutine that is at its place no more.
func (p *process) leaves(g *goroutine) {
	if g.here > 1 {
		p.left[g.place]++
	}
}

// patience is for how many rounds a goroutine may be missing that was not left out: a round may have
// come while it moved, and have taken it for none.
const patience = 3

// forget drops the goroutines that are gone. Where rounds read only some places, nobody knows.
func (p *process) forget() {
	wait := patience * p.maxWeight
	for id, g := range p.alive {
		if p.tally.rounds-g.latest < wait {
			continue
		}
		if p.maxWeight == 1 {
			p.leaves(g)
		}
		delete(p.alive, id)
	}
}

// sorted are the goroutines that the last rounds found, by id.
func (p *process) sorted() []*goroutine {
	out := make([]*goroutine, 0, len(p.alive))
	for _, g := range p.alive {
		if p.maxWeight > 1 || g.latest == p.tally.rounds {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *goroutine) int { return cmp.Compare(a.id, b.id) })
	return out
}
