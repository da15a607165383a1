package latency

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// Reference is the delays of one group in earlier recordings, of the program's goroutines alone
// unless it is of a kind.
type Reference struct {
	By     string // "reason" or "kind"; empty for the total
	Name   string
	Delays *stats.Histogram
}

// Against is delays beside those of earlier recordings.
type Against struct {
	Recordings int      `json:"recordings"` // the earlier ones
	Groups     []Beside `json:"groups"`     // the total, then by reason, then by kind; each from the most delay down
}

// Beside is the delays of one group beside earlier ones. The runtime's own goroutines are in kinds
// alone. A number that the trace or the earlier ones cannot give is nil.
type Beside struct {
	By            string             `json:"by,omitempty"`
	Name          string             `json:"name,omitempty"`
	Count         int64              `json:"count"`
	BaselineCount int64              `json:"baseline_count"` // in all earlier recordings
	Percentiles   []PercentileBeside `json:"percentiles"`

	sumNS int64
}

// PercentileBeside is a percentile beside that of the earlier delays.
type PercentileBeside struct {
	stats.Percentile
	BaselineNS *int64   `json:"baseline_ns"`
	Ratio      *float64 `json:"ratio"` // of this one to the earlier
}

// besideByDefault are the percentiles that are laid beside a baseline's where a Pass does not say
// others.
var besideByDefault = []stats.Quantile{stats.P50, stats.P99}

// Against lays the delays after a walk beside those of earlier recordings, of which there are so
// many.
func (p *Pass) Against(sum *replay.Summary, recordings int, earlier []Reference) *Against {
	a := &Against{Recordings: recordings, Groups: []Beside{}}
	percentiles := besideByDefault
	if p.Percentiles != nil {
		percentiles = p.Percentiles
	}
	reasons, kinds := p.Reasons(sum.Names()), p.Kinds(sum.Names())
	whole := Group{Delays: new(stats.Histogram)}
	for _, g := range reasons {
		whole.Delays.Merge(g.Delays)
	}
	for _, list := range []struct {
		by     string
		groups []Group
	}{{"", []Group{whole}}, {"reason", reasons}, {"kind", kinds}} {
		a.Groups = append(a.Groups, beside(list.by, list.groups, earlier, percentiles)...)
	}
	return a
}

// beside is the groups of one sort beside earlier ones, those of which only one side has any too.
func beside(by string, groups []Group, earlier []Reference, percentiles []stats.Quantile) []Beside {
	then := map[string]*stats.Histogram{}
	for _, e := range earlier {
		if e.By == by {
			then[e.Name] = e.Delays
		}
	}
	var out []Beside
	for _, g := range groups {
		out = append(out, newBeside(by, g.Name, g.Delays, then[g.Name], percentiles))
		delete(then, g.Name)
	}
	for name, h := range then {
		out = append(out, newBeside(by, name, new(stats.Histogram), h, percentiles))
	}
	slices.SortFunc(out, func(x, y Beside) int {
		return cmp.Or(cmp.Compare(y.sumNS, x.sumNS),
			cmp.Compare(x.Name, y.Name))
	})
	return out
}

func newBeside(by, name string, now, then *stats.Histogram, percentiles []stats.Quantile) Beside {
	if then == nil {
		then = new(stats.Histogram)
	}
	b := Beside{By: by, Name: name, Count: now.Count(), BaselineCount: then.Count(),
		sumNS: now.Sum() + now.CensoredSum()}
	earlier := then.Percentiles(percentiles)
	for i, p := range now.Percentiles(percentiles) {
		b.Percentiles = append(b.Percentiles, PercentileBeside{p, earlier[i].NS, ratio(p.NS, earlier[i].NS)})
	}
	return b
}

// ratio is nil where there is none: nothing is a multiple of 0.
func ratio(a, b *int64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	r := float64(*a) / float64(*b)
	return &r
}

// NoVerdict is what a reader of a baseline's columns has to know.
const NoVerdict = "A difference between one recording and a baseline is no verdict: recordings differ by " +
	"themselves. gosched compare says what is more than that."

// table is the groups of one sort.
func (a *Against) table(title, by string, v View) report.Table {
	t := report.Table{Title: title, Columns: []string{""}}
	for _, p := range a.Groups[0].Percentiles { // the total is always there
		t.Columns = append(t.Columns, p.Name, "baseline", "ratio")
	}
	t.Columns = append(t.Columns, "count", "baseline")
	for i := range a.Groups {
		b := &a.Groups[i]
		if b.By != by {
			continue
		}
		var cells []report.Cell
		for _, p := range b.Percentiles {
			cells = append(cells, report.OptionalDuration(p.NS), report.OptionalDuration(p.BaselineNS),
				report.OptionalRatio(p.Ratio))
		}
		v.addRow(&t, by, b.Name, append(cells, report.Count(b.Count), report.Count(b.BaselineCount))...)
	}
	return t
}

// draw adds the baseline to a document, in front of what there is.
func (a *Against) draw(d *report.Document, v View) {
	title := "Beside a baseline of " + report.FormatNumber(int64(a.Recordings), "recording") +
		", the runtime's own goroutines left out"
	tables := []report.Table{a.table(title, "", v), a.table("Beside the baseline, by why they became runnable",
		"reason", v), a.table("Beside the baseline, by kind", "kind", v)}
	d.Tables = append(tables, d.Tables...)
	d.Notes = append([]string{NoVerdict}, d.Notes...)
}
