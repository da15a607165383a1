package latency

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// Reference is the delays of one group in earlier recordings, of the program's goroutines alone
// unless it is of an entry function.
type Reference struct {
	By     string // "reason" or "entry"; empty for the total
	Name   string
	Delays *stats.Histogram
}

// Against is delays beside those of earlier recordings.
type Against struct {
	Recordings int `json:"recordings"` // the earlier ones
	// all, then by reason, then by entry function; each from the most delay down
	Groups []Beside `json:"groups"`
}

// Beside is the delays of one group beside earlier ones. The runtime's own goroutines are in the
// groups by entry function alone. A number that the trace or the earlier ones cannot give is nil.
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
	reasons, entries := p.Reasons(sum.Names()), p.Entries(sum.Names())
	whole := Group{Delays: new(stats.Histogram)}
	for _, g := range reasons {
		whole.Delays.Merge(g.Delays)
	}
	for _, list := range []struct {
		by     string
		groups []Group
	}{{"", []Group{whole}}, {"reason", reasons}, {"entry", entries}} {
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

// noVerdict is what a reader of a baseline's columns has to know.
const noVerdict = "A difference between one recording and a baseline proves nothing: recordings of one build differ " +
	"too. gosched compare tells a regression from that noise."

// name is the group's cell.
func (b *Beside) name() report.Cell { return (&Row{By: b.By, Name: b.Name}).name() }

// tables lay the groups beside the baseline: all delays and those by reason, then those by entry
// function.
func (a *Against) tables() []report.Table {
	title := "Beside a baseline of " + report.FormatNumber(int64(a.Recordings), "recording")
	reasons := report.Table{Title: title + " (the runtime's own goroutines left out)", Brief: briefReasons,
		Columns: []string{"became runnable by"}}
	entries := report.Table{Title: title + ", by entry function", Brief: briefEntries, Extra: true,
		Columns: []string{"entry function"}}
	for _, t := range []*report.Table{&reasons, &entries} {
		t.Spare = []string{"baseline delays", "delays"}
		for _, p := range a.Groups[0].Percentiles { // all delays are always there
			t.Columns = append(t.Columns, p.Name, "baseline "+p.Name, "ratio")
			t.SameUnit = append(t.SameUnit, p.Name, "baseline "+p.Name)
		}
		t.Columns = append(t.Columns, "delays", "baseline delays")
	}
	for i := range a.Groups {
		t := &reasons
		if a.Groups[i].By == "entry" {
			t = &entries
		}
		t.Rows = append(t.Rows, a.Groups[i].cells())
	}
	return []report.Table{reasons, entries}
}

func (b *Beside) cells() []report.Cell {
	cells := []report.Cell{b.name()}
	for _, p := range b.Percentiles {
		cells = append(cells, report.OptionalDuration(p.NS), report.OptionalDuration(p.BaselineNS),
			report.OptionalRatio(p.Ratio))
	}
	return append(cells, report.Count(b.Count), report.Count(b.BaselineCount))
}
