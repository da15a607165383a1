package rounds

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Pass adds up rounds. Make one with New, run it with replay.Run and ask for its Result.
type Pass struct {
	names     *replay.Names
	processes map[int32]*process
}

var (
	_ replay.BeginPass = (*Pass)(nil)
	_ replay.RoundPass = (*Pass)(nil)
)

// New makes an empty pass.
func New() *Pass { return &Pass{processes: map[int32]*process{}} }

// Wants implements replay.Pass: no spans.
func (p *Pass) Wants() replay.Wants { return replay.Wants{} }

// Spans implements replay.Pass.
func (p *Pass) Spans([]replay.Span) {}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

// Round implements replay.RoundPass.
func (p *Pass) Round(r *replay.Round) {
	q := p.processes[r.PID]
	if q == nil {
		q = newProcess()
		p.processes[r.PID] = q
	}
	q.round(r)
}

// placeKey is where goroutines are, and where they come from.
type placeKey struct {
	reason, stack, createdAt format.StringID
	entry                    replay.EntryID
	state                    format.State
}

// beyond is the place of what is not told apart.
const beyond = 0

const maxPlaces = 1 << 16

// process is what the rounds of a process add up to.
type process struct {
	tally  tally
	places []placeKey // by number; the first is for what is beyond
	ids    map[placeKey]int32
	left   []int64 // by place: goroutines that were seen there by two rounds and then were not
	alive  map[format.GoID]*goroutine

	firstNS, lastNS int64 // when the first and the last round began
	least, most     int64 // goroutines that a round found alive
	first, last     int64
	rows            int64
	leftOut         int64
	maxWeight       int64
	counts          []count // room
}

func newProcess() *process {
	return &process{places: []placeKey{{}}, ids: map[placeKey]int32{}, left: []int64{0},
		alive: map[format.GoID]*goroutine{}, maxWeight: 1}
}

// place is the number of a place.
func (p *process) place(g *replay.RoundGoroutine) int32 {
	key := placeKey{g.Reason, g.Stack, g.CreatedAt, g.Entry, g.State}
	id, known := p.ids[key]
	switch {
	case known:
		return id
	case len(p.places) >= maxPlaces:
		return beyond
	}
	id = int32(len(p.places))
	p.places, p.left = append(p.places, key), append(p.left, 0)
	p.ids[key] = id
	return id
}

// round takes a round.
func (p *process) round(r *replay.Round) {
	alive := r.Alive()
	if p.tally.rounds == 0 {
		p.firstNS, p.first, p.least = r.BeginNS, alive, alive
	}
	p.lastNS, p.last = r.BeginNS, alive
	p.least, p.most = min(p.least, alive), max(p.most, alive)
	p.rows += int64(len(r.Goroutines))
	p.leftOut += r.LeftOut
	p.tally.begin()
	for i := range r.Goroutines {
		g := &r.Goroutines[i]
		at := p.place(g)
		p.maxWeight = max(p.maxWeight, g.Weight)
		p.counts = append(p.counts, count{at, g.Weight})
		p.follow(g, at, r.BeginNS)
	}
	p.counts = p.tally.add(p.counts)
	p.forget()
}
