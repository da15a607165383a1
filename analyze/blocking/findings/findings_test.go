package findings_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func found(t testing.TB, trace replay.Source) *findings.Result {
	t.Helper()
	p := findings.New()
	sum, err := replay.Run(context.Background(), trace, p)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Counts.Total() != 0 {
		t.Errorf("the trace contradicts the scheduler model: %+v", sum.Problems)
	}
	return p.Result(sum)
}

func names(r *findings.Result) string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.Name)
	}
	return strings.Join(list, " ")
}

// TestRules has for each rule a trace that it must find and ones that look alike and must stay
// silent.
func TestRules(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			trace, err := format.ParseText(strings.NewReader(c.text()))
			if err != nil {
				t.Fatal(err)
			}
			if r := found(t, trace); names(r) != c.want {
				t.Errorf("found %q; want %q: %+v", names(r), c.want, r.Findings)
			}
		})
	}
}

// TestEveryRuleIsTested wants each rule to be found in at least one trace.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range cases {
		for _, name := range strings.Fields(c.want) {
			tested[name] = true
		}
	}
	for _, rule := range findings.Rules() {
		if !tested[rule.Name] {
			t.Errorf("no trace has %s", rule.Name)
		}
	}
}

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := findings.New()
	return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
		r := p.Result(sum)
		return passtest.Answer{Result: r, Width: 100, Document: func() *report.Document {
			return &report.Document{Tables: r.Tables()}
		}}
	}
}

// TestTraces draws what is found in some of the traces.
func TestTraces(t *testing.T) {
	for _, c := range cases {
		if c.golden != "" {
			golden.Check(t, "testdata/"+c.golden+".trace", []byte(c.text()))
		}
	}
	passtest.Traces(t, "testdata/*.trace", question)
}

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, question) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question) }

func TestAnyScheduleGivesTheSameFindingsTwice(t *testing.T) {
	for seed := range uint64(40) {
		cfg := simsched.Config{Seed: seed, Threads: seed%2 == 1, Events: 10000, Goroutines: 1 + int(seed),
			Procs: 1 + int(seed%5), Processes: 1 + int(seed%3), GapEvery: int(seed%4) * 1500}
		a, b := found(t, simsched.New(cfg)), found(t, simsched.New(cfg))
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%+v: two runs differ:\n%+v\n%+v", cfg, a, b)
		}
		for _, f := range a.Findings {
			if f.Severity < 0 || f.Severity > 100 || len(f.Evidence) == 0 || f.Advice == "" {
				t.Errorf("%+v: %+v", cfg, f)
			}
		}
		if threadless := len(a.Unlooked) > 0; threadless != !cfg.Threads {
			t.Errorf("%+v: not looked for: %v", cfg, a.Unlooked)
		}
	}
}

func BenchmarkFindings(b *testing.B) {
	trace := simsched.New(simsched.Config{Events: 1_000_000, Goroutines: 100, Threads: true})
	for _, passes := range []struct {
		name string
		make func() replay.Pass
	}{{"findings", func() replay.Pass { return findings.New() }},
		{"nothing", func() replay.Pass { return nothing{} }}} {
		b.Run(passes.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := replay.Run(context.Background(), trace, passes.make()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(trace.Len()), "ns/event")
		})
	}
}

// nothing takes the same spans and does nothing, so that the walk's own cost is known.
type nothing struct{}

func (nothing) Wants() replay.Wants { return findings.New().Wants() }
func (nothing) Spans([]replay.Span) {}
