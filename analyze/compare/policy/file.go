package policy

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gosched/gosched/internal/yamlfile"
)

// file is a policy as it is written. CI.md prints the comment of each field, in this type and in
// those below it.
type file struct {
	Version int `yaml:"version"` // The version of the file, 1. Required.
	// The chance of a false alarm that all metrics share, above 0 and at most 0.2.
	Alpha *float64 `yaml:"alpha"`
	// The smallest effect that counts where the recordings do not alternate, 1 or more.
	Sequential *float64   `yaml:"sequential"`
	Metrics    []fileGate `yaml:"metrics"` // The gating metrics. If there are any, they replace the usual ones.
	// Rules to apply in another way than usual; those that are not named stay as they are.
	Rules []fileRule `yaml:"rules"`
	// What is known and accepted for a time. An entry that has expired is a warning and has no
	// other effect.
	Suppress []fileSuppression `yaml:"suppress"`
	// Differences between recordings that are accepted, as `--allow` names them.
	Allow []string `yaml:"allow"`
}

type fileGate struct {
	Metric string `yaml:"metric"` // A metric, as it is named below.
	// The ratio from which on a change counts, above 1. Default: as usual for the metric, else 1.3.
	Effect *float64 `yaml:"effect"`
	// The smallest difference that counts: a duration such as `100µs`; of `time`, s/s as
	// a number. Default: as usual for the metric, else `200µs` or `0.05`.
	Floor *string `yaml:"floor"`
}

type fileRule struct {
	Rule  string   `yaml:"rule"`  // A rule, as it is named below.
	Gate  *bool    `yaml:"gate"`  // Whether it gates; else it is only reported.
	Floor *float64 `yaml:"floor"` // The least that counts, a number in the unit of the rule's usual floor.
}

type fileSuppression struct {
	What string `yaml:"what"` // A metric or a rule.
	// Of a rule, a part of the function's name. Default: anywhere. A metric has no function: leave
	// it out there.
	Where  string `yaml:"where"`
	Reason string `yaml:"reason"` // Why, for those who read the file later. Required.
	// The last day on which it holds, such as `2027-01-31`; it is compared with the day of head's
	// latest recording, in UTC. Required.
	Until string `yaml:"until"`
}

// Parse reads a policy. What it does not say is as in Default; metrics, if it has any, replace
// those of Default.
func Parse(r io.Reader) (*Policy, error) {
	var f file
	if err := yamlfile.Read(r, &f); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	p, err := f.policy()
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return p, nil
}

func (f *file) policy() (*Policy, error) {
	p := Default()
	if f.Version != 1 {
		return nil, fmt.Errorf("version is %d; this gosched reads version 1", f.Version)
	}
	if f.Alpha != nil {
		p.Alpha = *f.Alpha
	}
	if !(p.Alpha > 0 && p.Alpha <= 0.2) {
		return nil, fmt.Errorf("alpha is %v; it is above 0 and at most 0.2", p.Alpha)
	}
	if f.Sequential != nil {
		p.Sequential = *f.Sequential
	}
	if !(p.Sequential >= 1 && p.Sequential <= 1000) {
		return nil, fmt.Errorf("sequential is %v; it is a ratio of 1 or more", p.Sequential)
	}
	for _, add := range []func(*Policy) error{f.metrics, f.rules, f.suppressions, f.allowed} {
		if err := add(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (f *file) metrics(p *Policy) error {
	if len(f.Metrics) == 0 {
		return nil
	}
	defaults := p.Metrics
	p.Metrics = nil
	for _, m := range f.Metrics {
		g, err := m.gate(defaults)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.Metrics, func(other Gate) bool { return other.Metric == g.Metric }) {
			return fmt.Errorf("metric %s is there twice", g.Metric)
		}
		p.Metrics = append(p.Metrics, g)
	}
	return nil
}

// gate is one metric. Its effect and floor are those of the default for this metric, else of a
// default in the same unit.
func (m *fileGate) gate(defaults []Gate) (Gate, error) {
	metric, err := parseMetric(m.Metric)
	if err != nil {
		return Gate{}, err
	}
	if metric.Stat == StatRate {
		return Gate{}, fmt.Errorf("%s: a rate is neither better nor worse", metric)
	}
	g := Gate{Metric: metric, Effect: 1.3, Floor: 200_000}
	if !metric.Stat.IsDuration() {
		g.Floor = 0.05
	}
	for _, d := range defaults {
		if d.Metric == metric {
			g = d
		}
	}
	if m.Effect != nil {
		g.Effect = *m.Effect
	}
	if !(g.Effect > 1 && g.Effect <= 1000) {
		return g, fmt.Errorf("effect of %s is %v; it is a ratio above 1 such as 1.3", metric, g.Effect)
	}
	if m.Floor != nil {
		g.Floor, err = metric.parseFloor(*m.Floor)
	}
	return g, err
}

func (f *file) rules(p *Policy) error {
	for _, r := range f.Rules {
		limit, ok := p.Rules[Rule(r.Rule)]
		if !ok {
			return fmt.Errorf("there is no rule %q; the rules are %s", r.Rule, ruleNames())
		}
		if r.Gate != nil {
			limit.Gate = *r.Gate
		}
		if r.Floor != nil {
			limit.Floor = *r.Floor
		}
		if !(limit.Floor >= 0 && limit.Floor <= 1e12) {
			return fmt.Errorf("floor of %s is %v; it is 0 or more", r.Rule, limit.Floor)
		}
		p.Rules[Rule(r.Rule)] = limit
	}
	return nil
}

func ruleNames() string {
	var names []Rule
	for _, r := range Rules {
		names = append(names, r.Name)
	}
	return joined(names)
}

func (f *file) suppressions(p *Policy) error {
	for i, x := range f.Suppress {
		until, err := time.Parse(time.DateOnly, x.Until)
		_, isRule := p.Rules[Rule(x.What)]
		_, notMetric := parseMetric(x.What)
		switch {
		case !isRule && notMetric != nil:
			return fmt.Errorf("suppress %d: what is %q, neither a metric nor a rule (%s)", i+1, x.What, ruleNames())
		case !isRule && x.Where != "":
			return fmt.Errorf("suppress %d: a metric is of all code, leave out where", i+1)
		case strings.TrimSpace(x.Reason) == "":
			return fmt.Errorf("suppress %d: it has no reason", i+1)
		case err != nil:
			return fmt.Errorf("suppress %d: until is %q, not a date such as 2027-01-31", i+1, x.Until)
		}
		p.Suppressions = append(p.Suppressions, Suppression{x.What, x.Where, x.Reason, until})
	}
	return nil
}

func (f *file) allowed(p *Policy) error { return p.Allow(f.Allow) }

// Allow allows differences by their names.
func (p *Policy) Allow(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(Differences, func(d struct {
			Name Difference
			Text string
		}) bool {
			return string(d.Name) == name
		}) {
			return fmt.Errorf("there is no difference %q to allow; there are %s", name, differenceNames())
		}
		if !p.Allows(Difference(name)) {
			p.Allowed = append(p.Allowed, Difference(name))
		}
	}
	return nil
}

func differenceNames() string {
	var names []Difference
	for _, d := range Differences {
		names = append(names, d.Name)
	}
	return joined(names)
}
