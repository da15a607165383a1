package compare

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// addSite adds waits at a function, n of ns each, to a recording.
func addSite(r *summary.Recording, reason, function string, n int, ns int64) {
	for _, by := range []summary.By{summary.BySite, summary.ByReason} {
		g := summary.Group{Key: summary.Key{Measure: summary.MeasureWait, By: by, Name: reason}}
		if by == summary.BySite && function != "" {
			g.Stack, g.Frame = "main.main;"+function, function+" /src/x.go:1"
		}
		for range n {
			g.Hist.Add(ns)
		}
		if known := r.Group(g.Key); known != nil && by == summary.ByReason {
			known.Hist.Merge(&g.Hist)
			continue
		}
		r.Groups = append(r.Groups, g)
	}
}

// trial6 compares six recordings of the plain build with as many that were changed, interleaved.
func trial6(p *policy.Policy, base, head func(*summary.Recording)) *Result {
	b, h := inTurns(plain(), plain(), 6, 1)
	for i := range b {
		base(b[i])
		head(h[i])
	}
	return Compare(b, h, p)
}

func nothing(*summary.Recording) {}

func TestManyMovesDoNotHideWhatIsNew(t *testing.T) {
	r := trial6(policy.Default(), func(r *summary.Recording) {
		for i := range 12 {
			addSite(r, "sync.Mutex.Lock", fmt.Sprintf("oldpkg.f%d", i), 100, 1e6)
		}
	}, func(r *summary.Recording) {
		for i := range 12 {
			addSite(r, "sync.Mutex.Lock", fmt.Sprintf("newpkg.f%d", i), 100, 1e6)
		}
		addSite(r, "sync.Mutex.Lock", "main.brandNew", 20, 2_500_000)
	})
	if r.Verdict != Worse || !strings.Contains(r.Explanation[0], "main.brandNew") {
		t.Errorf("%s: %q", r.Verdict, r.Explanation)
	}
	from := map[string]bool{}
	for _, f := range ofRule(r, policy.NewSite) {
		if _, was, ok := strings.Cut(f.Text, " waits as "); ok {
			from[was] = true
		}
	}
	if len(from) != 12 {
		t.Errorf("12 functions were renamed, %d are said to have been another", len(from))
	}
}

func TestIgnoringMuchDoesNotHideTheRest(t *testing.T) {
	p := policy.Default()
	p.Suppressions = []policy.Suppression{{What: "new-site", Where: "main.audit", Reason: "known",
		Until: time.Unix(0, wallClock).AddDate(1, 0, 0)}}
	p.Metrics = p.Metrics[:2]
	r := trial6(p, nothing, func(r *summary.Recording) {
		for i := range 15 {
			addSite(r, "select", fmt.Sprintf("main.audit%d", i), 100, 2e6)
		}
		addSite(r, "select", "main.other", 100, 1e6)
	})
	if found := ofRule(r, policy.NewSite); r.Verdict != Worse || len(found) != 16 || len(r.Suppressed[0].Kept) != 15 {
		t.Errorf("%s: %d found, passed %v", r.Verdict, len(found), r.Suppressed)
	}
}

func TestOneVanishedPlaceExcusesOneNewOne(t *testing.T) {
	r := trial6(policy.Default(), func(r *summary.Recording) { addSite(r, "select", "main.old", 40, 1e6) },
		func(r *summary.Recording) {
			for i := range 5 {
				addSite(r, "select", fmt.Sprintf("main.new%d", i), 40, 1e6)
			}
		})
	worse := 0
	for _, f := range ofRule(r, policy.NewSite) {
		if f.Outcome == OutcomeWorse {
			worse++
		}
	}
	if worse != 4 {
		t.Errorf("%d of 5 new places are worse; one was another before", worse)
	}
}

