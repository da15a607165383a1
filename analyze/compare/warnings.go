package compare

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/compare/policy"
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
	case r.Design.LowConfidence:
		add("few", "low confidence: %s against %s; only a change of %s or more counts, since two recordings of one "+
			"program easily differ twofold",
			report.FormatCount(int64(len(t.base.recordings))), report.FormatNumber(int64(len(t.head.recordings)),
				"recording"),
			report.FormatRatio(grossRatio))
	case t.sequential && sequential(t.base.recordings, t.head.recordings):
		add("sequential", "one side was recorded after the other: a machine's drift looks like a change, so that "+
			"only a change of %s or more counts; gosched record-ab interleaves",
			report.FormatRatio(t.policy.Sequential))
	case t.sequential:
		add("sequential", "the recordings do not say that they were interleaved, so that only a change of %s or "+
			"more counts; gosched record-ab interleaves", report.FormatRatio(t.policy.Sequential))
	}
	if w, few := t.tooFew(); few {
		out = append(out, w)
	}
	if list := t.unsaid(); len(list) > 0 {
		add("unsaid", "no recording says its %s: whether they are the same is not known", strings.Join(list, ", "))
	}
	if n, ns := t.beyond(); n > 0 {
		add("beyond", "%s with little time in a recording are left out of summaries, up to %s each: they are in no "+
			"table, and a site with less is not called new", report.FormatNumber(n, "site"),
			report.FormatPerSecond(ns/1e9))
	}
	for _, d := range r.Differences {
		if d.Allowed {
			add("allowed", "allowed by name: %s", d.Text)
		}
	}
	for _, g := range r.Suppressed {
		switch {
		case g.Expired:
			add("expired", "the policy's entry for %s %s expired on %s and suppresses nothing: %s", g.What, g.Where,
				g.Until, g.Reason)
		case t.day().IsZero():
			add("undated", "the recordings do not say when they were made: the policy's entry for %s holds whatever "+
				"its date is", g.What)
		}
	}
	return append(out, t.repeated()...)
}

// tooFew says of the percentiles that were asked for whether the recording with the fewest delays
// can tell them from its longest delay.
func (t *trial) tooFew() (report.Warning, bool) {
	if t.policy.Percentiles == nil {
		return report.Warning{}, false
	}
	n := t.fewest(policy.Metric{Key: summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal}})
	w, few := caveat.TooFew(n, "delay", t.policy.Percentiles)
	w.Code, w.Text = "percentiles", "in the recording with the fewest, "+w.Text
	return w, few
}

// beyond is how many places summaries left out, at most, and the most time that one of them had in
// a second.
func (t *trial) beyond() (n int64, ns float64) {
	for _, r := range t.recordings() {
		n = max(n, r.Info.SitesBeyond)
		ns = max(ns, float64(r.Info.BeyondNS)/max(seconds(&r.Info), 1e-9))
	}
	return n, ns
}

// repeated are the warnings of the recordings, one of each sort with how many have it.
func (t *trial) repeated() []report.Warning {
	list := caveat.Repeat(warningsOf(t.base.recordings), warningsOf(t.head.recordings))
	var out []report.Warning
	for _, w := range list[:min(len(list), maxWarnings)] {
		n := [2]int64{int64(w.Recordings[0]), int64(w.Recordings[1])}
		out = append(out, report.Warning{Code: w.Code, Transition: w.Transition, Count: n[0] + n[1],
			Text: ofSides(n) + ": " + w.Text})
	}
	return out
}

func warningsOf(recordings []*summary.Recording) [][]report.Warning {
	out := make([][]report.Warning, len(recordings))
	for i, r := range recordings {
		out[i] = r.Info.Warnings
	}
	return out
}

// ofSides is how many recordings of base and of head: one of the numbers is not 0.
func ofSides(n [2]int64) string {
	switch {
	case n[0] == 0:
		return report.FormatNumber(n[1], "recording") + " of head"
	case n[1] == 0:
		return report.FormatNumber(n[0], "recording") + " of base"
	}
	return fmt.Sprintf("%s of base, %d of head", report.FormatNumber(n[0], "recording"), n[1])
}
