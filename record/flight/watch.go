package flight

import (
	"fmt"
	"time"
)

// Cause is why what is kept is to be saved.
type Cause struct {
	Trigger  string // the rule, or who asked: see the constants
	Name     string // the same in letters that a file's name can have
	Evidence string // what was found, in words
	At       time.Time
	Always   bool // no limit holds for it: it comes once
}

// Who asks without a rule.
const (
	TriggerRequest = "request"
	TriggerSignal  = "signal"
	TriggerRestart = "restart"
)

// Asked is a cause without a rule.
func Asked(trigger, evidence string, at time.Time) Cause {
	return Cause{Trigger: trigger, Name: trigger, Evidence: evidence, At: at}
}

// Text is the cause in words.
func (c Cause) Text() string {
	if c.Evidence == "" {
		return c.Trigger
	}
	return c.Trigger + ": " + c.Evidence
}

// Value is a value of a metric that was measured.
type Value struct {
	Metric  Metric
	Finding string // of MetricFinding: which
	Value   float64
}

// Watcher follows what is measured and says which rules begin to hold. It remembers two times a
// rule. It is not safe for concurrent use.
type Watcher struct {
	rules []Rule
	since []time.Time // when the rule was first seen to hold; zero: it does not
	fired []bool      // it has been told that it holds
}

// NewWatcher watches rules.
func NewWatcher(rules []Rule) *Watcher {
	return &Watcher{rules: rules, since: make([]time.Time, len(rules)), fired: make([]bool, len(rules))}
}

// Wants says whether a rule compares the metric.
func (w *Watcher) Wants(m Metric) bool {
	for i := range w.rules {
		if w.rules[i].Metric == m {
			return true
		}
	}
	return false
}

// Observe takes everything that was measured of some metrics at a time. A rule about one of them
// whose value is not there does not hold; a rule about another metric stays as it is.
func (w *Watcher) Observe(at time.Time, values []Value, metrics ...Metric) (causes []Cause) {
	for i, r := range w.rules {
		if !contains(metrics, r.Metric) {
			continue
		}
		value, known := find(values, r)
		if !known || !r.holds(value) {
			w.since[i], w.fired[i] = time.Time{}, false
			continue
		}
		if w.since[i].IsZero() {
			w.since[i] = at
		}
		if held := at.Sub(w.since[i]); !w.fired[i] && held >= r.For {
			w.fired[i] = true
			causes = append(causes, Cause{
				Trigger: r.String(), Name: r.Name(), At: at, Evidence: r.evidence(value, held),
			})
		}
	}
	return causes
}

// Happened is a cause for every rule about something that happens, with what is known of it.
func (w *Watcher) Happened(at time.Time, m Metric, evidence string) (causes []Cause) {
	for _, r := range w.rules {
		if r.Metric == m {
			causes = append(causes, Cause{Trigger: r.String(), Name: r.Name(), At: at, Evidence: evidence})
		}
	}
	return causes
}

// evidence says what was measured.
func (r Rule) evidence(value float64, held time.Duration) string {
	name := metrics[r.Metric].name
	if r.Finding != "" {
		name += ":" + r.Finding
	}
	text := fmt.Sprintf("%s was %s", name, r.Text(value))
	if r.For > 0 {
		text += fmt.Sprintf(", and beyond the rule's %s for %s", r.Text(r.Value), held.Round(time.Millisecond))
	}
	return text
}

func contains(all []Metric, m Metric) bool {
	for _, one := range all {
		if one == m {
			return true
		}
	}
	return false
}

// find is the greatest value of the rule's metric.
func find(values []Value, r Rule) (greatest float64, known bool) {
	for _, v := range values {
		if v.Metric == r.Metric && v.Finding == r.Finding {
			if !known || v.Value > greatest {
				greatest = v.Value
			}
			known = true
		}
	}
	return greatest, known
}
