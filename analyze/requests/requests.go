package requests

import (
	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Pass cuts the lives of goroutines into cycles. Make one with New, run its Passes with replay.Run
// and ask for its Result.
type Pass struct {
	Percentiles []stats.Quantile // that a Result has; nil: DefaultPercentiles
	Slowest     int              // how many of the slowest cycles of each group are kept; 0: DefaultSlowest

	account    *blocking.Pass // says what time was spent on
	names      *replay.Names
	places     *places
	spots      map[spotKey]*spot
	order      []*spot
	goroutines replay.ByGoroutine[goroutine]
	systems    replay.ByID[sort] // by entry function
	calls      replay.ByID[sort] // by the name of a system call
	uncut      [numUncuts]int64  // goroutines that ended
	ends       int64             // goroutines that left their loops
	writes     bool              // somebody wrote to the network
	at         *replay.Span      // in hand
	cycle      cycle.Cycle       // in hand
	tallies    []cycle.Tally     // room for spend
}

// sort is what sort of thing a name is of.
type sort uint8

const (
	sortUnknown sort = iota
	sortOther
	sortSystem // of an entry function
	sortRead   // of a system call
	sortWrite
)

// DefaultPercentiles are those of a Result where a Pass does not say others.
var DefaultPercentiles = []stats.Quantile{stats.P50, stats.P90, stats.P99}

// DefaultSlowest is how many of the slowest cycles of each group are kept where a Pass does not say.
const DefaultSlowest = 3

// New makes an empty pass.
func New() *Pass {
	p := &Pass{account: blocking.New(), places: newPlaces(), spots: map[spotKey]*spot{}}
	p.account.Follow(p.span)
	return p
}

// Passes are what has to be run.
func (p *Pass) Passes() []replay.Pass { return []replay.Pass{p, p.account} }

// Wants implements replay.Pass: the spans come by way of the account of their time.
func (p *Pass) Wants() replay.Wants { return replay.Wants{} }

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

// Spans implements replay.Pass.
func (p *Pass) Spans([]replay.Span) {}

func (p *Pass) percentiles() []stats.Quantile {
	if p.Percentiles == nil {
		return DefaultPercentiles
	}
	return p.Percentiles
}

func (p *Pass) keep() int {
	if p.Slowest == 0 {
		return DefaultSlowest
	}
	return p.Slowest
}

// goroutine is the one of a span, new where it is not known.
func (p *Pass) goroutine(s *replay.Span) *goroutine {
	if g := p.goroutines.Find(s.PID, s.GoID); g != nil {
		if g.entry == replay.UnknownEntry {
			g.entry, g.system = s.Entry, p.isSystem(s.Entry)
		}
		return g
	}
	g := &goroutine{entry: s.Entry, system: p.isSystem(s.Entry)}
	g.segments = append(g.segments, segment{leave: s.Begin})
	if s.Why == replay.WhyCreated && s.State == format.StateRunnable && s.Flags == 0 {
		g.created = true
		first := g.open()
		first.known, first.origin, first.root = true, cycle.ByCreation, cycle.ByCreation
		if by := p.goroutines.Find(s.PID, s.ByGoID); by != nil {
			by.start(s.GoID)
			first.root = by.rootOf(cycle.ByCreation)
			first.by, first.byLeave = s.ByGoID, by.open().leave
		}
		g.birth = *first
	}
	p.goroutines.Put(s.PID, s.GoID, g)
	return g
}

// rootOf is the root of what a goroutine sets going, which without it would have an origin.
func (g *goroutine) rootOf(otherwise cycle.Origin) cycle.Origin {
	if s := g.open(); s.root != cycle.ByUnknown && !g.system {
		return s.root
	}
	return otherwise
}

func (p *Pass) isSystem(entry replay.EntryID) bool {
	at := p.systems.At(uint32(entry))
	if *at == sortUnknown {
		*at = sortOther
		if stack.IsSystem(p.names.Entry(entry)) {
			*at = sortSystem
		}
	}
	return *at == sortSystem
}

// call is the sort of a system call.
func (p *Pass) call(name format.StringID) sort {
	at := p.calls.At(uint32(name))
	if *at == sortUnknown {
		*at = sortOther
		switch text := p.names.Reason(name); {
		case reads[text]:
			*at = sortRead
		case writes[text]:
			*at = sortWrite
		}
	}
	return *at
}

// span takes the time of a goroutine in one state, and what it was spent on.
func (p *Pass) span(s *replay.Span, parts []blocking.Part) {
	g := p.goroutine(s)
	p.at = s
	if s.Flags&replay.CensoredRight == 0 {
		g.moved++
	}
	if s.State == format.StateWaiting && s.EndByGoID != format.NoGoroutine {
		if by := p.goroutines.Find(s.PID, s.EndByGoID); by != nil {
			by.start(s.GoID)
		}
	}
	switch {
	case g.system:
	case s.Flags&(replay.EndUnseen|replay.CensoredRight) != 0:
		p.censor(g, s)
	case s.State == format.StateSyscall:
		p.called(g, s, parts)
	case s.State == format.StateWaiting:
		p.waited(g, s, parts)
	default:
		p.spend(&g.open().Account, s, parts)
	}
	p.park(g, s)
	if s.Next == format.StateNotExist {
		if !g.system {
			p.end(g, s.End)
		}
		p.goroutines.Drop(s.PID, s.GoID)
	}
}

// park notes where a goroutine waits after a span. What is at work then has to be looked at now:
// the wait itself is told of when it is over.
func (p *Pass) park(g *goroutine, s *replay.Span) {
	if g.parked = 0; s.Next != format.StateWaiting {
		return
	}
	g.parked = p.places.of(s.EndStack, p.names).place
	if open := g.open(); g.top != nil && g.parked == g.top.place && !g.fresh {
		open.over, open.within = true, p.within(open)
	}
}

// censor takes a span whose end was not seen. A goroutine that has arrived where it waits for work
// has ended its cycle, all the same.
func (p *Pass) censor(g *goroutine, s *replay.Span) {
	if s.Flags&replay.EndUnseen == 0 && !p.arrived(g, s) {
		p.cutShort(g, s.End)
	}
	g.lose(s.End)
}

// arrived says whether a wait that was not over is one for work, and looks for the top of the
// goroutine's loop if that is not known: later is too late.
func (p *Pass) arrived(g *goroutine, s *replay.Span) bool {
	f := p.places.of(s.Stack, p.names)
	var x *spot
	if s.State == format.StateWaiting && f.place != 0 && !f.inside && replay.Receives(p.names.Reason(s.Reason)) {
		x = p.spot(g.entry, f.place)
	}
	if x == nil {
		if g.top == nil {
			p.decide(g)
		}
		return false
	}
	x.reason = s.Reason
	came := g.fresh && g.open().spot == x || p.visit(g, segment{spot: x, arrive: s.Begin, leave: s.End})
	if g.top == nil {
		p.decide(g)
	}
	return came && g.top == x
}

// cutShort counts a cycle that was not over at t as censored.
func (p *Pass) cutShort(g *goroutine, t int64) {
	open := g.open()
	switch {
	case !open.known || g.fresh:
	case g.top != nil:
		g.top.cycles.Hist().AddCensored(t - open.leave)
	case g.created:
		if x := p.spot(g.entry, 0); x != nil {
			x.lives.Hist().AddCensored(t - g.birth.leave)
		}
	}
}

// called takes a system call. One that reads from the network may be an arrival at a spot.
func (p *Pass) called(g *goroutine, s *replay.Span, parts []blocking.Part) {
	f := p.places.of(s.Stack, p.names)
	kind := p.call(s.Reason)
	if f.net && kind == sortRead && f.place != 0 {
		if x := p.spot(g.entry, f.place); x != nil {
			p.read(g, s, x, parts)
			return
		}
	}
	if f.net && kind == sortWrite && !f.closes {
		g.wrote = g.wrote || g.from == nil
		g.replied, g.open().replied, p.writes = true, true, true
	}
	g.work()
	p.spend(&g.open().Account, s, parts)
}

// read takes a read from the network.
func (p *Pass) read(g *goroutine, s *replay.Span, x *spot, parts []blocking.Part) {
	x.network = true
	open := g.open()
	switch here := open.spot == x; {
	case g.goesOn(x):
		g.work()
	case here && g.retry:
		g.retry = false
		g.reads++
	case g.inPieces(x):
		g.fresh = false
		g.reads++
	case here && g.fresh && x.foundNothing():
		open.leave = s.Begin
		open.Account.Clear()
	case p.visit(g, segment{spot: x, arrive: s.Begin, leave: s.Begin, known: true, origin: cycle.ByNetwork,
		root: cycle.ByNetwork, unwaited: true}):
		g.fresh, g.retry, g.reads = true, false, 1
	default:
		g.work()
	}
	p.spend(&g.open().Account, s, parts)
}

// waited takes a wait. One to receive something may be an arrival at a spot.
func (p *Pass) waited(g *goroutine, s *replay.Span, parts []blocking.Part) {
	f := p.places.of(s.Stack, p.names)
	reason := p.names.Reason(s.Reason)
	if replay.Receives(reason) && !f.inside {
		if f.place == 0 {
			g.blind = true
		} else if p.received(g, s, p.spot(g.entry, f.place), parts) {
			g.retry = replay.ClassOf(reason) == replay.ClassNetwork
			return
		}
	}
	g.work()
	p.spend(&g.open().Account, s, parts)
}

// work notes that the goroutine does more than to read.
func (g *goroutine) work() {
	if g.fresh {
		g.open().spot.worked++
	}
	g.fresh, g.retry, g.reads = false, false, 0
}

// received takes a wait to receive something at a spot, and says whether it is an arrival there.
func (p *Pass) received(g *goroutine, s *replay.Span, x *spot, parts []blocking.Part) bool {
	if x == nil {
		return false
	}
	x.reason = s.Reason
	x.network = x.network || replay.ClassOf(p.names.Reason(s.Reason)) == replay.ClassNetwork
	x.waits++
	if s.EndByGoID != format.NoGoroutine && g.hasStarted(s.EndByGoID) {
		x.answers++
	}
	origin, root := p.originOf(s)
	left := segment{spot: x, arrive: s.Begin, leave: s.End, known: true, origin: origin, root: root}
	if by := p.goroutines.Find(s.PID, s.EndByGoID); by != nil {
		left.by, left.byLeave = s.EndByGoID, by.open().leave
	}
	if x.network && g.goesOn(x) {
		return false
	}
	if g.inPieces(x) && !g.fresh {
		g.reads += perWait
		p.spend(&g.open().Account, s, parts)
		return true
	}
	if open := g.open(); g.fresh && open.spot == x { // the read found nothing: this is the same visit
		open.leave, open.origin, open.root, open.unwaited = s.End, origin, root, false
		open.by, open.byLeave = left.by, left.byLeave
		open.Account, open.wait = open.wait, open.Account
		open.Account.Clear()
		p.spend(&open.wait, s, parts)
		g.fresh, g.reads = false, 0
		return true
	}
	if !p.visit(g, left) {
		return false
	}
	p.spend(&g.open().wait, s, parts)
	g.fresh = false
	return true
}

// originOf is what ended a wait, and where that came from.
func (p *Pass) originOf(s *replay.Span) (origin, root cycle.Origin) {
	if s.EndByGoID != format.NoGoroutine {
		root = cycle.ByGoroutine
		if by := p.goroutines.Find(s.PID, s.EndByGoID); by != nil {
			root = by.rootOf(root)
		}
		return cycle.ByGoroutine, root
	}
	switch format.ParseReason(p.names.Reason(s.EndReason)) {
	case format.ReasonNetpoll:
		return cycle.ByNetwork, cycle.ByNetwork
	case format.ReasonTimer:
		return cycle.ByTimer, cycle.ByTimer
	}
	switch replay.ClassOf(p.names.Reason(s.Reason)) {
	case replay.ClassNetwork:
		return cycle.ByNetwork, cycle.ByNetwork
	case replay.ClassTimer:
		return cycle.ByTimer, cycle.ByTimer
	}
	return cycle.ByUnknown, cycle.ByUnknown
}

// spend adds a span to an account.
func (p *Pass) spend(a *cycle.Account, s *replay.Span, parts []blocking.Part) {
	p.tallies = p.tallies[:0]
	for _, part := range parts {
		w := cycle.What{State: p.stateOf(s, part.ID), ID: part.ID}
		p.tallies = append(p.tallies, cycle.Tally{What: w, NS: part.NS})
	}
	a.Add(p.tallies, s.Begin, s.End)
}
