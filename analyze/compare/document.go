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

// View says how much of a Result a Document shows.
type View struct {
	Rows int // the most rows of the table of places; 0: 10
}

const defaultRows = 10

// Document makes the result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	if v.Rows == 0 {
		v.Rows = defaultRows
	}
	d := &report.Document{Title: r.title(), Tone: verdictTones[r.Verdict], Lead: r.Explanation, Warnings: r.Warnings,
		Facts: r.facts(), Checks: r.checks()}
	d.Tables = append(d.Tables, measuredTable("What decides", r.Metrics, true), r.placesTable(v))
	for _, s := range r.Shifts {
		d.Tables = append(d.Tables, s.table())
	}
	d.Tables = append(d.Tables, measuredTable("Reported only", r.Reported, false))
	d.Tables = slices.DeleteFunc(d.Tables, func(t report.Table) bool { return len(t.Rows) == 0 })
	d.Notes = []string{legend}
	return d
}

const legend = "Values are geometric means over recordings, ± how much recordings of a side scatter (one standard " +
	"deviation). ~: no change that can be told from chance and counts. p is adjusted " +
	"for the number of metrics that decide (Holm), q is the share of false ones among all that are reported with as " +
	"small a q. Seconds are summed over goroutines: 1s a second is one goroutine that waits all the time."

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
				"metric")))
		}
		if found > 0 {
			parts = append(parts, report.FormatNumber(int64(found), "thing")+" that rules found")
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

// unjudged says of how much of what decides nothing was said.
func (r *Result) unjudged() string {
	unknown, passed := 0, 0
	for _, m := range r.Metrics {
		switch m.Outcome {
		case OutcomeUnknown, OutcomeNone:
			unknown++
		case OutcomeIgnored:
			passed++
		}
	}
	for i := range r.Found {
		if r.Found[i].Outcome == OutcomeIgnored {
			passed++
		}
	}
	text := fmt.Sprintf(": none of %s, no rule", report.FormatNumber(int64(len(r.Metrics)-unknown), "metric"))
	if unknown > 0 {
		text += fmt.Sprintf("; %s could not be judged", report.FormatNumber(int64(unknown), "metric"))
	}
	if passed > 0 {
		text += fmt.Sprintf("; the policy let %s pass", report.FormatNumber(int64(passed), "thing"))
	}
	return text
}

func (r *Result) facts() []report.Fact {
	out := []report.Fact{
		{Name: "base", Value: report.Text(sideText(r.Base))}, {Name: "head", Value: report.Text(sideText(r.Head))},
		{Name: "design", Value: report.Text(r.Design.String())},
	}
	out = append(out, r.foundFacts()...)
	for _, g := range r.Ignored {
		if len(g.Passed) > 0 {
			out = append(out, report.Fact{Name: "let pass until " + g.Until,
				Value: report.Text(strings.Join(g.Passed, "; ") + ": " + g.Reason)})
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

// measuredTable shows metrics as benchstat does.
func measuredTable(title string, list []*Measured, decides bool) report.Table {
	t := report.Table{Title: title, Columns: []string{"", "base", "±", "head", "±", "vs base", "interval", "p"}}
	if !decides {
		t.Columns[7] = "q"
	}
	for _, m := range list {
		p := m.Q
		if decides {
			p = m.Adjusted
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(m.Name), m.cell(m.Base), scatter(m.BaseValues), m.cell(m.Head), scatter(m.HeadValues),
			m.versus(), intervalCell(m), report.OptionalProbability(p),
		})
	}
	return t
}

func (m *Measured) cell(v *float64) report.Cell {
	if v == nil {
		return report.Cell{Unit: report.UnitDuration, Unknown: true}
	}
	switch m.metric.Stat {
	case policy.StatTime:
		return secondsCell(*v)
	case policy.StatRate:
		return report.Rate(*v)
	}
	return report.Duration(int64(math.Round(*v)))
}

// secondsCell is seconds a second.
func secondsCell(v float64) report.Cell { return report.Duration(int64(math.Round(1e9 * v))) }

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
	case OutcomeIgnored:
		return report.Text(report.FormatRatio(*m.Ratio) + " let pass")
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
	t := report.Table{Title: "Shift of the " + s.Name, Columns: []string{"", "base", "head", "head − base", "vs base",
		"interval"}}
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

func (r *Result) placesTable(v View) report.Table {
	t := report.Table{
		Title:   "Which code waits more or less, a second, waits for work left out",
		Columns: []string{"", "ended by", "for", "wait", "base", "head", "vs base", "q"},
	}
	for i := range r.Places {
		if len(t.Rows) == v.Rows {
			t.More++
			continue
		}
		c := &r.Places[i]
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(cmp.Or(stack.Local(c.Function), "unknown")), growthCell(c.Waker), growthCell(c.Cause),
			report.Text(c.wait()), secondsCell(c.Base), secondsCell(c.Head), c.versus(r.Design.LowConfidence),
			report.Probability(c.Q),
		})
	}
	return t
}

// wait is what is waited for at the place.
func (c *Change) wait() string {
	if c.Metric == string(summary.MetricCall) {
		return "syscall " + c.Reason
	}
	return c.Reason
}

func growthCell(g *Growth) report.Cell {
	if g == nil {
		return report.Text("")
	}
	return report.Text(strings.TrimSpace(g.Kind + " " + stack.Local(g.Name)))
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
	case m.Outcome == OutcomeUnknown, m.Outcome == OutcomeNone, m.Outcome == OutcomeIgnored, m.Outcome == OutcomeUnsure:
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