// TestWhatCouldNotBeTestedIsOpen has policies and recordings with which a metric can be tested and
// rules cannot.
func TestWhatCouldNotBeTestedIsOpen(t *testing.T) {
	p := policy.Default()
	p.Metrics = p.Metrics[1:2]
	for _, c := range []struct {
		name    string
		ns      int64
		verdict Verdict
	}{{"a small new place", 1e6, Inconclusive}, {"a large one", 20e6, Worse}} {
		base, head := inTurns(plain(), plain(), 4, 1)
		for _, r := range head {
			addSite(r, "select", "main.brandNew", 100, c.ns)
		}
		if r := Compare(base, head, p); r.Verdict != c.verdict || r.Design.LowConfidence {
			t.Errorf("%s: %s, %q", c.name, r.Verdict, r.Explanation)
		}
	}
	base, head := inTurns(plain(), plain(), 4, 1)
	for _, r := range head {
		n := *r.Info.Goroutines * 2
		r.Info.Goroutines = &n
	}
	if r := Compare(base, head, p); r.Verdict != Inconclusive {
		t.Errorf("twice as many goroutines: %s", r.Verdict)
	}
}

func TestAMetricThatFewRecordingsHaveIsOpen(t *testing.T) {
	contention := summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}
	b, h := inTurns(plain(), plain(), 6, 1)
	for i := range b {
		for j := range h[i].Groups {
			if g := &h[i].Groups[j]; g.Key == contention {
				*g = summary.Group{Key: contention}
				for range 400 {
					g.Hist.Add(200e6)
				}
			}
		}
		for j := range b[i].Groups {
			if g := &b[i].Groups[j]; g.Key == contention && i > 0 {
				g.Hist = summary.Group{}.Hist
			}
		}
	}
	r := Compare(b, h, policy.Default())
	if r.Verdict == NotWorse {
		t.Errorf("a wait that is a hundred times as long, of which base has one recording: %s", r.Verdict)
	}
}

func TestStarvedGoroutinesAreNotLetOff(t *testing.T) {
	starve := func(r *summary.Recording) {
		g := r.Group(summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal})
		for range 40 {
			g.Hist.AddCensored(400e6)
		}
	}
	r := trial6(policy.Default(), nothing, starve)
	for _, m := range r.Metrics {
		if m.Name == "delay p99" && (m.Outcome != OutcomeWorse || !m.AtLeast) {
			t.Errorf("head's p99 was cut: %s, %+v", m.Outcome, m.Ratio)
		}
	}
	if r.Verdict != Worse || !strings.Contains(strings.Join(r.Explanation, "\n"), "at least") {
		t.Errorf("%s: %q", r.Verdict, r.Explanation)
	}
	if r := trial6(policy.Default(), starve, nothing); r.Verdict != NotWorse || r.Metrics[1].Outcome != OutcomeUnknown {
		t.Errorf("base's p99 was cut, and is longer: %s, %s", r.Verdict, r.Metrics[1].Outcome)
	}
}

// TestACutInBaseLeavesOnlyOpenWhatMayBeWorse has a lock of which a base recording saw little, most
// of it cut.
func TestACutInBaseLeavesOnlyOpenWhatMayBeWorse(t *testing.T) {
	contention := summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}
	for _, c := range []struct {
		times   int64
		verdict Verdict
	}{{1, NotWorse}, {100, Inconclusive}} {
		b, h := inTurns(plain(), plain(), 6, 1)
		for j := range b[2].Groups {
			if g := &b[2].Groups[j]; g.Key == contention {
				*g = summary.Group{Key: contention}
				g.Hist.Add(2e6)
				for range 3 {
					g.Hist.AddCensored(3e6)
				}
			}
		}
		for _, r := range h {
			for j := range r.Groups {
				if g := &r.Groups[j]; g.Key == contention {
					*g = summary.Group{Key: contention}
					for range 400 {
						g.Hist.Add(2e6 * c.times)
					}
				}
			}
		}
		if r := Compare(b, h, policy.Default()); r.Verdict != c.verdict {
			t.Errorf("waits that are %d times as long: %s, %q", c.times, r.Verdict, r.Explanation)
		}
	}
}

