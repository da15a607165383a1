package compare

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// TestRulesFindWhatTheyAreFor changes each of head's recordings, or some, and looks at what the one
// rule says.
func TestRulesFindWhatTheyAreFor(t *testing.T) {
	reason := func(r *summary.Recording) {
		for i := range r.Groups {
			if g := &r.Groups[i]; (g.By == summary.BySite || g.By == summary.ByReason) && g.Name == "sync.Mutex.Lock" {
				g.Name = "sync.WaitGroup.Wait"
			}
		}
	}
	finding := func(name string, severity int) func(*summary.Recording) {
		return func(r *summary.Recording) {
			r.Info.Findings = append(r.Info.Findings, summary.Finding{Name: name, Title: "Something",
				Where: "main.work main.go:7", Severity: severity})
		}
	}
	slower := func(times int64) func(*summary.Recording) {
		return func(r *summary.Recording) { r.Pairs[0].NS *= times }
	}
	steal := func(ns int64) func(*summary.Recording) {
		return func(r *summary.Recording) {
			r.Info.Meta.Machine = &format.MachineTime{BusyNS: 5e8, IdleNS: 5e8, StealNS: ns}
		}
	}
	grow := func(r *summary.Recording) { n := *r.Info.Goroutines * 2; r.Info.Goroutines = &n }
	for _, c := range []struct {
		name    string
		base    func(*summary.Recording) // nil: nothing
		head    func(*summary.Recording)
		some    int // how many of head's recordings are changed; 0: all
		rule    policy.Rule
		outcome Outcome // empty: nothing is found
		text    string
	}{
		{"a new reason", nil, reason, 0, policy.NewReason, OutcomeWorse, "new wait reason: sync.WaitGroup.Wait"},
		{"a new reason in half of the recordings", nil, reason, 3, policy.NewReason, "", ""},
		{"a new finding", nil, finding("hog", 40), 0, policy.NewFinding, OutcomeWorse,
			"new finding hog: Something (main.work)"},
		{"a finding of both", finding("hog", 6), finding("hog", 40), 0, policy.NewFinding, "", ""},
		{"a slight finding", nil, finding("hog", 10), 0, policy.NewFinding, "", ""},
		{"a finding about the machine", nil, finding("cpu-contention", 40), 0, policy.NewFinding, OutcomeNoted,
			"cpu-contention"},
		{"a waker who takes longer", nil, slower(2), 0, policy.Waker, OutcomeNoted,
			"waits that main.(*store).flush ends"},
		{"a waker who takes little longer", nil, slower(1), 0, policy.Waker, "", ""},
		{"more goroutines", nil, grow, 0, policy.Goroutines, OutcomeWorse, "20 on base, 40 on head"},
		{"more goroutines in half of the recordings", nil, grow, 3, policy.Goroutines, "", ""},
		{"more steal", steal(1e7), steal(2e8), 0, policy.Steal, OutcomeNoted, "stole more CPU time"},
		{"as much steal", steal(2e8), steal(2e8), 0, policy.Steal, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := inTurns(plain(), plain(), 6, 1)
			for i, r := range head {
				if c.base != nil {
					c.base(base[i])
				}
				if c.some == 0 || i < c.some {
					c.head(r)
				}
			}
			found := ofRule(Compare(base, head, policy.Default()), c.rule)
			switch {
			case c.outcome == "" && len(found) > 0:
				t.Errorf("found %+v; want nothing", found)
			case c.outcome != "" && (len(found) != 1 || found[0].Outcome != c.outcome ||
				!strings.Contains(found[0].Text, c.text)):
				t.Errorf("found %+v; want one that is %s with %q", found, c.outcome, c.text)
			}
		})
	}
}

func ofRule(r *Result, rule policy.Rule) (found []Found) {
	for _, f := range r.Found {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

func TestASiteIsNotNewWhereBaseMayHaveLeftItOut(t *testing.T) {
	changed := plain()
	changed.audit = true
	base, head := inTurns(plain(), changed, 6, 1)
	for _, r := range base {
		r.Info.SitesBeyond, r.Info.BeyondNS = 10, 5e8
	}
	if found := ofRule(Compare(base, head, policy.Default()), policy.NewSite); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestARenamedFunctionIsSaidToHaveMoved(t *testing.T) {
	changed := plain()
	changed.server = "main.handleConnection"
	base, head := inTurns(plain(), changed, 6, 1)
	found := ofRule(Compare(base, head, policy.Default()), policy.NewSite)
	if len(found) != 1 || found[0].Outcome != OutcomeNoted ||
		found[0].Text != "moved: IO wait at main.handleConnection waits as IO wait at main.serve did" {
		t.Errorf("found %+v", found)
	}
}

func TestARuleThatDoesNotDecideOnlyNotes(t *testing.T) {
	changed := plain()
	changed.leaks = 40
	base, head := inTurns(plain(), changed, 6, 1)
	p := policy.Default()
	for _, rule := range []policy.Rule{policy.Leak, policy.Goroutines} {
		p.Rules[rule] = policy.Limit{Floor: p.Rules[rule].Floor}
	}
	r := Compare(base, head, p)
	if found := ofRule(r, policy.Leak); r.Verdict != NotWorse || len(found) != 1 || found[0].Outcome != OutcomeNoted {
		t.Errorf("%s, found %+v", r.Verdict, found)
	}
}
