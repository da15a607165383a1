package compare

import (
	"fmt"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// Compare compares the recordings of two builds. Each side must have at least one.
func Compare(base, head []*summary.Recording, p *policy.Policy) *Result {
	t, design := newTrial(base, head, p)
	x := &examiner{trial: t, a: newSurvey(base), b: newSurvey(head)}
	r := &Result{Version: Version, Base: describe(base), Head: describe(head), Design: design,
		Differences: t.differences(), Suppressed: []Suppressed{}}
	r.asked = p.Percentiles != nil
	r.Metrics = t.judge(t.gates())
	r.Found = x.examine()
	t.suppress(r)
	r.Reported = t.reported(x.reportedMetrics())
	r.Shifts = t.shifts()
	r.Places = x.changes()
	r.Warnings = t.warnings(r)
	r.conclude(p)
	r.Explanation = x.explain(r)
	return r
}

// newTrial finds out what these recordings allow: blocks if they were interleaved and blocks can
// decide, all together if only that can, or no test.
func newTrial(base, head []*summary.Recording, p *policy.Policy) (*trial, Design) {
	t := &trial{base: newSide(base, false), head: newSide(head, true), policy: p}
	blocks, interleaved := blocksOf(base, head)
	d := Design{Interleaved: interleaved, Sequential: !interleaved, Alpha: p.Alpha, LeastP: leastP(blocks)}
	if interleaved && t.cannotDecide(d.LeastP) {
		blocks = []block{t.whole()}
		d.LeastP = leastP(blocks)
	}
	t.blocks, t.sequential = blocks, d.Sequential
	d.Blocks, d.LowConfidence, d.LeastP = len(blocks), t.cannotDecide(d.LeastP), rounded(d.LeastP)
	return t, d
}

// leastP is the smallest p that recordings in such blocks can give, also where there are too many
// labelings to try all.
func leastP(blocks []block) float64 {
	return max(stats.LeastP(sizesOf(blocks)), 1.0/(stats.DefaultPermutations+1))
}

func sizesOf(blocks []block) [][2]int {
	var out [][2]int
	for _, b := range blocks {
		out = append(out, [2]int{len(b.base), len(b.head)})
	}
	return out
}

// gates are the policy's, with the larger effect where the recordings are sequential.
func (t *trial) gates() []policy.Gate {
	var out []policy.Gate
	for _, g := range t.policy.Metrics {
		if t.sequential {
			g.Effect = max(g.Effect, t.policy.Sequential)
		}
		out = append(out, g)
	}
	return out
}

// busiest is how many entry functions and classes have metrics of their own in the report.
const busiest = 5

// The percentiles that are reported where the policy does not say others: beside the p50 and p99
// that decide, of groups, of contention, and of whole distributions.
var (
	beside       = []stats.Quantile{stats.P90, stats.P999}
	ofGroups     = []stats.Quantile{stats.P50, stats.P99}
	ofContention = []stats.Quantile{stats.P90, stats.P99}
	ofShifts     = mustParse("10,20,30,40,50,60,70,80,90,95,99,99.9")
)

func mustParse(list string) []stats.Quantile {
	out, err := stats.ParseQuantiles(list)
	if err != nil {
		panic(err)
	}
	return out
}

// reportedMetrics are those that do not decide, in the order in which they are printed.
func (x *examiner) reportedMetrics() []policy.Metric {
	var out []policy.Metric
	add := func(key summary.Key, percentiles []stats.Quantile, others ...policy.Stat) {
		var list []policy.Stat
		for _, q := range x.policy.PercentilesOr(percentiles) {
			list = append(list, policy.Percentile(q))
		}
		for _, s := range append(list, others...) {
			if m := (policy.Metric{Key: key, Stat: s}); !x.decides(m) {
				out = append(out, m)
			}
		}
	}
	total := func(m summary.Measure) summary.Key { return summary.Key{Measure: m, By: summary.ByTotal} }
	add(total(summary.MeasureDelay), beside, policy.StatMean, policy.StatRate)
	for _, key := range x.heaviest(summary.MeasureDelay, summary.ByEntry) {
		add(key, ofGroups)
	}
	add(summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}, ofContention, policy.StatMean,
		policy.StatTime, policy.StatRate)
	for _, key := range x.heaviest(summary.MeasureWait, summary.ByClass) {
		add(key, ofGroups, policy.StatTime)
	}
	add(total(summary.MeasureCall), ofGroups, policy.StatTime)
	add(total(summary.MeasureRunning), ofGroups, policy.StatTime)
	return out
}