func TestWhatIsNotKnownIsNotNew(t *testing.T) {
	for name, change := range map[string]func(*summary.Recording){
		"an unknown reason": func(r *summary.Recording) { addSite(r, summary.UnknownReason, "main.f", 100, 1e6) },
		"a lost stack":      func(r *summary.Recording) { addSite(r, "chan receive", "", 100, 1e6) },
		"other sites":       func(r *summary.Recording) { addSite(r, summary.OtherReason, "", 100, 1e6) },
	} {
		if r := trial6(policy.Default(), nothing, change); r.Verdict != NotWorse {
			t.Errorf("%s: %s, %q", name, r.Verdict, r.Explanation)
		}
	}
	leftOut := func(r *summary.Recording) {
		g := summary.Group{Key: summary.Key{Measure: summary.MeasureWait, By: summary.ByReason, Name: "select"}}
		g.Hist.Add(5e8)
		r.Groups = append(r.Groups, g)
		r.Info.SitesBeyond, r.Info.BeyondNS = 10, 5e8
	}
	r := trial6(policy.Default(), leftOut, func(r *summary.Recording) { addSite(r, "select", "main.f", 100, 5e6) })
	if len(ofRule(r, policy.NewReason)) > 0 || !hasWarning(r, "beyond") {
		t.Errorf("base has selects at places that were left out: %+v, %v", r.Found, r.Warnings)
	}
}

func TestAWaitOfAMomentDoesNotMakeAPlaceKnown(t *testing.T) {
	b, h := inTurns(plain(), plain(), 6, 1)
	addSite(b[0], "select", "main.brandNew", 1, 100)
	for _, r := range h {
		addSite(r, "select", "main.brandNew", 100, 20e6)
	}
	if found := ofRule(Compare(b, h, policy.Default()), policy.NewSite); len(found) != 1 ||
		found[0].Outcome != OutcomeWorse {
		t.Errorf("found %+v", found)
	}
}

// TestAMachineThatDriftsIsNoChange records one side in the middle, while the machine is slower.
func TestAMachineThatDriftsIsNoChange(t *testing.T) {
	slow := plain()
	slow.delayNS, slow.lockNS, slow.scatter = 1.6*slow.delayNS, 1.6*slow.lockNS, 0.05
	fast := plain()
	fast.scatter = 0.05
	var base, head []*summary.Recording
	for i, c := range "bbbbbhhhhhhb" {
		if c == 'b' {
			base = append(base, fast.record(i, 1))
		} else {
			head = append(head, slow.record(i, 1))
		}
	}
	if r := Compare(base, head, policy.Default()); r.Verdict == Worse || !r.Design.Sequential {
		t.Errorf("%s, %+v", r.Verdict, r.Design)
	}
}

func TestOneAgainstOneIsNotAlarmedByLittle(t *testing.T) {
	changed := plain()
	changed.leaks = 1
	base, head := inTurns(plain(), changed, 1, 3)
	if r := Compare(base, head, policy.Default()); r.Verdict != Inconclusive {
		t.Errorf("one goroutine left behind: %s, %q", r.Verdict, r.Explanation)
	}
	base, head = inTurns(plain(), plain(), 1, 3)
	addSite(head[0], "sync.Mutex.Lock", "main.(*store).get", 1000, 20e6)
	for _, line := range Compare(base, head, policy.Default()).Explanation {
		if strings.Contains(line, "interval 0×") {
			t.Errorf("an interval that is not there: %q", line)
		}
	}
}

func TestWhatARecordingDoesNotSayIsNotEqual(t *testing.T) {
	silent := func(r *summary.Recording) {
		r.Info.Meta.CPUModel, r.Info.Meta.CPUs, r.Info.Meta.Processes[0].GOMAXPROCS = "", 0, 0
	}
	r := trial6(policy.Default(), nothing, silent)
	if r.Verdict != NotComparable || len(r.Differences) != 2 {
		t.Errorf("only base says it: %s, %+v", r.Verdict, r.Differences)
	}
	if r := trial6(policy.Default(), silent, silent); r.Verdict != NotWorse || !hasWarning(r, "unsaid") {
		t.Errorf("nobody says it: %s, %v", r.Verdict, r.Warnings)
	}
}

