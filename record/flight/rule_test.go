package flight

import (
	"strings"
	"testing"
	"time"
)

func TestRulesAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"p99-delay>20ms for 5s", "p99-delay>20ms for 5s"},
		{" p99.9-delay >= 1s ", "p99.9-delay>=1s"},
		{"goroutines>10000", "goroutines>10000"},
		{"finding:serial-section>=40%", "finding:serial-section>=40%"},
		{"finding:no-cpu>0.5% for 1m", "finding:no-cpu>0.5% for 1m0s"},
		{"exit", "exit"},
	} {
		r, err := ParseRule(c.text)
		if err != nil || r.String() != c.want {
			t.Errorf("%q is %q, %v; want %q", c.text, r, err, c.want)
		}
	}
}

func TestWhatIsNoRuleIsToldInASentence(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "nothing is called"},
		{"p98-delay>1ms", "p99-delay"},
		{"p99-delay", "compare it with > or >="},
		{"p99-delay<1ms", "compare it with > or >="},
		{"p99-delay>20", "no time such as"},
		{"p99-delay>-1ms", "no time such as"},
		{"p99-delay>1ms for", "no time such as"},
		{"p99-delay>1ms for ever", "how long it has to hold"},
		{"goroutines>many", "no number of goroutines"},
		{"goroutines:all>3", "takes no name"},
		{"finding>=40%", "which finding"},
		{"finding:Serial>=40%", "which finding"},
		{"finding:serial-section>=40", "no share"},
		{"finding:serial-section>=140%", "no share"},
		{"exit>3", "nothing to compare"},
		{"exit for 3s", "nothing to compare"},
		{strings.Repeat("p", 300), "more than 200 bytes"},
	} {
		_, err := ParseRule(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
}

func TestExamplesOfMetricsAreRules(t *testing.T) {
	for _, m := range Metrics() {
		if r, err := ParseRule(m.Example); err != nil || r.String() != m.Example {
			t.Errorf("%s: %q is %q, %v", m.Name, m.Example, r, err)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, m := range Metrics() {
		f.Add(m.Example)
	}
	f.Add("p99-delay>1e3ms for 5s for 6s")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%q is read as %q, and that as %q, %v", text, r, again, err)
		}
	})
}

// at is a made-up time.
func at(seconds float64) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func TestARuleFiresOnceWhenItHasHeldForItsTime(t *testing.T) {
	rule, err := ParseRule("p99-delay>20ms for 2s")
	if err != nil {
		t.Fatal(err)
	}
	w := NewWatcher([]Rule{rule})
	for i, c := range []struct {
		ms    float64 // -1: nothing was measured
		fires bool
	}{
		{30, false}, {30, false}, {30, true}, {40, false}, // it goes on
		{10, false}, {30, false}, {-1, false}, {30, false}, {20.1, false}, {500, true}, {-1, false},
	} {
		var values []Value
		if c.ms >= 0 {
			values = []Value{{Metric: MetricP99, Value: c.ms * 1e6}}
		}
		causes := w.Observe(at(float64(i)), values, MetricP99)
		if (len(causes) == 1) != c.fires {
			t.Errorf("second %d: %v, want it to fire: %v", i, causes, c.fires)
		}
		w.Observe(at(float64(i)), nil, MetricGoroutines) // says nothing of delays
	}
}

func TestEvidenceSaysTheValue(t *testing.T) {
	for _, c := range []struct {
		rule  string
		value Value
		want  string
	}{
		{"goroutines>=100", Value{Metric: MetricGoroutines, Value: 100}, "goroutines was 100"},
		{"finding:gc>=40%", Value{Metric: MetricFinding, Finding: "gc", Value: 0.405}, "finding:gc was 40.5%"},
		{"p50-delay>1ms", Value{Metric: MetricP50, Value: 1.5e6}, "p50-delay was 1.5ms"},
	} {
		rule, err := ParseRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		other := Value{Metric: MetricFinding, Finding: "other", Value: 1}
		causes := NewWatcher([]Rule{rule}).Observe(at(0), []Value{other, c.value}, c.value.Metric)
		if len(causes) != 1 || causes[0].Evidence != c.want || causes[0].Trigger != c.rule {
			t.Errorf("%s: %+v, want %q", c.rule, causes, c.want)
		}
	}
}
