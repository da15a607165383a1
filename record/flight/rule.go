package flight

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Metric is what a rule compares.
type Metric uint8

// The metrics.
const (
	MetricNone Metric = iota
	MetricP50
	MetricP90
	MetricP99
	MetricP999
	MetricGoroutines
	MetricFinding
	MetricExit

	NumMetrics = iota
)

// unit is what a metric is counted in.
type unit uint8

const (
	unitNone     unit = iota // nothing: it happens or does not
	unitDuration             // nanoseconds
	unitCount
	unitShare // of 1
)

// metrics is the table of what can be measured.
var metrics = [NumMetrics]struct {
	name    string
	unit    unit
	takes   bool // a name after a colon
	example string
	meaning string
}{
	MetricP50:        {"p50-delay", unitDuration, false, "p50-delay>1ms for 10s", "Half of the scheduling delays."},
	MetricP90:        {"p90-delay", unitDuration, false, "p90-delay>5ms for 5s", "Nine tenths of them."},
	MetricP99:        {"p99-delay", unitDuration, false, "p99-delay>20ms for 5s", "99 of 100."},
	MetricP999:       {"p99.9-delay", unitDuration, false, "p99.9-delay>50ms", "999 of 1,000."},
	MetricGoroutines: {"goroutines", unitCount, false, "goroutines>10000", "Goroutines alive, of all processes."},
	MetricFinding: {"finding", unitShare, true, "finding:serial-section>=40%", "The share of blocked time that a " +
		"finding of gosched blocking explains, in the last seconds."},
	MetricExit: {"exit", unitNone, false, "exit", "A process ends, or replaces its program."},
}

// MetricHelp is a line on a metric, for a command's help.
type MetricHelp struct{ Name, Example, Meaning string }

// Metrics is the table of metrics.
func Metrics() []MetricHelp {
	var all []MetricHelp
	for _, m := range metrics[1:] {
		name := m.name
		if m.takes {
			name += ":NAME"
		}
		all = append(all, MetricHelp{name, m.example, m.meaning})
	}
	return all
}

// Rule is a condition under which what is kept is saved.
type Rule struct {
	Metric  Metric
	Finding string        // of MetricFinding: which
	OrEqual bool          // it holds where the value is reached; else where it is passed
	Value   float64       // nanoseconds, a number, or a share of 1
	For     time.Duration // how long it has to hold; 0: one look is enough
}

// maxRule is the length of the longest rule, in bytes.
const maxRule = 200

// ParseRule reads a rule.
func ParseRule(text string) (Rule, error) {
	rule, err := parseRule(text)
	if err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", shorten(text), err)
	}
	return rule, nil
}

func parseRule(text string) (r Rule, err error) {
	if len(text) > maxRule {
		return r, fmt.Errorf("it has more than %d bytes", maxRule)
	}
	condition, lasts, hasFor := strings.Cut(strings.TrimSpace(text), " for ")
	if hasFor {
		if r.For, err = parseDuration(strings.TrimSpace(lasts)); err != nil {
			return r, fmt.Errorf("after \"for\" comes how long it has to hold: %w", err)
		}
	}
	at := strings.IndexAny(condition, "<>=")
	if at < 0 {
		at = len(condition)
	}
	name, argument, takes := strings.Cut(strings.TrimSpace(condition[:at]), ":")
	r.Metric = metricOf(name)
	m := metrics[r.Metric]
	switch {
	case r.Metric == MetricNone:
		return r, fmt.Errorf("nothing is called %q: there are %s", name, metricNames())
	case m.takes && !isName(argument):
		return r, errors.New("which finding? Write finding:NAME, as gosched help findings has the names")
	case takes && !m.takes:
		return r, fmt.Errorf("%s takes no name after a colon", name)
	case m.unit == unitNone && (at < len(condition) || hasFor):
		return r, fmt.Errorf("%s happens or does not: there is nothing to compare", name)
	case m.unit == unitNone:
		return r, nil
	}
	r.Finding = argument
	return r, r.compare(condition[at:])
}

// compare reads the comparison: ">20ms", ">= 40%".
func (r *Rule) compare(text string) (err error) {
	value, ok := strings.CutPrefix(text, ">")
	if !ok {
		return fmt.Errorf("compare it with > or >=, as in %q", metrics[r.Metric].example)
	}
	value, r.OrEqual = strings.CutPrefix(value, "=")
	value = strings.TrimSpace(value)
	switch metrics[r.Metric].unit {
	case unitDuration:
		var d time.Duration
		d, err = parseDuration(value)
		r.Value = float64(d)
	case unitCount:
		var n int64
		if n, err = strconv.ParseInt(value, 10, 53); err != nil || n <= 0 {
			return fmt.Errorf("%q is no number of goroutines", value)
		}
		r.Value = float64(n)
	case unitShare:
		r.Value, err = parseShare(value)
	}
	return err
}

// parseDuration reads a time that is more than nothing.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time such as 500ms, 10s or 2m", text)
	}
	return d, nil
}

func parseShare(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || math.IsNaN(v) || v <= 0 || v > 100 {
		return 0, fmt.Errorf("%q is no share such as 40%%", text)
	}
	return v / 100, nil
}

// isName says whether a text is made as names of findings are.
func isName(text string) bool {
	for _, c := range text {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return text != ""
}

func metricOf(name string) Metric {
	for m := MetricNone + 1; m < NumMetrics; m++ {
		if metrics[m].name == name {
			return m
		}
	}
	return MetricNone
}

func metricNames() string {
	var names []string
	for _, m := range Metrics() {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

// shorten cuts a text that is too long to be repeated.
func shorten(text string) string {
	if len(text) > maxRule {
		return text[:maxRule] + "…"
	}
	return text
}

// String is the rule as ParseRule reads it.
func (r Rule) String() string {
	text := metrics[r.Metric].name
	if r.Metric == MetricExit {
		return text
	}
	if r.Finding != "" {
		text += ":" + r.Finding
	}
	text += ">"
	if r.OrEqual {
		text += "="
	}
	text += r.Text(r.Value)
	if r.For > 0 {
		text += " for " + r.For.String()
	}
	return text
}

// Text is a value of the rule's metric with its unit.
func (r Rule) Text(value float64) string {
	switch metrics[r.Metric].unit {
	case unitDuration:
		return time.Duration(value).String()
	case unitShare:
		return strconv.FormatFloat(value*100, 'g', 6, 64) + "%"
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// Name is the rule in letters that a file's name can have: "p99-delay", "serial-section".
func (r Rule) Name() string {
	if r.Finding != "" {
		return r.Finding
	}
	return metrics[r.Metric].name
}

// holds says whether a value is one at which the rule holds.
func (r Rule) holds(value float64) bool {
	return value > r.Value || r.OrEqual && value == r.Value
}
