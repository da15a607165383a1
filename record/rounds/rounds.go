// Package rounds decides when the goroutines of a process are read, and how many of them, so that
// what is found is a fair sample and reading costs no more than it may. It knows no process and no
// clock: its caller tells it the time and what rounds cost.
//
// The instants are a Poisson process: whatever the goroutines do, the share of them found in a state
// estimates their share of time in it (PASTA, Wolff 1982). That holds as long as which instants are
// read does not depend on what goroutines do then. So an instant at which a round is still being read
// is skipped, not queued: a queued one would be read right behind the other, at a time that the
// goroutines chose. What skipping leaves unseen is the time that rounds take, which is what they may
// cost. And where rounds would cost too much, a round reads fewer goroutines, every step-th place
// from a random one on; only where a handful of them would be too dear is the instant left out, by
// chance alone.
package rounds

import (
	"math"
	"math/rand/v2"
)

// Config says how a process is sampled.
type Config struct {
	RatePerS float64 // instants a second
	MaxCPUs  float64 // what rounds may take, in CPU-seconds a second; 0: no bound
	Seed     int64
	Stream   int // tells apart the processes of a recording, whose instants are not the same
}

const (
	// maxRead is how many places a round reads at most: its rows are in memory together.
	maxRead = 64 << 10
	// minRead is how many places a round reads at least. It is left out rather than read fewer.
	minRead = 32
	// horizonS is over how many seconds the cost of rounds comes back to what it may be.
	horizonS = 5
	// creditS is how many seconds' worth of what was not used may be used later.
	creditS = 1
	// learn is how much of an estimate the latest round is.
	learn = 0.2
	// warmUp is how many rounds are not counted towards the bound: what they read, and the names of
	// functions, is all new.
	warmUp = 3
	// surprise is how many times what is expected of a round counts at most as what was learnt from it.
	surprise = 3
	// minKept is the least share of instants that is not left out: else nobody learns that rounds have
	// become cheaper.
	minKept = 0.02
	// lateNS is how late a round may begin. Timers alone make it up to a millisecond.
	lateNS = 2e6
)

// What a round costs until one has been made, in nanoseconds: rather too much.
const (
	firstRoundNS = 400e3
	firstPlaceNS = 15e3
)

// Pacer paces the rounds of one process. It is not safe for concurrent use.
type Pacer struct {
	cfg     Config
	instant *rand.Rand // when: not changed by what else is random
	choice  *rand.Rand // which places, and what is left out
	next    int64      // the next instant
	counts  Counts

	updated  int64   // when the balance was last brought up to date
	balance  float64 // CPU time that was not used; negative: that was used beyond
	roundNS  float64 // what a round costs beside its places
	placeNS  float64 // what a place costs
	places   int     // how many there were last
	lastLate int64
}

// Counts says what became of the instants so far.
type Counts struct {
	Made, Weighted         int64 // rounds, and those that read some places only
	LeftOut, Skipped, Late int64 // see format.Rounds
	MaxStep                int
	MaxLateNS, CPUNS       int64
}

// New begins to pace at a time.
func New(cfg Config, now int64) *Pacer {
	p := &Pacer{
		cfg: cfg, roundNS: firstRoundNS, placeNS: firstPlaceNS,
		instant: rand.New(rand.NewPCG(uint64(cfg.Seed), uint64(2*cfg.Stream))),
		choice:  rand.New(rand.NewPCG(uint64(cfg.Seed), uint64(2*cfg.Stream+1))),
	}
	p.Resume(now)
	return p
}

// Resume goes on after a time without rounds. The process has no memory: the next instant is as far away
// as ever.
func (p *Pacer) Resume(now int64) {
	p.next, p.updated = now, now
	p.draw()
}

// draw draws the next instant.
func (p *Pacer) draw() {
	p.next += max(1, int64(min(p.instant.ExpFloat64()/p.cfg.RatePerS, 1e6)*1e9))
}

// Next is when the next round is due.
func (p *Pacer) Next() int64 { return p.next }

// LateNS is how late the round is that was due last.
func (p *Pacer) LateNS() int64 { return p.lastLate }

// Counts are those of all rounds so far.
func (p *Pacer) Counts() Counts { return p.counts }

// Allow changes what rounds may take from a time on.
func (p *Pacer) Allow(maxCPUs float64, now int64) {
	p.accrue(now)
	p.cfg.MaxCPUs = maxCPUs
}

// Due says whether a round is to be read now. Rounds that nobody asked for in time are as skipped.
func (p *Pacer) Due(now int64) bool {
	if now < p.next {
		return false
	}
	p.lastLate = now - p.next
	p.draw()
	p.skip(now)
	p.accrue(now)
	if p.cfg.MaxCPUs > 0 && p.choice.Float64() >= p.kept() {
		p.counts.LeftOut++
		return false
	}
	return true
}

// skip counts the instants up to a time.
func (p *Pacer) skip(now int64) {
	for p.next <= now {
		p.counts.Skipped++
		p.draw()
	}
}

// accrue adds what may have been used since the last time.
func (p *Pacer) accrue(now int64) {
	second := p.cfg.MaxCPUs * 1e9
	p.balance += p.cfg.MaxCPUs * float64(now-p.updated)
	p.balance = min(max(p.balance, -horizonS*second), creditS*second)
	p.updated = now
}

// mayTake is what the next round may cost: its share, and what others left over or owe.
func (p *Pacer) mayTake() float64 {
	share := p.cfg.MaxCPUs * 1e9 / p.cfg.RatePerS
	return share * max(1+p.balance/(p.cfg.MaxCPUs*horizonS*1e9), 0)
}

// kept is the share of instants that is not left out.
func (p *Pacer) kept() float64 {
	least := p.roundNS + p.placeNS*float64(min(p.places, minRead))
	return min(max(p.mayTake()/least, minKept), 1)
}

// Choose says which places of a round to read, of so many: every step-th from one on.
func (p *Pacer) Choose(places int) (from, step int) {
	p.places, step = places, 1
	read := float64(maxRead)
	if p.cfg.MaxCPUs > 0 {
		read = min(read, max(minRead, (p.mayTake()-p.roundNS)/p.placeNS))
	}
	if float64(places) > read {
		step = int(math.Ceil(float64(places) / read))
	}
	return p.choice.IntN(step), step
}

// Cost is what a round took: the CPU time for so many places, and everything since the round before
// that would not have been without rounds, the places included.
type Cost struct {
	Read              int
	PlacesNS, TotalNS int64
}

// Made takes what a round took that ended at a time, with the step that was chosen.
func (p *Pacer) Made(end int64, step int, c Cost) {
	p.skip(end)
	p.counts.Made++
	if step > 1 {
		p.counts.Weighted++
	}
	if p.lastLate > lateNS {
		p.counts.Late++
	}
	p.counts.MaxStep = max(p.counts.MaxStep, step)
	p.counts.MaxLateNS = max(p.counts.MaxLateNS, p.lastLate)
	p.counts.CPUNS += c.TotalNS
	p.accrue(end)
	if p.counts.Made <= warmUp {
		return
	}
	p.balance -= float64(c.TotalNS)
	p.roundNS += learn * (min(float64(c.TotalNS-c.PlacesNS), surprise*p.roundNS) - p.roundNS)
	if c.Read > 0 {
		p.placeNS += learn * (min(float64(c.PlacesNS)/float64(c.Read), surprise*p.placeNS) - p.placeNS)
	}
}
