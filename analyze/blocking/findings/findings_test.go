package findings_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
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
	r, _ := foundIn(t, trace)
	return r
}

// foundIn are the findings, and the pass whose account they explain.
func foundIn(t testing.TB, trace replay.Source) (*findings.Result, *blocking.Pass) {
	t.Helper()
	b := blocking.New()
	p := findings.New(b)
	sum, err := replay.Run(context.Background(), trace, b, p)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Counts.Total() != 0 {
		t.Errorf("the trace contradicts the scheduler model: %+v", sum.Problems)
	}
	return p.Result(sum), b
}

// checkFindings wants each finding to say what to do, and to explain no more than there is.
func checkFindings(t *testing.T, r *findings.Result, waits *blocking.Pass) {
	t.Helper()
	blocked := map[int32]int64{}
	for _, c := range waits.Chains() {
		blocked[c.PID] += c.NS
	}
	for _, f := range r.Findings {
		if f.Severity < 0 || f.Severity > 100 || len(f.Evidence) == 0 || f.Advice == "" ||
			!strings.Contains(f.Sentence, " → ") {
			t.Errorf("%+v", f)
		}
		if f.PID == nil && f.ExplainedNS != 0 || f.PID != nil && f.ExplainedNS > blocked[*f.PID] {
			t.Errorf("%s explains %d ns of %v", f.Name, f.ExplainedNS, blocked)
		}
	}
	last := 0
	for _, f := range r.Findings {
		at := slices.IndexFunc(r.Verdict, func(s string) bool { return strings.HasSuffix(s, f.Sentence) })
		if at < 0 {
			at = len(r.Verdict)
		}
		if at < last {
			t.Errorf("%s is not where the verdict has it", f.Name)
		}
		last = at
	}
	notes := false
	for _, f := range r.Findings {
		if notes = notes || f.Share == 0; notes && f.Share > 0 {
			t.Errorf("a note comes before %s", f.Name)
		}
	}
	if len(blocked) > 0 && len(r.Verdict) == 0 {
		t.Error("there is no verdict")
	}
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
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			trace, err := format.ParseText(strings.NewReader(c.text()))
			if err != nil {
				t.Fatal(err)
			}
			r, waits := foundIn(t, trace)
			if names(r) != c.want {
				t.Errorf("found %q; want %q: %+v\n%s", names(r), c.want, r.Findings, strings.Join(r.Verdict, "\n"))
			}
			checkFindings(t, r, waits)
		})
	}
}

// TestSamplesNameTheCode wants what samples show, not where runs and waits happened to end.
func TestSamplesNameTheCode(t *testing.T) {
	for name, want := range map[string]string{"samples of what keeps the P": "main.mix",
		"samples of what allocates": "main.grow"} {
		i := slices.IndexFunc(cases, func(c traceCase) bool { return c.name == name })
		trace, err := format.ParseText(strings.NewReader(cases[i].text()))
		if err != nil {
			t.Fatal(err)
		}
		if r := found(t, trace); r.Findings[0].Where != want || !strings.Contains(r.Verdict[0], want) {
			t.Errorf("%s: %s, and the verdict is %q", name, r.Findings[0].Where, r.Verdict)
		}
	}
}

// TestAMachineWithCPUsToSpareIsNotContended has another process take the CPU of a machine that is
// hardly busy, and of one that is.
func TestAMachineWithCPUsToSpareIsNotContended(t *testing.T) {
	c := traceCase{write: without("hey", "hey")}
	for machine, want := range map[string]string{
		`{"busy_ns":56,"steal_ns":0,"idle_ns":944,"own_ns":1}`:  "",
		`{"busy_ns":900,"steal_ns":0,"idle_ns":100,"own_ns":1}`: "cpu-contention",
	} {
		text := strings.Replace(c.text(), `"processes"`, `"machine":`+machine+`,"processes"`, 1)
		trace, err := format.ParseText(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r := found(t, trace)
		if names(r) != want {
			t.Errorf("%s: found %q", machine, names(r))
		}
		if want == "" && (len(r.Machine) != 1 || !strings.Contains(r.Machine[0], "the machine was 5.6% busy") ||
			strings.Contains(r.Verdict[0], "hey")) {
			t.Errorf("of the machine is said %q and %q", r.Machine, r.Verdict)
		}
	}
}

// TestEveryRuleIsTested wants each rule to be found in at least one trace.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range allCases() {
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

// TestVerdictSaysWhatIdleGoroutinesWaitFor has four goroutines wait for one that sleeps. That may be
// work, or what the program is slow for.
func TestVerdictSaysWhatIdleGoroutinesWaitFor(t *testing.T) {
	c := traceCase{write: func(s *script) {
		s.start(0, 9, "main.refill")
		for g := 1; g <= 4; g++ {
			s.start(0, g, "main.take")
			s.park(1, g, "chan receive", "main.take /m.go:4")
		}
		for ms := 1; ms < 399; ms++ {
			g, at := 1+ms%4, 1000*ms
			s.park(at-900, 9, "sleep", "main.refill /m.go:9;time.Sleep /t.go:1")
			s.event(at-10, 9, "timer")
			s.run(at-10, 9)
			s.wake(at, g, 9)
			s.run(at, g)
			s.park(at+10, g, "chan receive", "main.take /m.go:4")
		}
	}}
	trace, err := format.ParseText(strings.NewReader(c.text()))
	if err != nil {
		t.Fatal(err)
	}
	r := found(t, trace)
	if text := r.Verdict[0]; !strings.HasPrefix(text, "Little is blocked: ") ||
		!strings.Contains(text, "wait for one that waits for a timer in main.refill (m.go:9)") {
		t.Error(r.Verdict)
	}
}

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	b := blocking.New()
	p := findings.New(b)
	return []replay.Pass{b, p}, func(sum *replay.Summary) passtest.Answer {
		r := p.Result(sum)
		return passtest.Answer{Result: r, Width: 100, Document: func() *report.Document {
			return &report.Document{Lead: r.Verdict, Tables: r.Tables()}
		}}
	}
}

// TestTraces draws what is found in some of the traces.
func TestTraces(t *testing.T) {
	for _, c := range allCases() {
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
		a, waits := foundIn(t, simsched.New(cfg))
		b := found(t, simsched.New(cfg))
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%+v: two runs differ:\n%+v\n%+v", cfg, a, b)
		}
		checkFindings(t, a, waits)
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
	}{{"findings", func() replay.Pass { return findings.New(blocking.New()) }},
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

func (nothing) Wants() replay.Wants { return findings.New(nil).Wants() }
func (nothing) Spans([]replay.Span) {}
