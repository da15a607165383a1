// Package governor decides what of a recording is attached when, so that it costs no more than it
// may. It knows no kernel and no clock: it is told what was counted, and says what shall be.
//
// # What costs
//
// Hits, each of which takes the recorded process a trap and a program's run, and the recorder's own
// CPU time, with attaching and detaching. Only what is not attached costs nothing, so that a bound
// is kept by taking everything off for part of the time.
//
// # The ladder
//
// As long as all can be paid for, all is on. What may be spent is saved up and what costs is taken
// off it; when nothing is left, everything comes off. From then on there are windows: each begins
// when as much was saved as it will cost, times a random factor, so that windows are not in step
// with what the process does at regular times. Where windows would be too rare, the dearest class
// that can be missed is left out of them; where they still would be, goroutines are sampled alone.
// When a window shows that all of it could be paid for with some to spare, it does not end.
//
// Where someone else decides, by the kill switch or because the machine is in need, everything is off
// until some time after that is over.
package governor

import (
	"math/rand/v2"
	"time"
)

// Class is what is attached and taken off together.
type Class uint8

// The classes.
const (
	Goroutines Class = iota // moves of goroutines, without which nothing is worth attaching
	Syscalls
	Threads
	Samples

	NumClasses = iota
)

// Cause says why not everything is attached.
type Cause uint8

// The causes.
const (
	CauseNone Cause = iota
	CauseBudget
	CauseKillSwitch
	CauseMemory
	CauseThrottled

	NumCauses = iota
)

// Config says what may be spent, and what is known beforehand of what costs.
type Config struct {
	MaxOverhead float64           // as a share of the recorded processes' CPU time; 0: MaxCPUs holds
	MaxCPUs     float64           // in CPU-seconds a second
	FloorCPUs   float64           // what may be spent whatever MaxOverhead makes of the processes' time
	BesidesNS   [NumClasses]int64 // what a hit costs beside the program's own time: the trap
	Seed        uint64
	Wanted      [NumClasses]bool // what is recorded at all
	Rounds      bool             // goroutines can be sampled where windows cannot be paid for
	Rarest      time.Duration    // from when on windows come too rarely; 0: RarestWindow
}

// Reading is what was counted until now. All but the time only grow.
type Reading struct {
	NowNS      int64
	Hits       [NumClasses]Hits
	TargetNS   int64 // the recorded processes' CPU time
	RecorderNS int64 // the recorder's own
	AttachNS   int64 // of which: attaching, detaching
	RoundsNS   int64 // of RecorderNS: sampling goroutines
	Goroutines int   // alive in the recorded processes, as far as it is known
	Pressure   Cause // CauseNone: nobody wants everything off
}

// Hits is how often programs ran, and how long some of those runs took.
type Hits struct{ Count, Timed, NS int64 }

// Plan is what shall be.
type Plan struct {
	On       [NumClasses]bool
	Snapshot bool // where something comes on: the goroutines can be read from memory
	Rounds   bool // goroutines are sampled, nothing is attached
	// What that may take, in CPU-seconds a second.
	RoundsCPUs float64
	Why        Cause // why not everything that is wanted is on
	// Nothing comes on before then, as things are. It may be later.
	OffUntilNS int64
}

// Any says whether anything is on.
func (p *Plan) Any() bool { return p.On != [NumClasses]bool{} }

// RarestWindow is from when on windows come too rarely, where a Config does not say.
const RarestWindow = 20 * time.Second

