package requests

import (
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
	"github.com/gosched/gosched/format"
)

// segment is a stretch of a goroutine between two visits to spots.
type segment struct {
	spot     *spot // that it left; nil: its creation, or what the recording did not see
	arrive   int64 // when it had come there
	leave    int64 // when it left, or was created
	known    bool  // leave is
	origin   cycle.Origin
	root     cycle.Origin
	unwaited bool
	by       format.GoID   // who woke or created it
	byLeave  int64         // when that one's cycle had begun
	replied  bool          // the goroutine wrote to the network
	over     bool          // the goroutine has parked at the top of its loop, and within is known
	within   bool          // that one is in that cycle still
	wait     cycle.Account // the time from arrive to leave
	cycle.Account
}

const (
	maxSegments = 12 // of a goroutine whose loop is not known; then it is looked for
	maxStarted  = 8  // goroutines that one set going, and that are remembered
)

// goroutine is what is remembered of one that is alive.
type goroutine struct {
	entry    replay.EntryID
	top      *spot     // of its loop; nil: not known
	rival    *spot     // one that is better than top, where it was once
	segments []segment // the last is open
	cycles   int64     // so far
	created  bool      // its creation was seen
	birth    segment   // its creation, without an account
	wrote    bool      // to the network, before it first read
	from     *spot     // where it last took something from the network
	others   int       // visits to spots where nothing comes from the network, since
	replied  bool      // it has written to the network since
	reads    int       // from the network, at the spot that it was at last, with nothing else between
	parked   placeID   // where it waits now; 0: it does not, or the place is not known
	fresh    bool      // the open segment holds nothing but a read that may have found nothing
	retry    bool      // it waited for the network, and the next read there is of what came
	system   bool
	blind    bool           // it waited at a place that is not known
	moved    int64          // spans that ended
	life     *cycle.Account // of the segments that are closed; nil: not kept
	started  [maxStarted]format.GoID
	nStarted int
}

func (g *goroutine) open() *segment { return &g.segments[len(g.segments)-1] }

// lose forgets what the goroutine was at: what it does next is not known to follow.
func (g *goroutine) lose(t int64) {
	g.segments = append(g.segments[:0], segment{leave: t})
	g.created, g.fresh, g.retry, g.life, g.rival = false, false, false, nil, nil
	g.nStarted = 0
}

// start remembers that it set another goroutine going.
func (g *goroutine) start(id format.GoID) {
	g.started[g.nStarted%maxStarted] = id
	g.nStarted++
}

// hasStarted says whether it set a goroutine going since its cycle began.
func (g *goroutine) hasStarted(id format.GoID) bool {
	return slices.Contains(g.started[:min(g.nStarted, maxStarted)], id)
}

// push begins a segment. Where there are too many, the oldest are joined.
func (g *goroutine) push(s segment) {
	if len(g.segments) == maxSegments {
		g.segments[0].swallow(&g.segments[1])
		g.segments = slices.Delete(g.segments, 1, 2)
	}
	if n := len(g.segments); n < cap(g.segments) { // keep the room of what was there
		g.segments = g.segments[:n+1]
		old := &g.segments[n]
		old.Account.Clear()
		old.wait.Clear()
		s.Account, s.wait = old.Account, old.wait
		*old = s
		return
	}
	g.segments = append(g.segments, s)
}

// swallow makes the segment go on through the visit that ended it.
func (s *segment) swallow(next *segment) {
	s.replied = s.replied || next.replied
	s.Account.Join(&next.wait)
	s.Account.Join(&next.Account)
}

// bare is a segment without its accounts.
func (s *segment) bare() segment {
	b := *s
	b.Account, b.wait = cycle.Account{}, cycle.Account{}
	return b
}

// keepLast leaves the open segment alone.
func (g *goroutine) keepLast() {
	last := len(g.segments) - 1
	g.segments[0], g.segments[last] = g.segments[last], g.segments[0]
	g.segments = g.segments[:1]
}

// seen says how often the goroutine has been at a spot, as far as its segments tell.
func (g *goroutine) seen(x *spot) (n int) {
	for i := range g.segments {
		if g.segments[i].spot == x {
			n++
		}
	}
	return n
}

