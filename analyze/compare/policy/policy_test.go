package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/summary"
)

const example = `
version: 1
alpha: 0.01
sequential: 3
metrics:
  - metric: delay p99
    effect: 1.5
    floor: 2ms
  - metric: wait p90 of class channel
  - metric: delay p99 of entry net/http.(*conn).serve
    floor: 1ms
  - metric: wait time of contention
    floor: "0.1"
rules:
  - rule: new-finding
    gate: false
  - rule: new-site
    floor: 0.5
suppress:
  - what: new-site
    where: main.audit
    reason: audits are wanted, see the decision of June
    until: 2027-06-30
allow: [load, duration]
`

func TestAPolicySaysWhatItDoes(t *testing.T) {
	p, err := Parse(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if p.Alpha != 0.01 || p.Sequential != 3 || len(p.Metrics) != 4 {
		t.Fatalf("alpha %v, sequential %v, metrics %v", p.Alpha, p.Sequential, p.Metrics)
	}
	for i, want := range []struct {
		name          string
		effect, floor float64
	}{
		{"delay p99", 1.5, 2e6}, {"wait p90 of class channel", 1.3, 200_000},
		{"delay p99 of entry net/http.(*conn).serve", 1.3, 1e6}, {"wait time of contention", 1.3, 0.1},
	} {
		if g := p.Metrics[i]; g.Metric.String() != want.name || g.Effect != want.effect || g.Floor != want.floor {
			t.Errorf("metric %d is %s from %v and %v on; want %+v", i, g.Metric, g.Effect, g.Floor, want)
		}
	}
	if p.Rules[NewFinding].Gate || p.Rules[NewFinding].Floor != 20 || !p.Rules[NewSite].Gate ||
		p.Rules[NewSite].Floor != 0.5 || len(p.Rules) != len(Rules) {
		t.Errorf("rules are %v", p.Rules)
	}
	if want := (Suppression{"new-site", "main.audit", "audits are wanted, see the decision of June",
		time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)}); len(p.Suppressions) != 1 || p.Suppressions[0] != want {
		t.Errorf("suppressions are %v", p.Suppressions)
	}
	if !p.Allows(DiffLoad) || !p.Allows(DiffDuration) || p.Allows(DiffGo) {
		t.Errorf("allowed are %v", p.Allowed)
	}
}

func TestAPolicyThatSaysNothingIsTheDefault(t *testing.T) {
	p, err := Parse(strings.NewReader("version: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	if len(p.Metrics) != len(d.Metrics) || p.Alpha != d.Alpha || p.Sequential != d.Sequential ||
		len(p.Rules) != len(d.Rules) {
		t.Errorf("got %+v, want %+v", p, d)
	}
}

func TestAPolicyIsRefusedInOneSentence(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "version is 0"},
		{"a later version", "version: 2", "this gosched reads version 1"},
		{"an unknown key", "version: 1\nmetric: x", "metric"},
		{"an unknown key inside", "version: 1\nsuppress:\n  - what: leak\n    reson: x", "reson"},
		{"no YAML", "version: [", "read policy"},
		{"not a map", "- 1", "read policy"},
		{"alpha", "version: 1\nalpha: 2", "alpha is 2"},
		{"alpha that is no number", "version: 1\nalpha: .nan", "alpha is NaN"},
		{"no metric", "version: 1\nmetrics: [{metric: throughput}]", `"throughput" is no metric`},
		{"no statistic", "version: 1\nmetrics: [{metric: delay p100}]", "after delay comes a percentile such as " +
			"p99.9, or one of mean, rate, time"},
		{"no grouping", "version: 1\nmetrics: [{metric: delay p99 of site x}]", "delay can be of"},
		{"no name", "version: 1\nmetrics: [{metric: delay p99 of entry}]", "delay can be of"},
		{"a rate", "version: 1\nmetrics: [{metric: delay rate}]", "neither better nor worse"},
		{"twice", "version: 1\nmetrics: [{metric: delay p99}, {metric: delay p99}]", "twice"},
		{"effect", "version: 1\nmetrics: [{metric: delay p99, effect: 0.5}]", "a ratio above 1"},
		{"floor", "version: 1\nmetrics: [{metric: delay p99, floor: '12'}]", "no duration"},
		{"floor of time", "version: 1\nmetrics: [{metric: blocked time, floor: 5ms}]", "no number"},
		{"floor that is no number", "version: 1\nmetrics: [{metric: blocked time, floor: nan}]", "no number"},
		{"rule", "version: 1\nrules: [{rule: nonsense}]", `no rule "nonsense"`},
		{"floor of a rule", "version: 1\nrules: [{rule: leak, floor: -1}]", "0 or more"},
		{"suppressed what", "version: 1\nsuppress: [{what: x, reason: y, until: 2027-01-01}]",
			"neither a metric nor a rule"},
		{"a metric at a place", "version: 1\nsuppress: [{what: delay p99, where: main, reason: y, until: 2027-01-01}]",
			"leave out where"},
		{"without reason", "version: 1\nsuppress: [{what: leak, until: 2027-01-01}]", "no reason"},
		{"without date", "version: 1\nsuppress: [{what: leak, reason: x}]", "not a date"},
		{"allow", "version: 1\nallow: [everything]", `no difference "everything"`},
		{"sequential", "version: 1\nsequential: 0.5", "sequential is 0.5"},
		{"too large", "version: 1\n#" + strings.Repeat("x", 1<<20), "larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v; want one line with %q", err, c.want)
			}
		})
	}
}

func TestMetricsAreReadAsTheyAreWritten(t *testing.T) {
	for _, name := range []string{
		"delay p50", "delay p99.9", "delay p99 excluding CPU contention", "delay mean of entry main.main.func1",
		"delay p10 of reason woken: chan receive", "wait time of class lock",
		"wait p50 of contention", "syscall p99", "syscall p99 of reason read", "running time", "blocked time",
		"wait rate",
	} {
		m, err := parseMetric(name)
		if err != nil || m.String() != name {
			t.Errorf("%q is read as %q, %v", name, m, err)
		}
	}
}

func TestEveryRuleAndDefaultHolds(t *testing.T) {
	p := Default()
	for _, g := range p.Metrics {
		if again, err := parseMetric(g.Metric.String()); err != nil || again != g.Metric {
			t.Errorf("%s is read as %v, %v", g.Metric, again, err)
		}
		if g.Metric.Key.Measure == summary.MeasureCall {
			t.Errorf("%s: how long system calls take is not the scheduler's doing", g.Metric)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("version: 1")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(strings.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		for _, g := range p.Metrics {
			if again, err := parseMetric(g.Metric.String()); err != nil || again != g.Metric {
				t.Errorf("%q is read as %v, %v", g.Metric, again, err)
			}
		}
	})
}
