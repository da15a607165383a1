package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
)

// Document makes the result ready to be drawn.
func (r *Result) Document() *report.Document {
	d := &report.Document{Title: r.title(), Tone: verdictTones[r.Verdict], Lead: r.Explanation, Warnings: r.Warnings,
		Facts: r.facts(), Checks: r.checks()}
	d.Tables = append(metricTables("Gating metrics", r.Metrics, true), r.placesTable())
	var others []report.Table
	for _, s := range r.Shifts {
		others = append(others, s.table())
	}
	others = append(others, metricTables("Other metrics", r.Reported, false)...)
	for i := range others {
		others[i].Extra = !r.asked
	}
	d.Tables = append(d.Tables, others...)
	d.Tables = slices.DeleteFunc(d.Tables, func(t report.Table) bool { return len(t.Rows) == 0 })
	return d
}

var verdictTones = map[Verdict]report.Tone{Worse: report.ToneWorse, NotWorse: report.ToneBetter,
	Inconclusive: report.ToneUnsure, NotComparable: report.ToneUnsure}

// title is the verdict in a line.
func (r *Result) title() string {
	switch r.Verdict {
	case Worse:
		metrics, found := r.Worse()
		var parts []string
		if metrics > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", metrics, report.FormatNumber(int64(len(r.Metrics)),
				"gating metric")))
		}
		if found > 0 {
			parts = append(parts, report.FormatNumber(int64(found), "rule violation"))
		}
		text := "Worse: " + strings.Join(parts, ", ")
		if r.Design.LowConfidence {
			text += " (low confidence)"
		}
		return text
	case Inconclusive:
		return "Inconclusive"
	case NotComparable:
		return "Not comparable: the recordings differ in more than the code"
	}
	return "Not worse" + r.unjudged()
}

// unjudged says of how many gating metrics and rules nothing could be said.
func (r *Result) unjudged() string {
	unknown, passed := 0, 0
	for _, m := range r.Metrics {
		switch m.Outcome {
		case OutcomeUnknown, OutcomeNone:
			unknown++
		case OutcomeSuppressed:
			passed++
		}
	}
	for i := range r.Found {
		if r.Found[i].Outcome == OutcomeSuppressed {
			passed++
		}
	}
	text := fmt.Sprintf(": 0 of %s, no rule violation", report.FormatNumber(int64(len(r.Metrics)-unknown),
		"gating metric"))
	if unknown > 0 {
		text += fmt.Sprintf("; %s could not be judged", report.FormatNumber(int64(unknown), "metric"))
	}
	if passed > 0 {
		text += fmt.Sprintf("; %d suppressed by the policy", passed)
	}
	return text
}

func (r *Result) facts() []report.Fact {
	out := []report.Fact{
		{Name: "base", Value: report.Text(sideText(r.Base))}, {Name: "head", Value: report.Text(sideText(r.Head))},
		{Name: "design", Value: report.Text(r.Design.String())},
	}
	out = append(out, r.foundFacts()...)
	for _, g := range r.Suppressed {
		if len(g.Kept) > 0 {
			out = append(out, report.Fact{Name: "suppressed until " + g.Until,
				Value: report.Text(strings.Join(g.Kept, "; ") + ": " + g.Reason)})
		}
	}
	return out
}

// foundFacts are what the rules found that is not in the explanation.
func (r *Result) foundFacts() []report.Fact {
	var out []report.Fact
	shown := map[policy.Rule]int{}
	for i := range r.Found {
		f := &r.Found[i]
		if f.Outcome == OutcomeWorse && r.Verdict != NotComparable {
			continue
		}
		if shown[f.Rule]++; shown[f.Rule] <= maxSentences {
			out = append(out, report.Fact{Name: fmt.Sprintf("%s (%s)", f.Rule, f.Outcome),
				Value: report.Text(f.Text).In(tones[f.Outcome])})
		}
	}
	for _, rule := range policy.Rules {
		if n := shown[rule.Name] - maxSentences; n > 0 {
			out = append(out, report.Fact{Name: string(rule.Name), Value: report.Text(fmt.Sprintf("%d more", n))})
		}
	}
	return out
}

var tones = map[Outcome]report.Tone{OutcomeWorse: report.ToneWorse, OutcomeBetter: report.ToneBetter,
	OutcomeUnsure: report.ToneUnsure}

