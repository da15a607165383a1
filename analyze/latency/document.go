package latency

import (
	"fmt"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// How many rows of each sort fit a screen together.
const (
	briefReasons = 8
	briefParts   = 6
	briefEntries = 4
)

// Document makes the result ready to be drawn.
func (r *Result) Document() *report.Document {
	d := &report.Document{Title: "Scheduling latency: how long runnable goroutines waited to run", Lead: r.Lead,
		Warnings: r.Warnings}
	if r.Baseline != nil {
		d.Tables = r.Baseline.tables()
	}
	d.Tables = append(d.Tables, r.table("reason"), r.breakdownTable(), r.table("entry"), r.breakdownByReason(),
		r.intervalTable(), r.scaledTable())
	d.Charts = append(d.Charts, r.chart())
	d.Notes = r.notes()
	return d
}

// table shows the groups of one sort; that by reason begins with all delays.
func (r *Result) table(by string) report.Table {
	t := report.Table{Title: "By what made them runnable", Columns: []string{"became runnable by"}, Brief: briefReasons,
		Spare: []string{"p90", "p99.9", "share", "total"}}
	rows := []*Row{&r.Total}
	if by == "entry" {
		t.Title, t.Columns, t.Brief, rows = "By entry function", []string{"entry function"}, briefEntries, nil
	}
	for i := range r.Groups {
		if r.Groups[i].By == by {
			rows = append(rows, &r.Groups[i])
		}
	}
	if len(rows) == 1 && by != "entry" {
		t.Title = "All delays"
	}
	t.Columns = append(t.Columns, "delays", "censored")
	for _, p := range r.Total.Percentiles {
		t.Columns, t.SameUnit = append(t.Columns, p.Name), append(t.SameUnit, p.Name)
	}
	t.Columns, t.SameUnit = append(t.Columns, "longest", "total", "share"), append(t.SameUnit, "longest")
	for _, e := range rows {
		t.Rows = append(t.Rows, e.cells())
	}
	if r.Total.Censored == 0 {
		return without(t, 2)
	}
	if by == "reason" {
		t.Below = []string{censoredLegend}
		if r.mixed {
			t.Below = append(t.Below, mixedLegend)
		}
	}
	return t
}

// censoredLegend is right under the first table with censored delays.
const censoredLegend = "censored: begun before or ended after the recording, or cut off by lost events. They lasted " +
	"at least as long as what was seen, and the percentiles count them so; \"?\" is one that they leave open."

// mixedLegend says why windows give no percentiles by reason.
const mixedLegend = "Percentiles by what made them runnable are not known (\"?\"): too many delays began or were " +
	"waited for before their window did, so that their reason is unknown, and those may be the long ones."

// name is the group's cell.
func (e *Row) name() report.Cell {
	switch e.By {
	case "":
		return report.Text("all")
	case "entry":
		return report.Function(e.Name)
	}
	return report.Text(e.Name)
}

func (e *Row) cells() []report.Cell {
	cells := []report.Cell{e.name(), report.Count(e.Count), report.Count(e.Censored)}
	for _, p := range e.Percentiles {
		cells = append(cells, report.Percentile(p.Percentile))
	}
	share := report.Share(e.Share)
	if e.System {
		share = report.Text("")
	}
	return append(cells, report.OptionalDuration(e.MaxNS), report.Duration(e.SumNS+e.CensoredSumNS), share)
}

// without is a table without one of its columns.
func without(t report.Table, column int) report.Table {
	t.Columns = append(t.Columns[:column:column], t.Columns[column+1:]...)
	for i, row := range t.Rows {
		t.Rows[i] = append(row[:column:column], row[column+1:]...)
	}
	return t
}

func (r *Result) chart() report.Histogram {
	c := report.Histogram{Title: "Delays", Extra: true, Rows: stats.Octaves(r.Histogram)}
	if len(c.Rows) > 0 && c.Rows[0].Hi <= 1 && c.Rows[0].Count > 0 {
		c.Below = []string{fmt.Sprintf("%s of 0 ns: the scheduler made the goroutine runnable and ran it in one "+
			"step, as "+
			"it does with the first goroutine that the network poller finds.",
			report.FormatNumber(c.Rows[0].Count, "delay"))}
	}
	return c
}

func (r *Result) intervalTable() report.Table {
	e := &r.Total
	if e.Count == 0 {
		return report.Table{}
	}
	t := report.Table{Title: fmt.Sprintf("%.0f%% confidence intervals of all delays", 100*r.Confidence), Extra: true,
		Columns: []string{"percentile", "from", "estimate", "to"}, SameUnit: []string{"from", "estimate", "to"}}
	for _, p := range e.Percentiles {
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(p.Name), report.OptionalDuration(p.Interval[0]), report.Percentile(p.Percentile),
			report.OptionalDuration(p.Interval[1]),
		})
	}
	return t
}

// scaledTable shows what windows stand for.
func (r *Result) scaledTable() report.Table {
	if r.Total.Scaled == nil {
		return report.Table{}
	}
	columns, sameUnit := report.ScaledColumns("delays")
	t := report.Table{Title: fmt.Sprintf("Scaled from the windows to the whole time, with %.0f%% confidence intervals",
		100*r.Confidence), Extra: true, Columns: append([]string{"delays by"}, columns...), SameUnit: sameUnit}
	t.Rows = append(t.Rows, append([]report.Cell{r.Total.name()}, report.Scaled(r.Total.Scaled)...))
	for i := range r.Groups {
		if g := &r.Groups[i]; g.Scaled != nil {
			t.Rows = append(t.Rows, append([]report.Cell{g.name()}, report.Scaled(g.Scaled)...))
		}
	}
	return t
}

// notes are what a reader of the numbers should know.
func (r *Result) notes() []string {
	var notes []string
	if r.Runtime != nil {
		notes = append(notes, fmt.Sprintf("The runtime's own goroutines are by entry function alone: %s, %s.",
			report.FormatNumber(r.Runtime.Count+r.Runtime.Censored, "delay"),
			report.FormatDuration(r.Runtime.SumNS+r.Runtime.CensoredSumNS)))
	}
	switch {
	case r.Total.Parts == nil:
		notes = append(notes,
			"What delayed goroutines is not in the trace: it has neither thread events nor GOMAXPROCS.")
	case r.noThreads:
		notes = append(notes, "The trace has no thread events: what of the delays was for want of a CPU is not known.")
	}
	if r.Baseline != nil {
		notes = append(notes, noVerdict)
	}
	return notes
}
