package compare

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// changed are builds that differ from the plain one in one thing, with what the first two sentences
// of the explanation must name.
var changed = map[string]struct {
	change  func(*build)
	verdict Verdict
	names   string
}{
	"nothing":                  {func(*build) {}, NotWorse, ""},
	"delays twice as long":     {func(b *build) { b.delayNS *= 2 }, Worse, "main.compact"},
	"locks held twice as long": {func(b *build) { b.lockNS *= 2 }, Worse, "main.(*store).flush"},
	"a new blocking site": {func(b *build) { b.audit = true }, Worse, "new blocking site: chan receive at " +
		"main.audit"},
	"a leak": {func(b *build) { b.leaks = 40 }, Worse, "new leak: goroutines leaked in " +
		"chan send at main.notify"},
	"a function renamed":    {func(b *build) { b.server = "main.handleConnection" }, NotWorse, ""},
	"a faster lock":         {func(b *build) { b.lockNS /= 2 }, NotWorse, ""},
	"delays a tenth longer": {func(b *build) { b.delayNS *= 1.1 }, NotWorse, ""},
	"another Go version": {func(b *build) { b.goVersion = "go1.27.0" }, NotComparable,
		"Go version: base go1.26.8, head go1.27.0"},
}

func TestOneThingChanged(t *testing.T) {
	for name, c := range changed {
		t.Run(name, func(t *testing.T) {
			wrong := 0
			for seed := range uint64(20) {
				head := plain()
				c.change(&head)
				base, changed := inTurns(plain(), head, 6, seed)
				r := Compare(base, changed, policy.Default())
				first := strings.Join(r.Explanation[:min(2, len(r.Explanation))], "\n")
				if r.Verdict != c.verdict || !strings.Contains(first, c.names) {
					wrong++
					t.Logf("seed %d: %s: %q", seed, r.Verdict, r.Explanation)
				}
			}
			if wrong > 1 {
				t.Errorf("%d of 20 trials are not %s, or do not name %q", wrong, c.verdict, c.names)
			}
		})
	}
}

func TestAProgramIsSeldomWorseThanItself(t *testing.T) {
	for _, scatter := range []float64{0.05, 0.2, 0.5} {
		false_ := 0
		for seed := range uint64(200) {
			b := plain()
			b.scatter = scatter
			base, head := inTurns(b, b, 6, seed)
			if r := Compare(base, head, policy.Default()); r.Verdict == Worse {
				false_++
			}
		}
		if false_ > 10 {
			t.Errorf("recordings that scatter by %v: %d of 200 comparisons of a program with itself say worse", scatter,
				false_)
		}
	}
}

func TestOneAgainstOne(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*build)
		verdict Verdict
	}{
		{"nothing changed", func(*build) {}, Inconclusive},
		{"twice as long", func(b *build) { b.delayNS *= 2 }, Inconclusive},
		{"five times as long", func(b *build) { b.delayNS *= 5 }, Worse},
		{"a leak", func(b *build) { b.leaks = 40 }, Worse},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := plain()
			c.change(&head)
			base, changed := inTurns(plain(), head, 1, 3)
			r := Compare(base, changed, policy.Default())
			if r.Verdict != c.verdict || !r.Design.LowConfidence {
				t.Errorf("%s, low confidence: %v, %q; want %s with low confidence", r.Verdict, r.Design.LowConfidence,
					r.Explanation, c.verdict)
			}
		})
	}
}

func TestRecordingsInARowNeedALargerChange(t *testing.T) {
	for _, c := range []struct {
		times   float64
		verdict Verdict
	}{{1.6, NotWorse}, {3, Worse}} {
		head := plain()
		head.delayNS *= c.times
		base, changed := inRow(plain(), head, 6, 1)
		r := Compare(base, changed, policy.Default())
		if r.Verdict != c.verdict || !r.Design.Sequential || !hasWarning(r, "sequential") {
			t.Errorf("%v× sequential: %s, %+v, %v; want %s and a warning", c.times, r.Verdict, r.Design, r.Warnings,
				c.verdict)
		}
	}
}

