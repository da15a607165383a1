package governor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// world is a process, and a recorder that does what it is told.
type world struct {
	cpus       func(t float64) float64 // the process's own CPU-seconds a second, at that second
	perCPU     [NumClasses]float64     // hits a CPU-second
	pressure   func(t float64) Cause
	change     func(t float64, g *Governor)
	goroutines int
	attachCPU  float64 // seconds of CPU for attaching or detaching
	attach     float64 // seconds that it takes
	base       float64 // the recorder's CPU-seconds a second while something is on
	idle       float64 // and while nothing is
	event      float64 // the recorder's seconds for an event
	noise      float64

	rand *rand.Rand
	now  float64
	r    Reading
	plan Plan
	rung rung
	log  []moment
}

// moment is what held at a time.
type moment struct {
	t, cost, target float64
	on              bool
	rung            rung
}

const usual = 25_000 // hits a CPU-second of a busy server

func server(cpus func(t float64) float64) *world {
	return &world{
		cpus: cpus, perCPU: [NumClasses]float64{4 * usual, 4 * usual, 2 * usual, 39}, goroutines: 100,
		attachCPU: 0.003, attach: 0.040, base: 0.002, idle: 0.001, event: 1e-6,
		rand: rand.New(rand.NewPCG(1, 2)),
	}
}

var everythingWanted = [NumClasses]bool{true, true, true, true}

func config(share float64) Config {
	return Config{
		MaxOverhead: share, FloorCPUs: 0.005, BesidesNS: [NumClasses]int64{650, 650, 50, 10_000}, Seed: 7,
		Wanted: everythingWanted,
	}
}

// step lets some time pass.
func (w *world) step(dt float64) {
	load := w.cpus(w.now)
	if w.noise > 0 {
		load *= math.Exp(w.rand.NormFloat64() * w.noise)
	}
	target := load * dt
	hits, cost := 0.0, 0.0
	for c := range w.perCPU {
		if !w.plan.On[c] {
			continue
		}
		n := math.Floor(w.perCPU[c]*target + w.rand.Float64())
		hits += n
		h := &w.r.Hits[c]
		h.Count += int64(n)
		h.Timed += int64(n/64) + 1
		h.NS += (int64(n/64) + 1) * 500
		cost += n * (500e-9 + [NumClasses]float64{650e-9, 650e-9, 50e-9, 10e-6}[c])
	}
	recorder := hits * w.event
	if w.plan.Any() {
		recorder += w.base * dt
	} else {
		recorder += w.idle * dt
	}
	if w.plan.Rounds {
		recorder += w.plan.RoundsCPUs * dt
		w.r.RoundsNS += int64(w.plan.RoundsCPUs * dt * 1e9)
	}
	w.r.TargetNS += int64((target + cost) * 1e9)
	w.r.RecorderNS += int64(recorder * 1e9)
	w.now += dt
	w.log = append(w.log, moment{t: w.now, cost: cost + recorder, target: target, on: w.plan.Any(), rung: w.rung})
}

// run has a governor govern for some seconds.
func (w *world) run(cfg Config, seconds float64) *Governor {
	w.r.Goroutines = w.goroutines
	g := New(cfg, w.r)
	w.plan = Plan{On: cfg.Wanted}
	for w.now < seconds {
		dt := 0.1
		if w.plan.Any() {
			dt = 0.025
		}
		w.step(dt)
		w.r.NowNS = int64(w.now * 1e9)
		if w.pressure != nil {
			w.r.Pressure = w.pressure(w.now)
		}
		if w.change != nil {
			w.change(w.now, g)
		}
		plan := g.Decide(w.r)
		w.rung = g.rung
		if plan.On != w.plan.On {
			w.step(w.attach) // what was on stays on while it is taken off, and the other way round
			w.r.RecorderNS += int64(w.attachCPU * 1e9)
			w.r.AttachNS += int64(w.attachCPU * 1e9)
			w.log[len(w.log)-1].cost += w.attachCPU
			if plan.Any() && plan.Snapshot {
				w.r.RecorderNS += int64(w.goroutines) * readNS
				w.log[len(w.log)-1].cost += float64(w.goroutines) * readNS / 1e9
			}
		}
		w.plan = plan
	}
	return g
}