// How windows are.
const (
	minWindow = 50 * time.Millisecond
	maxWindow = 2 * time.Second
	minPeriod = time.Second
	maxPeriod = 8 * time.Second
	// fixedShare is how many times what attaching costs a window is to cost, for it to be worth it.
	fixedShare = 8
	// roundsShare is the part of what is left beside the recorder's own needs that rounds may take.
	roundsShare = 0.8
	// minOff is how long everything stays off at least.
	minOff = 100 * time.Millisecond
	// settle is for how long the ladder's rungs are kept at least.
	settle = 5 * time.Second
	// trial is how long a window lasts on that could be paid for all the time, until it is believed.
	trial = time.Second
	// spare is what part of what may be spent all may cost to be on all the time again.
	spare = 0.7
	// ahead is what may be saved while everything is on, in time: a load step is noticed so much
	// later.
	ahead = time.Second
	// dearer is how many times what was expected a window may cost before it ends early.
	dearer = 1.5
	// startNS is what the recorder may spend at the beginning beside what it may anyway: it reads
	// goroutines, names functions and makes files. Until starting is over, that says nothing of what
	// watching costs.
	startNS  = 60e6
	starting = 2 * time.Second
	// readNS is what reading a goroutine from memory costs.
	readNS = 6000
	// attachGuessNS is what attaching and detaching costs until it was seen.
	attachGuessNS = 10e6
)

// calm is how long pressure has to be over.
var calm = [NumCauses]time.Duration{
	CauseKillSwitch: time.Second, CauseMemory: 10 * time.Second, CauseThrottled: 5 * time.Second,
}

// rung is where on the ladder a recording is.
type rung uint8

const (
	rungFull rung = iota // everything is on
	rungWindow
	rungBetween // windows
	rungOff     // somebody wants it
)

// Governor is for one recording and one goroutine. New makes one.
type Governor struct {
	cfg   Config
	rand  *rand.Rand
	began Reading
	last  Reading
	load  load
	sums  Sums

	rung     rung
	since    int64 // when the rung was reached
	credit   float64
	plan     Plan
	dropped  [NumClasses]bool
	dropNS   int64   // when something was last dropped or taken back
	leftFull int64   // when it last could not be paid for to have all on
	grace    float64 // what is left of startNS
	factor   float64 // random: of what a window costs the part that is saved up for the next
	window   window
	trouble  Cause // why everything is off, or was
	pressed  int64 // when somebody last wanted that
}

// New begins a recording at a reading, with everything on unless somebody wants it off.
func New(cfg Config, at Reading) *Governor {
	if cfg.Rarest == 0 {
		cfg.Rarest = RarestWindow
	}
	g := &Governor{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 0x90571)), began: at, last: at, since: at.NowNS}
	g.leftFull = at.NowNS - int64(settle)
	g.dropNS = g.leftFull
	g.plan.On = cfg.Wanted
	g.load.attachNS = attachGuessNS
	g.credit, g.grace = g.allowance()*float64(ahead), startNS
	g.sums.Windows = 1
	if at.Pressure != CauseNone {
		g.trouble, g.pressed, g.sums.Windows = at.Pressure, at.NowNS, 0
		g.waitForCalm()
	}
	return g
}

// Plan is what shall be, as it was last decided.
func (g *Governor) Plan() Plan { return g.plan }

// Bound has other bounds hold from the next decision on: MaxOverhead, MaxCPUs and FloorCPUs. What was
// saved up under those before is spent no faster than it could be saved under these.
func (g *Governor) Bound(cfg Config) {
	g.cfg.MaxOverhead, g.cfg.MaxCPUs, g.cfg.FloorCPUs = cfg.MaxOverhead, cfg.MaxCPUs, cfg.FloorCPUs
	g.credit = min(g.credit, g.allowance()*float64(ahead))
}

// Decide says what shall be from now on. It wants to be asked some ten times a second, and more
// often while something is on.
func (g *Governor) Decide(r Reading) Plan {
	g.account(&r)
	if r.Pressure != CauseNone {
		g.trouble, g.pressed = r.Pressure, r.NowNS
	}
	switch {
	case g.rung == rungOff, r.Pressure != CauseNone:
		g.waitForCalm()
	case g.rung == rungFull:
		if g.credit < 0 {
			g.leftFull = r.NowNS
			g.takeOff()
		}
	case g.rung == rungWindow:
		g.watchWindow()
	case g.rung == rungBetween:
		g.seekWindow()
	}
	return g.plan
}