// sideText is the recordings of a side in a line.
func sideText(list []Recording) string {
	var ns, events int64
	for _, r := range list {
		ns += r.DurationNS
		events += r.Events
	}
	text := fmt.Sprintf("%s of %s, %s", report.FormatNumber(int64(len(list)), "recording"),
		report.FormatDuration(ns/int64(max(1, len(list)))), report.FormatNumber(events, "event"))
	if len(list) > 0 && list[0].Command != "" {
		text += ": " + list[0].Command
	}
	return text
}

// metricTables show metrics as benchstat does: a table for each unit.
func metricTables(title string, list []*Measured, gating bool) []report.Table {
	p := "q"
	if gating {
		p = "p"
	}
	var out []report.Table
	for _, unit := range []string{unitNS, unitTime, unitRate} {
		t := report.Table{Title: title, Columns: []string{"", "base", "±", "head", "±", "vs base", "interval", p},
			SameUnit: []string{"base", "head"}}
		for _, m := range list {
			if m.Unit == unit {
				t.Rows = append(t.Rows, m.cells(gating))
			}
		}
		if len(t.Rows) == 0 {
			continue
		}
		if len(out) > 0 {
			t.Title += " in " + unit
		}
		out = append(out, t)
	}
	if n := len(out); n > 0 {
		out[n-1].Below = []string{legends[gating]}
	}
	return out
}

// legends say what is in the columns of metrics that gate, and of others.
var legends = map[bool]string{
	true: "Geometric means of the recordings, ± one standard deviation between recordings. ~: no significant change. " +
		"p is adjusted for the number of gating metrics (Holm). 1 s/s is one goroutine all the time.",
	false: "q: the false discovery rate among the metrics of this table with as small a q.",
}

func (m *Measured) cells(gating bool) []report.Cell {
	p := m.Q
	if gating {
		p = m.Adjusted
	}
	return []report.Cell{report.Text(m.Name), m.cell(m.Base), scatter(m.BaseValues), m.cell(m.Head),
		scatter(m.HeadValues), m.versus(), intervalCell(m), report.OptionalProbability(p)}
}

func (m *Measured) cell(v *float64) report.Cell {
	switch {
	case v == nil:
		return report.Cell{Unit: report.UnitDuration, Unknown: true}
	case m.metric.Stat == policy.StatTime:
		return report.PerSecond(*v)
	case m.metric.Stat == policy.StatRate:
		return report.Rate(*v)
	}
	return report.Duration(int64(math.Round(*v)))
}

// scatter is how much the recordings of a side differ: the standard deviation of the logarithms.
func scatter(values []*float64) report.Cell {
	var sum, squares float64
	n := 0.0
	for _, v := range values {
		if v != nil && *v > 0 {
			l := math.Log(*v)
			n, sum, squares = n+1, sum+l, squares+l*l
		}
	}
	if n < 2 {
		return report.Text("")
	}
	deviation := math.Sqrt(max(0, (squares-sum*sum/n)/(n-1)))
	return report.Text(fmt.Sprintf("%.0f%%", 100*min(math.Expm1(deviation), 99.99)))
}

// versus is the change as the table has it: a ratio, or "~" where there is none to speak of.
func (m *Measured) versus() report.Cell {
	switch m.Outcome {
	case OutcomeSame:
		return report.Text("~")
	case OutcomeNone:
		return report.Text("none")
	case OutcomeUnknown:
		return report.Text("? " + m.Why)
	case OutcomeUnsure:
		return report.Text(report.FormatRatio(*m.Ratio) + "?").In(report.ToneUnsure)
	case OutcomeSuppressed:
		return report.Text(report.FormatRatio(*m.Ratio) + " suppressed")
	}
	return report.Text(report.FormatRatio(*m.Ratio)).In(tones[m.Outcome])
}

func intervalCell(m *Measured) report.Cell {
	if m.Interval[1] == 0 {
		return report.Text("")
	}
	return report.Text(report.FormatRatio(m.Interval[0]) + " – " + report.FormatRatio(m.Interval[1]))
}