// choose is the spot that is the top of the goroutine's loop as far as its segments tell; nil:
// there is none yet. It has been there twice, or others of its kind have.
func (g *goroutine) choose() (best *spot) {
	for i := range g.segments {
		x := g.segments[i].spot
		if x == nil || x.beaten || !x.loop && g.seen(x) < 2 {
			continue
		}
		if best == nil || x.better(best) {
			best = x
		}
	}
	return best
}

// manyReads is how many reads in a row are taken for one message that comes in pieces, a wait before
// one counting as perWait of them.
const (
	manyReads = 64
	perWait   = 16
)

// inPieces says whether a read at a spot, or a wait to read, may go on with what a new goroutine
// has just read there for the first time: nobody has been seen to come back to it. More reads than
// belong to a message are none, and when they began one cannot tell.
func (g *goroutine) inPieces(x *spot) bool {
	if !g.created || g.top != nil || x.loop || g.reads == 0 || g.open().spot != x || g.seen(x) > 1 {
		return false
	}
	if g.reads >= manyReads {
		g.open().known = false
		return false
	}
	return true
}

// goesOn says whether a read goes on with what the goroutine took from the network further up its
// stack, and has not answered yet: the body of a request, for one.
func (g *goroutine) goesOn(x *spot) bool {
	return x != g.top && g.from != nil && x.depth > g.from.depth && !g.replied
}

// patience is how often a goroutine that takes something from the network comes to another spot
// before that is looked at as the top of its loop.
const patience = 32

// mayTop says whether a spot may be the top of the goroutine's loop, as far as it has taken nothing
// from the network elsewhere.
func (g *goroutine) mayTop(x *spot) bool {
	if x.network || g.from == nil || g.top == x {
		return true
	}
	g.others++
	return g.top == nil && g.others > patience
}

// visit takes a goroutine's arrival at a spot, and says whether a segment began there. s says how
// it left the spot.
func (p *Pass) visit(g *goroutine, s segment) bool {
	x := s.spot
	if x == nil || x.beaten || !g.mayTop(x) {
		return false
	}
	if x.network {
		g.from, g.replied = x, false
	}
	if g.top != nil && g.top.beaten {
		g.top = nil
	}
	if g.top == nil {
		g.push(s)
		if g.reads = 0; x.established() || len(g.segments) == maxSegments {
			p.decide(g)
		}
		return true
	}
	if x != g.top {
		if !x.better(g.top) {
			return false
		}
		if g.rival != x {
			g.rival = x
			return false
		}
		g.top.beaten, x.loop = true, true
		g.top, g.rival = x, nil
		g.push(s)
		g.keepLast()
		return true
	}
	x.returns++
	p.commit(g, x, g.open(), s.arrive)
	g.push(s)
	g.keepLast()
	g.nStarted = 0
	return true
}

// decide looks for the top of the goroutine's loop, and counts the cycles so far where it is found.
func (p *Pass) decide(g *goroutine) {
	x := g.choose()
	if x == nil {
		return
	}
	g.top, x.loop = x, true
	for i := range g.segments {
		if y := g.segments[i].spot; y != nil && y != x && y.loop && x.better(y) {
			y.beaten = true
		}
	}
	var from *segment
	for i := range g.segments {
		s := &g.segments[i]
		switch {
		case s.spot == x:
			if from != nil {
				x.returns++
				p.commit(g, x, from, s.arrive)
			} else if i > 0 {
				p.first(g, x, i)
			}
			from = s
		case from != nil:
			from.swallow(s)
		}
	}
	last := len(g.segments) - 1
	if from != nil && from != &g.segments[last] {
		g.segments[0], *from = *from, g.segments[0]
		g.segments = g.segments[:1]
		return
	}
	g.keepLast()
}

// first counts what a goroutine did before it first came to the top of its loop, segments n and on
// being the loop, if that was what the loop is for: it took something from the network.
func (p *Pass) first(g *goroutine, x *spot, n int) {
	end := g.segments[n].arrive
	whole, from := g.segments[0], (*segment)(nil)
	for i := 1; i < n; i++ {
		s := &g.segments[i]
		switch {
		case from != nil:
			from.swallow(s)
		case s.spot.network && x.network && g.created && !g.wrote:
			from = s
		default:
			whole.swallow(s)
		}
	}
	if from != nil {
		g.birth = from.bare()
		p.commit(g, x, from, end)
		return
	}
	g.keepLife(&whole)
}

