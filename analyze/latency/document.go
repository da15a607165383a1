package latency

import (
	"fmt"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// View says how much of a Result a Document shows.
type View struct {
	Groups int // the most groups of each sort; 0: 10
}

const defaultGroups = 10

// Document makes the result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	if v.Groups == 0 {
		v.Groups = defaultGroups
	}
	d := &report.Document{Title: "Scheduling latency: from runnable to running", Warnings: r.Warnings}
	d.Tables = append(d.Tables,
		r.table("All goroutines", "", []Entry{r.Total}, v),
		r.table("By why they became runnable", "reason", r.Groups, v),
		r.table("By goroutine kind (entry function)", "kind", r.Groups, v))
	d.Tables = append(d.Tables, intervalTable(&r.Total, r.Confidence))
	if r.ResolutionNS > 1 {
		d.Notes = append(d.Notes, fmt.Sprintf("The trace's times are multiples of %s.",
			report.FormatDuration(r.ResolutionNS)))
	}
	if r.Total.Censored > 0 {
		d.Notes = append(d.Notes, "cut: delays whose beginning or end is not in the trace. They lasted at least as "+
			"long as what was seen, and the percentiles count them so; \"?\" is a percentile that they leave open.")
	}
	if r.Total.Parts != nil {
		d.Tables = append(d.Tables, partsTable(r, v))
		d.Notes = append(d.Notes, r.partsNotes()...)
	} else {
		d.Notes = append(d.Notes, "The trace has no thread events, so delays are not taken apart into waiting for a "+
			"P and waiting for a CPU.")
	}
	if rows := stats.Octaves(r.Histogram); len(rows) > 0 && rows[0].Hi <= 1 && rows[0].Count > 0 {
		d.Notes = append(d.Notes, "Delays of 0ns are wake-ups that the scheduler does itself and runs at once, such "+
			"as the first goroutine of a network poll: no probe sees them apart.")
	}
	if r.Baseline != nil {
		r.Baseline.draw(d, v)
	}
	d.Charts = append(d.Charts, report.Histogram{Title: "All delays", Rows: stats.Octaves(r.Histogram)})
	return d
}

// table shows the entries of one sort.
func (r *Result) table(title, by string, entries []Entry, v View) report.Table {
	t := report.Table{Title: title, Columns: []string{"", "count", "cut"}}
	for _, p := range r.Total.Percentiles {
		t.Columns = append(t.Columns, p.Name)
	}
	t.Columns = append(t.Columns, "max", "sum", "share")
	for i := range entries {
		if e := &entries[i]; e.By == by {
			cells := []report.Cell{report.Count(e.Count), report.Count(e.Censored)}
			for _, p := range e.Percentiles {
				cells = append(cells, report.OptionalDuration(p.NS))
			}
			v.addRow(&t, by, e.Name, append(cells, report.OptionalDuration(e.MaxNS),
				report.Duration(e.SumNS+e.CensoredSumNS), report.Share(e.Share))...)
		}
	}
	return t
}

// addRow adds the row of a group to the table of its sort, or counts it there as left out; by empty
// is the total, which has no name.
func (v View) addRow(t *report.Table, by, name string, cells ...report.Cell) {
	if len(t.Rows) == v.Groups {
		t.More++
		return
	}
	if by == "" {
		name = "total"
	}
	t.Rows = append(t.Rows, append([]report.Cell{report.Text(name)}, cells...))
}

func intervalTable(e *Entry, confidence float64) report.Table {
	t := report.Table{Title: fmt.Sprintf("%.0f%% confidence intervals of the total", 100*confidence),
		Columns: []string{"", "from", "estimate", "to"}}
	for _, p := range e.Percentiles {
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(p.Name), report.OptionalDuration(p.Interval[0]), report.OptionalDuration(p.NS),
			report.OptionalDuration(p.Interval[1]),
		})
	}
	return t
}

// partsTable is the breakdown of each group's delay, in shares of it.
func partsTable(r *Result, v View) report.Table {
	t := report.Table{Title: "Latency breakdown (share of the delays seen whole)", Columns: []string{""}}
	shown := r.partsShown()
	for _, p := range shown {
		t.Columns = append(t.Columns, p.String())
	}
	row := func(name string, e *Entry) {
		cells := []report.Cell{report.Text(name)}
		for _, p := range shown {
			share := report.Cell{Unit: report.UnitShare, Unknown: true}
			if e.SumNS > 0 {
				share = report.Share(float64(e.Parts[p]) / float64(e.SumNS))
			}
			cells = append(cells, share)
		}
		t.Rows = append(t.Rows, cells)
	}
	row("total", &r.Total)
	for i := range r.Groups {
		if e := &r.Groups[i]; e.By == "reason" && len(t.Rows) <= v.Groups {
			row(e.Name, e)
		}
	}
	return t
}
