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
	By            string   `json:"by,omitempty"`
	Name          string   `json:"name,omitempty"`
	Count         int64    `json:"count"`
	BaselineCount int64    `json:"baseline_count"` // in all earlier recordings
	P50NS         *int64   `json:"p50_ns"`
	BaselineP50NS *int64   `json:"baseline_p50_ns"`
	P50Ratio      *float64 `json:"p50_ratio"` // of this one to the earlier
	P99NS         *int64   `json:"p99_ns"`
	BaselineP99NS *int64   `json:"baseline_p99_ns"`
	P99Ratio      *float64 `json:"p99_ratio"`

	sumNS int64
}

// Against lays the delays after a walk beside those of earlier recordings, of which there are so
// many.
func (p *Pass) Against(sum *replay.Summary, recordings int, earlier []Reference) *Against {
	a := &Against{Recordings: recordings, Groups: []Beside{}}
	reasons, kinds := p.Reasons(sum.Names()), p.Kinds(sum.Names())
	whole := Group{Delays: new(stats.Histogram)}
	for _, g := range reasons {
		whole.Delays.Merge(g.Delays)
	}
	for _, list := range []struct {
		by     string
		groups []Group
	}{{"", []Group{whole}}, {"reason", reasons}, {"kind", kinds}} {
		a.Groups = append(a.Groups, beside(list.by, list.groups, earlier)...)
	}
	return a
}

// beside is the groups of one sort beside earlier ones, those of which only one side has any too.
func beside(by string, groups []Group, earlier []Reference) []Beside {
	then := map[string]*stats.Histogram{}
	for _, e := range earlier {
		if e.By == by {
			then[e.Name] = e.Delays
		}
	}
	var out []Beside
	for _, g := range groups {
		out = append(out, newBeside(by, g.Name, g.Delays, then[g.Name]))
		delete(then, g.Name)
	}
	for name, h := range then {
		out = append(out, newBeside(by, name, new(stats.Histogram), h))
	}
	slices.SortFunc(out, func(x, y Beside) int {
		return cmp.Or(cmp.Compare(y.sumNS, x.sumNS),
			cmp.Compare(x.Name, y.Name))
	})
	return out
}

func newBeside(by, name string, now, then *stats.Histogram) Beside {
	if then == nil {
		then = new(stats.Histogram)
	}
	b := Beside{
		By: by, Name: name, Count: now.Count(), BaselineCount: then.Count(), P50NS: quantile(now, 500),
		BaselineP50NS: quantile(then, 500),
		P99NS:         quantile(now, 990), BaselineP99NS: quantile(then, 990), sumNS: now.Sum() + now.CensoredSum(),
	}
	b.P50Ratio, b.P99Ratio = ratio(b.P50NS, b.BaselineP50NS), ratio(b.P99NS, b.BaselineP99NS)
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
	t := report.Table{Title: title, Columns: []string{"", "p50", "baseline", "ratio", "p99", "baseline", "ratio",
		"count", "baseline"}}
	for i := range a.Groups {
		if b := &a.Groups[i]; b.By == by {
			v.addRow(&t, by, b.Name,
				report.OptionalDuration(b.P50NS), report.OptionalDuration(b.BaselineP50NS),
				report.OptionalRatio(b.P50Ratio),
				report.OptionalDuration(b.P99NS), report.OptionalDuration(b.BaselineP99NS),
				report.OptionalRatio(b.P99Ratio),
				report.Count(b.Count), report.Count(b.BaselineCount))
		}
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
