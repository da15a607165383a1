package governor

import (
	"math"
	"time"
)

// load is what is known of what costs, from the time in which something was attached.
type load struct {
	cpus     float64             // the processes' CPU-seconds a second now, without what hits take of them
	longCPUs float64             // likewise, over some seconds
	classNS  [NumClasses]float64 // what a class has cost
	seenNS   [NumClasses]float64 // in so much CPU time of the processes
	baseNS   float64             // what the recorder cost beside events
	onNS     float64             // in so much time
	attachNS float64             // what attaching and detaching costs for a window
	offCPUs  float64             // what the recorder costs while nothing is on, a second
	hitNS    [NumClasses]float64 // what a hit costs
}

const (
	// recalled is how much CPU time of the processes counts of what was seen: what comes later
	// displaces it.
	recalled = 500 * time.Millisecond
	// some are the seconds over which a share of the processes' CPU time is to be less than the floor
	// for the floor to hold.
	some = 2 * time.Second
	// eventNS is what the recorder needs for an event at most. What it needs beyond that has
	// nothing to do with events.
	eventNS = 3000
)

// account takes a reading, and pays for what was counted since the last one.
func (g *Governor) account(r *Reading) {
	last, plan := g.last, &g.plan
	g.last = *r
	dt := float64(r.NowNS - last.NowNS)
	if dt <= 0 {
		return
	}
	var d delta
	for c := range d.hitsNS {
		g.load.hitNS[c] = float64(g.cfg.BesidesNS[c]) + r.Hits[c].meanNS()
		d.count[c] = max(0, float64(r.Hits[c].Count-last.Hits[c].Count))
		d.hitsNS[c] = d.count[c] * g.load.hitNS[c]
		d.hits += d.count[c]
		d.allNS += d.hitsNS[c]
	}
	recorder := max(0, float64(r.RecorderNS-last.RecorderNS))
	attach := min(max(0, float64(r.AttachNS-last.AttachNS)), recorder)
	d.dt, d.recorderNS = dt, recorder-attach
	d.roundsNS = min(max(0, float64(r.RoundsNS-last.RoundsNS)), d.recorderNS)
	d.targetNS = max(0, float64(r.TargetNS-last.TargetNS)-d.allNS)
	if begun := r.NowNS - g.began.NowNS; begun < int64(starting) {
		free := min(d.recorderNS, g.grace)
		g.grace, g.credit = g.grace-free, g.credit+free
		d.recorderNS = min(d.recorderNS, d.hits*eventNS)
	}
	g.load.learn(plan, &d)
	d.recorderNS = recorder - attach
	if attach > 0 && g.sums.Windows > 0 { // of attaching, or of detaching: a window needs both
		g.load.attachNS += (2*attach - g.load.attachNS) * 0.2
	}
	g.window.spentNS += d.allNS + recorder
	g.credit = min(g.credit+g.allowance()*dt-d.allNS-recorder, g.most())
	g.sums.add(plan, &d, attach, g.cfg.Wanted)
}

// meanNS is how long a run takes.
func (h *Hits) meanNS() float64 {
	if h.Timed == 0 {
		return 0
	}
	return float64(h.NS) / float64(h.Timed)
}

// delta is what happened between two readings.
type delta struct {
	dt, targetNS, recorderNS float64 // without attaching and detaching
	roundsNS                 float64 // of recorderNS: what need not be
	count, hitsNS            [NumClasses]float64
	hits, allNS              float64 // their sums
}

// learn takes what costs from a time in which the plan held.
func (l *load) learn(plan *Plan, d *delta) {
	l.cpus += (d.targetNS/d.dt - l.cpus) * part(d.dt, 200*time.Millisecond)
	l.longCPUs += (d.targetNS/d.dt - l.longCPUs) * part(d.dt, some)
	if !plan.Any() {
		if d.hits == 0 {
			l.offCPUs += (max(0, d.recorderNS-d.roundsNS)/d.dt - l.offCPUs) * part(d.dt, 2*time.Second)
		}
		return
	}
	keep := math.Exp(-d.targetNS / float64(recalled))
	ofEvents := min(d.recorderNS, d.hits*eventNS)
	aged := keep * math.Exp(-d.dt/float64(10*time.Second))
	l.onNS, l.baseNS = l.onNS*aged+d.dt, l.baseNS*aged+d.recorderNS-ofEvents
	for c, on := range plan.On {
		if !on {
			continue
		}
		l.seenNS[c] = l.seenNS[c]*keep + d.targetNS
		l.classNS[c] = l.classNS[c]*keep + d.hitsNS[c]
		if d.hits > 0 {
			l.classNS[c] += ofEvents * d.count[c] / d.hits
		}
	}
}

// part is how much of a mean a new value is that holds for some time.
func part(dt float64, of time.Duration) float64 { return -math.Expm1(-dt / float64(of)) }

// rate is what it would cost to have these classes on at the present load, in CPU-seconds a second.
func (l *load) rate(on *[NumClasses]bool) (cpus float64) {
	if l.onNS > 0 {
		cpus = l.baseNS / l.onNS
	}
	for c := range on {
		if on[c] {
			cpus += l.share(Class(c)) * l.cpus
		}
	}
	return cpus
}

// share is what a class costs of the processes' CPU time.
func (l *load) share(c Class) float64 {
	if l.seenNS[c] <= 0 {
		return 0
	}
	return l.classNS[c] / l.seenNS[c]
}

// allowance is what may be spent now, in CPU-seconds a second.
func (g *Governor) allowance() float64 {
	if g.cfg.MaxOverhead == 0 {
		return g.cfg.MaxCPUs
	}
	return g.cfg.MaxOverhead*g.load.cpus + max(0, g.cfg.FloorCPUs-g.cfg.MaxOverhead*g.load.longCPUs)
}

// most is what may be saved up.
func (g *Governor) most() float64 {
	most := g.allowance() * float64(ahead)
	if g.rung == rungBetween || g.rung == rungWindow {
		most = max(most, g.factor*g.window.costNS)
	}
	return most
}