func (s *Shift) table() report.Table {
	t := report.Table{Title: s.Name + ", by percentile", Columns: []string{"", "base", "head", "head − base", "vs base",
		"interval"}, SameUnit: []string{"base", "head", "head − base"}}
	for _, q := range s.Percentiles {
		m := &Measured{Interval: q.Interval}
		row := []report.Cell{report.Text(q.Name), m.cell(q.Base), m.cell(q.Head), {Unit: report.UnitDuration,
			Unknown: true}, report.OptionalRatio(q.Ratio), intervalCell(m)}
		if q.Base != nil && q.Head != nil {
			row[3] = report.Duration(int64(math.Round(*q.Head - *q.Base)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// briefPlaces is how many functions fit a screen with the metrics and the explanation.
const briefPlaces = 8

// placesTable is sorted by its column of changes, the largest first.
func (r *Result) placesTable() report.Table {
	t := report.Table{
		Title: "Blocked time per second by function (idle waits excluded)", Brief: briefPlaces,
		Columns: []string{"function", "waits for", "woken by", "root cause", "base", "head", "change", "vs base", "q"},
		Spare:   []string{"root cause", "q"},
	}
	for i := range r.Places {
		c := &r.Places[i]
		t.Rows = append(t.Rows, []report.Cell{
			report.Function(cmp.Or(c.Function, "unknown")), report.Text(c.wait()), growthCell(c.Waker),
			growthCell(c.Cause), report.PerSecond(c.Base), report.PerSecond(c.Head), report.PerSecond(c.Head - c.Base),
			c.versus(r.Design.LowConfidence), report.Probability(c.Q),
		})
	}
	return t
}

// wait is what is waited for at the place.
func (c *Change) wait() string {
	if c.Measure == string(summary.MeasureCall) {
		return "syscall " + c.Reason
	}
	return c.Reason
}

func growthCell(g *Growth) report.Cell {
	if g == nil {
		return report.Text("")
	}
	name := stack.Local(g.Name)
	if mark, ok := strings.CutPrefix(name, "<"); ok {
		name = "runtime: " + strings.TrimSuffix(mark, ">")
	}
	return report.Text(strings.TrimSpace(g.Kind + " " + name))
}

func (c *Change) versus(low bool) report.Cell {
	switch {
	case c.Base == 0:
		return report.Text("new").In(report.ToneUnsure)
	case c.Head == 0:
		return report.Text("gone")
	case low || c.Q >= reportedQ || c.Ratio == nil:
		return report.Text("~")
	}
	return report.Text(report.FormatRatio(*c.Ratio)).In(tones[direction(*c.Ratio, policy.Blocked)])
}

// checks are what the gate looked at, one by one.
func (r *Result) checks() []report.Check {
	var out []report.Check
	different := map[policy.Difference]Difference{}
	for _, d := range r.Differences {
		different[d.Name] = d
	}
	for _, row := range policy.Differences {
		c := report.Check{Suite: "comparable", Name: string(row.Name)}
		if d, ok := different[row.Name]; ok {
			c.Outcome, c.Text = report.Failed, d.Text
			if d.Allowed {
				c.Outcome = report.Skipped
			}
		}
		out = append(out, c)
	}
	for _, m := range r.Metrics {
		out = append(out, r.check(m))
	}
	return append(out, r.ruleChecks()...)
}

func (r *Result) check(m *Measured) report.Check {
	c := report.Check{Suite: "metrics", Name: m.Name}
	if m.Base != nil && m.Head != nil {
		c.Text = fmt.Sprintf("%s → %s", amount(m, *m.Base), amount(m, *m.Head))
	}
	switch {
	case r.Verdict == NotComparable:
		c.Outcome, c.Text = report.Skipped, "not comparable"
	case m.Outcome == OutcomeWorse:
		c.Outcome = report.Failed
	case m.Outcome == OutcomeUnknown, m.Outcome == OutcomeNone, m.Outcome == OutcomeSuppressed,
		m.Outcome == OutcomeUnsure:
		c.Outcome, c.Text = report.Skipped, cmp.Or(m.Why, c.Text)
	case m.Untested && m.Outcome == OutcomeSame:
		c.Outcome, c.Text = report.Skipped, "too few recordings for a test"
	}
	return c
}

// ruleChecks are one check for each rule that found nothing, and one for each thing that a rule
// found.
func (r *Result) ruleChecks() []report.Check {
	var out []report.Check
	for _, rule := range policy.Rules {
		n := len(out)
		for i := range r.Found {
			f := &r.Found[i]
			if f.Rule != rule.Name {
				continue
			}
			c := report.Check{Suite: "rules", Name: string(f.Rule) + " " + f.What, Text: f.Text,
				Outcome: report.Skipped}
			if f.Outcome == OutcomeWorse && r.Verdict != NotComparable {
				c.Outcome = report.Failed
			}
			out = append(out, c)
		}
		if len(out) == n {
			out = append(out, report.Check{Suite: "rules", Name: string(rule.Name)})
		}
	}
	return out
}