func TestOneIdleRecordingIsNotTheLoad(t *testing.T) {
	b, h := inTurns(plain(), plain(), 6, 1)
	for i := range b {
		b[i].Info.NetworkWakes, h[i].Info.NetworkWakes = 5000, 5000
	}
	b[2].Info.NetworkWakes = 0
	if r := Compare(b, h, policy.Default()); r.Verdict != NotWorse {
		t.Errorf("%s: %+v", r.Verdict, r.Differences)
	}
}

func TestLeaksAreNewOnlyWhereTheyCouldBeSeenBefore(t *testing.T) {
	changed := plain()
	changed.leaks = 40
	base, head := inTurns(plain(), changed, 6, 1)
	for _, r := range base {
		r.Info.LeaksJudged = false
	}
	if found := ofRule(Compare(base, head, policy.Default()), policy.Leak); len(found) > 0 {
		t.Errorf("base could not show leaks: %+v", found)
	}
}

// TestAnyRecordingsAreCompared makes recordings up at random, with what is missing, empty or
// absurd, and draws the result in full.
func TestAnyRecordingsAreCompared(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		side := func() (recordings []*summary.Recording) {
			for i := range 1 + rng.IntN(6) {
				r := plain().record(rng.IntN(20), seed+uint64(i))
				switch rng.IntN(8) {
				case 0:
					*r = summary.Recording{}
				case 1:
					r.Info.DurationNS = 0
				case 2:
					r.Groups = r.Groups[:rng.IntN(len(r.Groups))]
				case 3:
					r.Groups[rng.IntN(len(r.Groups))].IdleNS = 1 << 40
				case 4:
					r.Info.Meta = format.Metadata{}
				case 5:
					r.Info.Goroutines, r.Pairs = nil, nil
				}
				recordings = append(recordings, r)
			}
			return recordings
		}
		r := Compare(side(), side(), policy.Default())
		r.Document()
	}
}

// TestARecordingInWindowsLastsAsLongAsItself, and not as long as its windows.
func TestARecordingInWindowsLastsAsLongAsItself(t *testing.T) {
	base, head := inTurns(plain(), plain(), 6, 1)
	for _, r := range head {
		r.Info.Windows, r.Info.WatchedNS = 6, r.Info.DurationNS/50
	}
	for _, d := range Compare(base, head, policy.Default()).Differences {
		if d.Name == policy.DiffDuration {
			t.Errorf("%s: %s", d.Name, d.Text)
		}
	}
}

// TestPercentilesThatWindowsDoNotGiveAreUnknown: buckets of windows lack long delays.
func TestPercentilesThatWindowsDoNotGiveAreUnknown(t *testing.T) {
	base, head := inTurns(plain(), plain(), 6, 1)
	known := int64(3e6)
	for _, r := range head {
		r.Info.Windows, r.Info.WatchedNS = 6, r.Info.DurationNS/50
		r.Info.DelayPercentiles = []stats.Percentile{{Name: "p50", NS: &known}, {Name: "p99", AtLeastNS: &known}}
	}
	r := Compare(base, head, policy.Default())
	seen := 0
	for _, m := range append(r.Metrics, r.Reported...) {
		switch m.Name {
		case "delay p99":
			seen++
			if m.Outcome != OutcomeUnknown || m.Head != nil || m.Why != untold {
				t.Errorf("%s: %s %v (%s)", m.Name, m.Outcome, m.Head, m.Why)
			}
		case "delay p50":
			seen++
			if m.Head == nil || *m.Head != float64(known) {
				t.Errorf("%s is %v", m.Name, m.Head)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d metrics of 2", seen)
	}
}