func (x *examiner) decides(m policy.Metric) bool {
	for _, g := range x.policy.Metrics {
		if g.Metric == m {
			return true
		}
	}
	return false
}

// describe is what a reader has to know of a side's recordings.
func describe(recordings []*summary.Recording) []Recording {
	out := make([]Recording, len(recordings))
	for i, r := range recordings {
		info := &r.Info
		out[i] = Recording{ID: info.ID, StartNS: info.Meta.StartNS, DurationNS: info.DurationNS, Events: info.Events,
			Lost: info.Meta.Lost, GapShare: rounded(info.GapShare)}
		for _, p := range info.Meta.Processes {
			out[i].Command, out[i].BuildID = p.Command, p.BuildID
			break
		}
	}
	return out
}

// conclude makes the verdict. A gating metric or rule that may be worse, but could not be tested,
// leaves it open.
func (r *Result) conclude(p *policy.Policy) {
	metrics, found := r.Worse()
	measured, open := 0, r.Design.LowConfidence
	for _, m := range r.Metrics {
		if m.Outcome != OutcomeUnknown && m.Outcome != OutcomeNone {
			measured++
		}
		open = open || m.Outcome == OutcomeUnsure && m.Untested || m.Outcome == OutcomeUnknown &&
			m.Why == tooMuchCensored
	}
	for i := range r.Found {
		f := &r.Found[i]
		open = open || f.Outcome == OutcomeUnsure && p.Rules[f.Rule].Gate
	}
	switch {
	case r.incomparable() > 0:
		r.Verdict = NotComparable
	case metrics+found > 0:
		r.Verdict = Worse
	case open, measured == 0 && len(p.Metrics) > 0:
		r.Verdict = Inconclusive
	default:
		r.Verdict = NotWorse
	}
}

// Worse is how many metrics, and how many of what the rules found, say that head is.
func (r *Result) Worse() (metrics, found int) {
	for _, m := range r.Metrics {
		if m.Outcome == OutcomeWorse {
			metrics++
		}
	}
	for i := range r.Found {
		if r.Found[i].Outcome == OutcomeWorse {
			found++
		}
	}
	return metrics, found
}

func (r *Result) incomparable() int {
	n := 0
	for _, d := range r.Differences {
		if !d.Allowed {
			n++
		}
	}
	return n
}

// shifts compare whole distributions, quantile by quantile.
func (t *trial) shifts() []Shift {
	var out []Shift
	for _, s := range []Shift{
		{Name: "Scheduling delay", key: summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal}},
		{Name: "Mutex wait", key: summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}},
	} {
		for _, q := range t.policy.PercentilesOr(ofShifts) {
			m := t.measure(policy.Metric{Key: s.key, Stat: policy.Percentile(q)}, resamplesReported)
			if m.Outcome == OutcomeNone {
				continue
			}
			s.Percentiles = append(s.Percentiles, ShiftPercentile{Name: q.Name, Base: m.Base, Head: m.Head,
				Ratio:    m.Ratio,
				Interval: m.Interval, P: m.P})
		}
		if len(s.Percentiles) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// String is how many recordings and how they were made.
func (d Design) String() string {
	switch {
	case d.LowConfidence:
		return "too few recordings for a test: only gross changes count"
	case d.Sequential:
		return "sequential: only large changes count"
	case d.Blocks > 1:
		return fmt.Sprintf("interleaved, compared within %d blocks", d.Blocks)
	}
	return "interleaved"
}
