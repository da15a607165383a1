package governor

import "time"

// reach changes the rung.
func (g *Governor) reach(to rung) { g.rung, g.since = to, g.last.NowNS }

// takeOff has everything off until the next window.
func (g *Governor) takeOff() {
	g.reach(rungBetween)
	g.plan = Plan{Why: CauseBudget, OffUntilNS: g.last.NowNS + int64(minOff)}
	g.factor = 0.5 + g.rand.Float64()
	g.wait()
}

// waitForCalm has everything off until what somebody else wanted has been over for some time.
func (g *Governor) waitForCalm() {
	if g.rung != rungOff {
		g.reach(rungOff)
	}
	over := g.pressed + int64(calm[g.trouble])
	if g.last.NowNS >= over {
		g.takeOff()
		return
	}
	g.plan = Plan{Why: g.trouble, OffUntilNS: over}
}

// watchWindow ends a window, unless everything can be paid for all the time.
func (g *Governor) watchWindow() {
	now := g.last.NowNS
	if g.credit < 0 && g.window.spentNS > dearer*g.window.costNS {
		g.takeOff()
		return
	}
	if now < g.window.endNS {
		return
	}
	extra := time.Duration(now - g.window.endNS)
	switch {
	case g.credit < 0, g.load.rate(&g.plan.On) > spare*g.allowance(), g.plan.On != g.cfg.Wanted && extra > trial:
		g.takeOff()
	case extra > trial && now-g.leftFull > int64(settle):
		g.reach(rungFull)
		g.plan.Why = CauseNone
	}
}

// seekWindow begins a window when as much has been saved as it needs.
func (g *Governor) seekWindow() {
	now := g.last.NowNS
	if now < g.plan.OffUntilNS || !g.wait() {
		return
	}
	g.sums.Windows++
	g.reach(rungWindow)
	g.window.endNS, g.window.spentNS = now+g.window.lengthNS, 0
	g.plan = Plan{On: g.classes(), Snapshot: g.snapshotNS() <= g.window.costNS/4, Why: CauseBudget}
}

// wait says whether the next window can begin. If not, it says until when it cannot.
func (g *Governor) wait() bool {
	net := g.allowance() - g.load.offCPUs
	if !g.choose(net) {
		g.plan.Rounds, g.plan.RoundsCPUs = g.cfg.Rounds && net > 0, max(0, roundsShare*net)
		g.plan.OffUntilNS = g.last.NowNS + int64(time.Second)
		return false
	}
	g.plan.Rounds, g.plan.RoundsCPUs = false, 0
	missing := g.factor*g.window.costNS - g.credit
	if missing <= 0 {
		return g.last.NowNS >= g.plan.OffUntilNS
	}
	wait := min(time.Duration(missing/net), time.Second)
	g.plan.OffUntilNS = max(g.plan.OffUntilNS, g.last.NowNS+int64(wait))
	return false
}

// choose plans the next window with as many classes as can be paid for. It says false where none can
// be, at what may be spent in a second.
func (g *Governor) choose(net float64) bool {
	if net <= 0 {
		return false
	}
	settled := g.last.NowNS-g.dropNS > int64(settle)
	if c, ok := g.cheapestDropped(); ok && settled {
		on := g.classes()
		on[c] = true
		if g.windowOf(&on, net).periodNS(net) < float64(g.cfg.Rarest)/3 {
			g.dropped[c], g.dropNS = false, g.last.NowNS
		}
	}
	for {
		on := g.classes()
		g.window = g.windowOf(&on, net)
		if g.window.periodNS(net) <= float64(g.cfg.Rarest) {
			return true
		}
		c, ok := g.dearest()
		if !ok {
			return false
		}
		g.dropped[c], g.dropNS = true, g.last.NowNS
	}
}

// window is one that is planned, or on.
type window struct {
	lengthNS int64
	costNS   float64 // what it is expected to cost
	spentNS  float64 // what it has cost so far
	endNS    int64   // when it is to end
}

// periodNS is how long a window has to be saved up for.
func (w window) periodNS(net float64) float64 { return w.costNS / net }

// windowOf plans a window with these classes: long enough to be worth its attaching, and such that
// windows come every few seconds.
func (g *Governor) windowOf(on *[NumClasses]bool, net float64) window {
	fixed := g.load.attachNS
	period := min(max(time.Duration(fixedShare*fixed/net), minPeriod), maxPeriod)
	length := float64(maxWindow)
	if rate := g.load.rate(on); rate > 0 {
		length = (net*float64(period) - fixed) / rate
	}
	length = min(max(length, float64(minWindow)), float64(maxWindow))
	w := window{lengthNS: int64(length), costNS: fixed + length*g.load.rate(on)}
	if read := g.snapshotNS(); read <= w.costNS/4 {
		w.costNS += read
	}
	return w
}

// snapshotNS is what it costs to read all goroutines.
func (g *Governor) snapshotNS() float64 { return readNS * float64(g.last.Goroutines) }

// classes are those of a window.
func (g *Governor) classes() [NumClasses]bool {
	on := g.cfg.Wanted
	for c, dropped := range g.dropped {
		on[c] = on[c] && !dropped
	}
	return on
}

// dearest is the class that costs most of those that can be left out and are not.
func (g *Governor) dearest() (dearest Class, ok bool) {
	for c := Goroutines + 1; c < NumClasses; c++ {
		if g.cfg.Wanted[c] && !g.dropped[c] && (!ok || g.load.share(c) > g.load.share(dearest)) {
			dearest, ok = c, true
		}
	}
	return dearest, ok
}

// cheapestDropped is the class that costs least of those that are left out.
func (g *Governor) cheapestDropped() (cheapest Class, ok bool) {
	for c := Goroutines + 1; c < NumClasses; c++ {
		if g.dropped[c] && (!ok || g.load.share(c) < g.load.share(cheapest)) {
			cheapest, ok = c, true
		}
	}
	return cheapest, ok
}