// between sums up what happened in some seconds.
func (w *world) between(from, to float64) (overhead, cpus, duty float64) {
	var cost, target, on, all float64
	last := from
	for _, m := range w.log {
		if m.t <= from || m.t > to {
			continue
		}
		cost, target, all = cost+m.cost, target+m.target, all+m.t-last
		if m.on {
			on += m.t - last
		}
		last = m.t
	}
	return cost / target, cost / all, on / all
}

// may is what a share of the process's CPU time is, but for each ten seconds no less than the floor:
// in CPU-seconds a second.
func (w *world) may(share, floor float64) (cpus float64) {
	const seconds = 10
	for t := 0.0; t < w.now; t += seconds {
		var target float64
		for _, m := range w.log {
			if m.t > t && m.t <= t+seconds {
				target += m.target
			}
		}
		cpus += max(share*target, floor*seconds) / w.now
	}
	return cpus
}

func constant(cpus float64) func(float64) float64 { return func(float64) float64 { return cpus } }

// TestCostStaysBelowTheBudget runs every budget on loads of every kind for five minutes.
func TestCostStaysBelowTheBudget(t *testing.T) {
	loads := map[string]func(float64) float64{
		"saturated": constant(1.3),
		"light":     constant(0.02),
		"steps":     func(s float64) float64 { return []float64{0.05, 1.5, 0.6, 1.9, 0.2}[int(s/11)%5] },
		"bursts": func(s float64) float64 {
			if math.Mod(s, 3) < 0.2 {
				return 1.8
			}
			return 0.03
		},
		"in step with windows": func(s float64) float64 { return 1 + 0.9*math.Sin(2*math.Pi*s/5) },
	}
	for name, load := range loads {
		for _, share := range []float64{0.01, 0.05, 0.2} {
			t.Run(fmt.Sprintf("%s/%g", name, share), func(t *testing.T) {
				w := server(load)
				w.noise = 0.3
				g := w.run(config(share), 300)
				overhead, cpus, duty := w.between(0, 300)
				s := g.Sums()
				t.Logf("overhead %.4f, %.4f CPUs, duty %.3f, windows %d", overhead, cpus, duty, s.Windows)
				if may := w.may(share, 0.005); cpus > may*1.05 {
					t.Errorf("it cost %.4f of the process's CPU time, %.4f CPUs of %.4f", overhead, cpus, may)
				}
				if math.Abs(s.Overhead()-overhead) > 0.05*overhead {
					t.Errorf("the governor says %.4f and not %.4f", s.Overhead(), overhead)
				}
				if s.Windows > 400 {
					t.Errorf("%d windows in 300 seconds", s.Windows)
				}
				if duty == 0 {
					t.Error("nothing was ever on after the beginning")
				}
			})
		}
	}
}

// TestCPUsArePaidFor bounds by CPU-seconds a second.
func TestCPUsArePaidFor(t *testing.T) {
	cfg := config(0)
	cfg.MaxCPUs = 0.05
	w := server(constant(1.2))
	w.run(cfg, 120)
	if _, cpus, duty := w.between(0, 120); cpus > 0.0515 || duty < 0.02 {
		t.Errorf("it cost %.4f CPUs, with something on for %.3f of the time", cpus, duty)
	}
}

// TestABoundCanBeChanged makes it tighter, and gives more than it takes to have everything on.
func TestABoundCanBeChanged(t *testing.T) {
	w := server(constant(1))
	w.change = func(t float64, g *Governor) {
		switch {
		case t > 120:
			g.Bound(Config{MaxCPUs: 1000})
		case t > 60:
			g.Bound(config(0.01))
		}
	}
	w.run(config(0.2), 180)
	for _, part := range []struct{ from, to, least, most, duty float64 }{
		{10, 60, 0.1, 0.21, 0}, {61, 120, 0, 0.012, 0}, {140, 180, 0, 10, 1},
	} {
		if overhead, _, duty := w.between(part.from, part.to); overhead < part.least || overhead > part.most ||
			duty < part.duty {
			t.Errorf("from %g s to %g s it cost %.4f, with something on for %.3f of the time", part.from, part.to,
				overhead, duty)
		}
	}
}