func hasWarning(r *Result, code string) bool {
	for _, w := range r.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

// TestDifferencesMakeRecordingsIncomparable breaks one thing at a time, and allows it.
func TestDifferencesMakeRecordingsIncomparable(t *testing.T) {
	for name, spoil := range map[policy.Difference]func(*summary.Recording){
		policy.DiffGOMAXPROCS: func(r *summary.Recording) { r.Info.Meta.Processes[0].GOMAXPROCS = 4 },
		policy.DiffCPU:        func(r *summary.Recording) { r.Info.Meta.CPUModel = "another CPU" },
		policy.DiffGo:         func(r *summary.Recording) { r.Info.Meta.Processes[0].GoVersion = "go1.25.1" },
		policy.DiffLoad:       func(r *summary.Recording) { r.Info.NetworkWakes = 5000 },
		policy.DiffDuration:   func(r *summary.Recording) { r.Info.DurationNS *= 2 },
		policy.DiffLoss:       func(r *summary.Recording) { r.Info.Meta.Lost = r.Info.Events },
		policy.DiffRecorder:   func(r *summary.Recording) { r.Info.Meta.MaxStackDepth = 8 },
		policy.DiffDuplicate:  func(r *summary.Recording) { r.Info.ID = "the same" },
	} {
		t.Run(string(name), func(t *testing.T) {
			base, head := inTurns(plain(), plain(), 6, 1)
			for _, r := range head {
				spoil(r)
			}
			r := Compare(base, head, policy.Default())
			if r.Verdict != NotComparable || len(r.Differences) != 1 || r.Differences[0].Name != name {
				t.Errorf("%s: %+v; want only %s", r.Verdict, r.Differences, name)
			}
			p := policy.Default()
			if err := p.Allow([]string{string(name)}); err != nil {
				t.Fatal(err)
			}
			if r := Compare(base, head, p); r.Verdict == NotComparable || !hasWarning(r, "allowed") {
				t.Errorf("allowed: %s, %v", r.Verdict, r.Warnings)
			}
		})
	}
}

func TestRecordingsAreComparedByTheLimitsThatHeld(t *testing.T) {
	procs := func(values ...float64) []summary.Limit {
		return []summary.Limit{{PID: 7, Name: format.LimitProcs, Values: values}}
	}
	quota := func(values ...float64) []summary.Limit {
		return []summary.Limit{{PID: 7, Name: format.LimitQuota, Values: values}}
	}
	for name, c := range map[string]struct {
		base, head []summary.Limit
		want       string
	}{
		"the same":                    {procs(1), procs(1), ""},
		"the metadata's and the same": {nil, procs(2), ""},
		"another than the metadata's": {nil, procs(1), "GOMAXPROCS: base 2, head 1"},
		"one that changes":            {procs(2), procs(2, 300), "GOMAXPROCS: base 2, head 2, then 300"},
		"a quota that goes": {quota(1.5), quota(1.5, 0), "CPU quota: base 1.5 CPUs, head 1.5 CPUs, " +
			"then none"},
		"a quota that nothing says is no": {nil, quota(0), ""},
	} {
		base, head := inTurns(plain(), plain(), 6, 1)
		for _, r := range base {
			r.Info.Limits = c.base
		}
		for _, r := range head {
			r.Info.Limits = c.head
		}
		got := ""
		if r := Compare(base, head, policy.Default()); len(r.Differences) > 0 {
			got = r.Differences[0].Text
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatIsIgnoredPassesUntilItsDate(t *testing.T) {
	head := plain()
	head.audit = true
	base, changed := inTurns(plain(), head, 6, 1)
	made := time.Unix(0, wallClock).UTC()
	for _, c := range []struct {
		name    string
		ignore  policy.Suppression
		verdict Verdict
	}{
		{"in force", policy.Suppression{What: "new-site", Where: "main.audit", Until: made.AddDate(0, 1, 0)}, NotWorse},
		{"on its last day", policy.Suppression{What: "new-site", Where: "main.audit",
			Until: made.Truncate(24 * time.Hour)},
			NotWorse},
		{"expired", policy.Suppression{What: "new-site", Where: "main.audit", Until: made.AddDate(0, 0, -2)}, Worse},
		{"another place", policy.Suppression{What: "new-site", Where: "main.other", Until: made.AddDate(0, 1, 0)},
			Worse},
		{"another rule", policy.Suppression{What: "leak", Until: made.AddDate(0, 1, 0)}, Worse},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := policy.Default()
			c.ignore.Reason = "known"
			blocked := policy.Suppression{What: policy.Blocked.String(), Reason: "the audit is a wait",
				Until: made.AddDate(1, 0, 0)}
			p.Suppressions = []policy.Suppression{c.ignore, blocked}
			if r := Compare(base, changed, p); r.Verdict != c.verdict {
				t.Errorf("%s: %q; want %s", r.Verdict, r.Explanation, c.verdict)
			}
		})
	}
}

func TestEveryFormatIsTheSameBytes(t *testing.T) {
	head := plain()
	head.lockNS, head.audit, head.leaks = 2*head.lockNS, true, 40
	formats := map[string]func(io.Writer, *Result) error{
		"txt": func(w io.Writer, r *Result) error {
			return report.WriteText(w, r.Document(), report.Options{Width: 110})
		},
		"md":   func(w io.Writer, r *Result) error { return report.WriteMarkdown(w, r.Document()) },
		"html": func(w io.Writer, r *Result) error { return report.WriteHTML(w, r.Document()) },
		"xml": func(w io.Writer, r *Result) error {
			return report.WriteJUnit(w, r.Document(),
				"gosched compare")
		},
		"json": func(w io.Writer, r *Result) error { return report.WriteJSON(w, r) },
	}
	for name, head := range map[string]build{"worse": head, "same": plain()} {
		for extension, write := range formats {
			t.Run(name+"."+extension, func(t *testing.T) {
				base, changed := inTurns(plain(), head, 6, 1)
				var out bytes.Buffer
				if err := write(&out, Compare(base, changed, policy.Default())); err != nil {
					t.Fatal(err)
				}
				golden.Check(t, "testdata/"+name+"."+extension, out.Bytes())
			})
		}
	}
}
