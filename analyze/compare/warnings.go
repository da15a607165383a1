package compare

import (
	"fmt"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
)

// maxWarnings is how many warnings of the recordings themselves are repeated.
const maxWarnings = 10

func (t *trial) warnings(r *Result) []report.Warning {
	out := []report.Warning{}
	add := func(code, text string, args ...any) {
		out = append(out, report.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	switch {
	case t.low:
		add("few", "low confidence: %s against %s; only a change of %s or more counts, as one recording of a program is easily twice as slow as another",
			report.FormatCount(int64(len(t.base.runs))), report.FormatNumber(int64(len(t.head.runs)), "recording"), report.FormatRatio(grossRatio))
	case t.inARow && inARow(t.base.runs, t.head.runs):
		add("in a row", "one side was recorded after the other: a machine's drift looks like a change, so that only a change of %s or more counts; gosched record-ab records in turns", report.FormatRatio(t.policy.InARow))
	case t.inARow:
		add("in a row", "the recordings do not say that they were made in turns, so that only a change of %s or more counts; gosched record-ab makes such", report.FormatRatio(t.policy.InARow))
	}
	for _, d := range r.Differences {
		if d.Allowed {
			add("allowed", "allowed by name: %s", d.Text)
		}
	}
	for _, g := range r.Ignored {
		switch {
		case g.Expired:
			add("expired", "the policy's entry for %s %s has expired on %s and lets nothing pass: %s", g.What, g.Where, g.Until, g.Reason)
		case t.day().IsZero():
			add("undated", "the recordings do not say when they were made: the policy's entry for %s holds whatever its date is", g.What)
		}
	}
	return append(out, t.repeated()...)
}

// repeated are the warnings of the recordings, each once with how many have it.
func (t *trial) repeated() []report.Warning {
	type key struct{ side, code string }
	var order []key
	first, times := map[key]string{}, map[key]int64{}
	for _, side := range []struct {
		name string
		runs []*summary.Run
	}{{"base", t.base.runs}, {"head", t.head.runs}} {
		for _, r := range side.runs {
			for _, w := range r.Info.Warnings {
				k := key{side.name, w.Code}
				if times[k]++; times[k] == 1 {
					order, first[k] = append(order, k), w.Text
				}
			}
		}
	}
	var out []report.Warning
	for _, k := range order[:min(len(order), maxWarnings)] {
		out = append(out, report.Warning{Code: k.code, Text: fmt.Sprintf("%s, %s: %s", k.side, report.FormatNumber(times[k], "recording"), first[k])})
	}
	return out
}