// TestBudgetThatSufficesIsNotNoticed has everything on all the time.
func TestBudgetThatSufficesIsNotNoticed(t *testing.T) {
	for _, cpus := range []float64{0, 0.001, 0.003} {
		w := server(constant(cpus))
		w.noise = 0.2
		g := w.run(config(0.01), 120)
		if _, _, duty := w.between(0, 120); duty < 1 || g.Sums().Windows != 1 {
			t.Errorf("at %g CPUs everything is on for %.3f of the time, %d windows", cpus, duty, g.Sums().Windows)
		}
	}
}

// TestLoadStepsAreNoticedWithinASecond has an idle server be saturated, and idle again.
func TestLoadStepsAreNoticedWithinASecond(t *testing.T) {
	for _, share := range []float64{0.01, 0.05, 0.2} {
		w := server(func(s float64) float64 {
			if s > 30 && s < 90 {
				return 1.5
			}
			return 0.002
		})
		w.run(config(share), 150)
		if overhead, _, _ := w.between(31, 90); overhead > share*1.1 {
			t.Errorf("budget %g: from one second after the step on it cost %.4f", share, overhead)
		}
		if _, _, duty := w.between(20, 30); duty < 1 {
			t.Errorf("budget %g: the idle server is watched for %.3f of the time", share, duty)
		}
		if _, _, duty := w.between(110, 150); duty < 0.999 {
			t.Errorf("budget %g: twenty seconds after the load it is watched for %.3f of the time", share, duty)
		}
		if n := flaps(w); n > 2 {
			t.Errorf("budget %g: %d times everything was on, and not any more", share, n)
		}
	}
}

// flaps counts how often everything came to be on, or ceased to be.
func flaps(w *world) (n int) {
	for i := 1; i < len(w.log); i++ {
		if (w.log[i].rung == rungFull) != (w.log[i-1].rung == rungFull) {
			n++
		}
	}
	return n
}

// TestLoadNearTheBudgetDoesNotFlap has full recording cost about what it may.
func TestLoadNearTheBudgetDoesNotFlap(t *testing.T) {
	for _, cpus := range []float64{0.2, 0.5, 1} {
		for _, share := range []float64{0.3, 0.4, 0.5, 0.55} {
			w := server(constant(cpus))
			w.noise = 0.3
			w.run(config(share), 300)
			overhead, _, duty := w.between(0, 300)
			if n := flaps(w); n > 20 || overhead > share*1.03 || duty < 0.45 {
				t.Errorf("%g CPUs, budget %g: %d flaps, overhead %.3f, duty %.3f", cpus, share, n, overhead, duty)
			}
		}
	}
}

// TestDearClassesAreLeftOut has windows of everything be too rare.
func TestDearClassesAreLeftOut(t *testing.T) {
	w := server(constant(1))
	w.perCPU = [NumClasses]float64{20_000, 800_000, 1000, 39}
	g := w.run(config(0.001), 300)
	s := g.Sums()
	if s.DroppedNS[Syscalls] == 0 || s.DroppedNS[Threads] != 0 || s.DroppedNS[Goroutines] != 0 {
		t.Errorf("left out: %v", s.DroppedNS)
	}
	if overhead, cpus, _ := w.between(0, 300); overhead > 0.0011 && cpus > 0.0055 {
		t.Errorf("it cost %.4f", overhead)
	}
}

// TestNothingThatCannotBePaidForIsAttached gives less than a recorder needs that watches nothing.
func TestNothingThatCannotBePaidForIsAttached(t *testing.T) {
	cfg := config(0)
	cfg.MaxCPUs, cfg.Rounds = 0.0005, true
	w := server(constant(1))
	g := w.run(cfg, 60)
	if _, _, duty := w.between(5, 60); duty > 0 || w.plan.Rounds || g.plan.Why != CauseBudget {
		t.Errorf("on for %.3f of the time, %+v", duty, g.plan)
	}
}