// keepLife adds a segment to the goroutine's life.
func (g *goroutine) keepLife(s *segment) {
	if !g.created || g.cycles >= manyReturns {
		g.life = nil
		return
	}
	if g.life == nil {
		g.life = new(cycle.Account)
	}
	g.life.Join(&s.wait)
	g.life.Join(&s.Account)
}

// commit counts a cycle of a loop.
func (p *Pass) commit(g *goroutine, x *spot, s *segment, end int64) {
	g.cycles++
	if s.replied {
		x.replies++
		p.silence(g).worked++
	}
	if s.known {
		p.finish(&x.cycles, g, s, end)
	}
	g.keepLife(s)
}

func (p *Pass) finish(to *cycle.Group, g *goroutine, s *segment, end int64) {
	p.cycle = cycle.Cycle{Begin: s.leave, End: end, PID: p.at.PID, GoID: p.at.GoID, Origin: s.origin, Root: s.root,
		Unwaited: s.unwaited, Account: s.Account}
	p.cycle.Within = s.within || !s.over && p.within(s)
	to.Add(&p.cycle, p.keep())
}

// end takes the end of a goroutine.
func (p *Pass) end(g *goroutine, t int64) {
	if g.top == nil || g.top.beaten { // others may have found it by now
		p.decide(g)
	}
	if g.top != nil {
		p.endLoop(g, t)
		return
	}
	whole := &g.segments[0]
	var from *segment
	for i := 1; i < len(g.segments); i++ {
		s := &g.segments[i]
		switch {
		case from != nil:
			from.swallow(s)
		case s.spot.network && g.created && !g.wrote && s.known:
			from = s
		default:
			whole.swallow(s)
		}
	}
	if from == nil {
		from = whole
	}
	x := p.spot(g.entry, 0)
	if !g.created || !from.known || x == nil {
		p.uncut[uncutBefore]++
		return
	}
	if from != whole && p.foundEnd(g, from) {
		p.ends++
		return
	}
	p.finish(&x.lives, g, from, t)
}

// silence is the spot that counts for a goroutine's entry function what answers and what does not.
func (p *Pass) silence(g *goroutine) *spot {
	if x := p.spot(g.entry, 0); x != nil {
		return x
	}
	return new(spot)
}

// foundEnd says whether what a goroutine read from the network before it ended was the end of its
// connection, and no request: it did not answer, and others of its kind do.
func (p *Pass) foundEnd(g *goroutine, s *segment) bool {
	x := p.silence(g)
	if s.replied {
		x.worked++
		return false
	}
	x.bare++
	return x.bare <= max(1, x.worked)
}

// endLoop takes the end of a goroutine that had a loop. What it did since it last left the top is a
// cycle if it answered; else what it got there was the end of its work. One that never came back,
// of those that do not answer, did its work then.
func (p *Pass) endLoop(g *goroutine, t int64) {
	x, last := g.top, g.open()
	if x.network && last.known && (last.replied || g.cycles == 0 && !p.foundEnd(g, last)) {
		p.commit(g, x, last, t)
		return
	}
	p.ends++
	if !g.created {
		return
	}
	x.short++
	if g.wrote {
		x.asked++
	}
	if g.cycles >= manyReturns {
		return
	}
	g.keepLife(g.open())
	if g.life == nil {
		return
	}
	s := g.birth
	s.Account = *g.life
	p.finish(&x.lives, g, &s, t)
}

// within says whether who set a segment's goroutine going is still in the cycle in which it did.
func (p *Pass) within(s *segment) bool {
	by := p.goroutines.Find(p.at.PID, s.by)
	return by != nil && by.inCycle(s.byLeave)
}

// inCycle says whether a goroutine is still in the cycle that began then.
func (g *goroutine) inCycle(leave int64) bool {
	if g.top == nil || g.top.beaten {
		return g.created
	}
	return g.open().leave == leave && !g.fresh && g.parked != g.top.place
}