// TestRoundsTakeThePlaceOfRareWindows gives somewhat more than that, which goroutines are sampled with;
// and then enough for windows again.
func TestRoundsTakeThePlaceOfRareWindows(t *testing.T) {
	cfg := config(0.05)
	cfg.FloorCPUs, cfg.Rounds = 0, true
	w := server(func(t float64) float64 {
		if t < 120 {
			return 0.026
		}
		return 1
	})
	w.perCPU[Goroutines] = 100 * usual
	w.run(cfg, 120)
	if _, cpus, duty := w.between(60, 120); duty > 0 || !w.plan.Rounds || cpus > 0.0014 || cpus < 0.0011 {
		t.Errorf("on for %.3f of the time, at %.4f CPUs, %+v", duty, cpus, w.plan)
	}
	w = server(constant(1))
	w.run(cfg, 60)
	if _, _, duty := w.between(10, 60); duty == 0 || w.plan.Rounds {
		t.Errorf("on for %.3f of the time, %+v", duty, w.plan)
	}
}

// TestVeryManyGoroutinesAreNotRead has a snapshot cost more than windows may.
func TestVeryManyGoroutinesAreNotRead(t *testing.T) {
	w := server(constant(1))
	w.goroutines = 200_000
	w.run(config(0.01), 120)
	if overhead, _, duty := w.between(0, 120); overhead > 0.0105 || duty < 0.002 {
		t.Errorf("overhead %.4f, duty %.4f", overhead, duty)
	}
}

// TestPressureTakesEverythingOff has somebody want everything off, and wants it back when that is
// over.
func TestPressureTakesEverythingOff(t *testing.T) {
	for cause := CauseKillSwitch; cause < NumCauses; cause++ {
		w := server(constant(0.001))
		w.pressure = func(s float64) Cause {
			if s > 10 && s < 20 {
				return cause
			}
			return CauseNone
		}
		g := w.run(config(0.05), 60)
		if _, _, duty := w.between(10.2, 20); duty > 0 {
			t.Errorf("cause %d: on for %.3f of the time", cause, duty)
		}
		if _, _, duty := w.between(45, 60); duty < 0.99 {
			t.Errorf("cause %d: afterwards on for %.3f of the time", cause, duty)
		}
		if s := g.Sums(); s.Offs[cause] != 1 || s.OffNS[cause] < 10e9 {
			t.Errorf("cause %d: %v times, %v", cause, s.Offs, s.OffNS)
		}
	}
}

// TestNothingComesOnBeforeItWasSaid holds the promise of Plan.OffUntilNS.
func TestNothingComesOnBeforeItWasSaid(t *testing.T) {
	w := server(func(s float64) float64 { return 0.1 + math.Mod(s*0.37, 1.7) })
	w.r.Goroutines = 10
	g := New(config(0.03), w.r)
	w.plan = Plan{On: everythingWanted}
	var until int64
	for w.now < 200 {
		w.step(0.05)
		w.r.NowNS = int64(w.now * 1e9)
		w.plan = g.Decide(w.r)
		if w.plan.Any() && w.r.NowNS < until {
			t.Fatalf("on at %d, before %d", w.r.NowNS, until)
		}
		if until = 0; !w.plan.Any() {
			until = w.plan.OffUntilNS
			if until <= w.r.NowNS-int64(time.Second) || until > w.r.NowNS+11e9 {
				t.Fatalf("off until %d at %d", until, w.r.NowNS)
			}
		}
	}
}

// TestSameSeedSameWindows has two runs alike, and one with another seed differ.
func TestSameSeedSameWindows(t *testing.T) {
	begins := func(seed uint64) (at []float64) {
		cfg := config(0.05)
		cfg.Seed = seed
		w := server(constant(1))
		w.run(cfg, 60)
		for i := 1; i < len(w.log); i++ {
			if w.log[i].on && !w.log[i-1].on {
				at = append(at, w.log[i].t)
			}
		}
		return at
	}
	a, b, c := fmt.Sprint(begins(1)), fmt.Sprint(begins(1)), fmt.Sprint(begins(2))
	if a != b || a == c {
		t.Errorf("windows at %s, %s, and with another seed %s", a, b, c)
	}
}
