package compare

import (
	"math"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// Outcome is what is said of one metric or rule.
type Outcome string

// The outcomes.
const (
	OutcomeSame       Outcome = "same"       // no change that can be told from chance, or none that counts
	OutcomeWorse      Outcome = "worse"      // of a gating metric or rule: the verdict is worse
	OutcomeBetter     Outcome = "better"     // as sure as worse, the other way
	OutcomeUnsure     Outcome = "unsure"     // larger than what counts, but these recordings cannot tell it from chance
	OutcomeUnknown    Outcome = "unknown"    // too few recordings give it, or too much of it is censored
	OutcomeNone       Outcome = "none"       // neither side has anything of the kind
	OutcomeNoted      Outcome = "noted"      // found, but by policy it does not decide
	OutcomeSuppressed Outcome = "suppressed" // it would be worse, and the policy suppresses it
)

// Measured is one metric in both sides. A number that the recordings cannot give is nil.
type Measured struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"` // ns, s/s or 1/s
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"` // of an outcome that is not plain from the numbers
	// of head, in some recordings too much is censored: they count as the longest that was seen
	AtLeast bool `json:"at_least,omitempty"`
	// so few recordings give it that no p can be below alpha: only a gross change counts
	Untested   bool       `json:"untested,omitempty"`
	Base       *float64   `json:"base"` // the geometric mean of the recordings
	Head       *float64   `json:"head"`
	Ratio      *float64   `json:"ratio"` // head over base, differences between blocks removed
	Interval   [2]float64 `json:"interval,omitzero"`
	P          *float64   `json:"p"`
	Adjusted   *float64   `json:"adjusted_p,omitempty"` // of metrics that decide: Holm's
	Q          *float64   `json:"q,omitempty"`          // of the others: the false discovery rate
	Effect     float64    `json:"effect,omitempty"`     // the ratio from which on it counts
	Floor      float64    `json:"floor,omitempty"`      // the difference from which on it counts
	BaseValues []*float64 `json:"base_values"`          // by recording
	HeadValues []*float64 `json:"head_values"`

	metric policy.Metric
	change stats.Change
}

// unitOf is what a statistic is measured in.
func unitOf(s policy.Stat) string {
	switch s {
	case policy.StatTime:
		return unitTime
	case policy.StatRate:
		return unitRate
	}
	return unitNS
}

// The units of metrics.
const (
	unitNS   = "ns"
	unitTime = "s/s"
	unitRate = "1/s"
)

// trial is the recordings of both sides, and how they belong together.
type trial struct {
	base, head *side
	blocks     []block
	policy     *policy.Policy
	sequential bool
}

// gross is what a change of an effect counts from where a test is not possible: measured on pairs
// of runs of one program, where 2× was exceeded by chance in one pair of eight.
const (
	grossRatio = 3
	grossP999  = 5
)

// measure compares a metric. How often to draw for the interval is as in stats.CompareOptions.
func (t *trial) measure(m policy.Metric, resamples int) *Measured {
	r := &Measured{Name: m.String(), Unit: unitOf(m.Stat), metric: m, BaseValues: t.base.values(m),
		HeadValues: t.head.values(m)}
	r.Base, r.Head = geometricMean(r.BaseValues), geometricMean(r.HeadValues)
	r.AtLeast = t.head.any(m, givenAtLeast)
	if r.Outcome, r.Why = t.given(r); r.Outcome != OutcomeSame {
		return r
	}
	o := stats.CompareOptions{Seed: seedOf(r.Name), Resamples: resamples}
	r.change = stats.Compare(t.observations(m, t.blocks), o)
	if len(t.blocks) > 1 && t.cannotDecide(r.change.LeastP) { // as where a recording of a block does not give it
		r.change = stats.Compare(t.observations(m, []block{t.whole()}), o)
	}
	r.Untested = t.cannotDecide(r.change.LeastP)
	r.Ratio, r.P = pointer(rounded(r.change.Ratio)), pointer(rounded(r.change.P))
	if r.change.Bounded {
		r.Interval = [2]float64{rounded(r.change.Lo), rounded(r.change.Hi)}
	}
	return r
}

// cannotDecide says whether a test whose p is at least that can say nothing, for the number of
// metrics that decide.
func (t *trial) cannotDecide(leastP float64) bool {
	return leastP*float64(max(1, len(t.policy.Metrics))) >= t.policy.Alpha
}

// whole is all recordings as one block.
func (t *trial) whole() block {
	return block{base: places(len(t.base.recordings)), head: places(len(t.head.recordings))}
}

func pointer(v float64) *float64 { return &v }

// tooMuchCensored is why a quantile of base is not known.
const tooMuchCensored = "too much of base is censored"

// untold is why a quantile is not known of recordings in windows.
const untold = "windows were too short to give it"

// given says whether enough recordings give a metric.
func (t *trial) given(r *Measured) (Outcome, string) {
	base, head := count(r.BaseValues), count(r.HeadValues)
	switch {
	case t.base.any(r.metric, givenCensored):
		return OutcomeUnknown, tooMuchCensored
	case t.base.any(r.metric, givenUntold) || t.head.any(r.metric, givenUntold):
		return OutcomeUnknown, untold
	case base == 0 && head == 0:
		return OutcomeNone, "neither side has any"
	case base == 0:
		return OutcomeUnknown, "base has none"
	case head == 0:
		return OutcomeUnknown, "head has none"
	case isZero(r.Base) && isZero(r.Head):
		return OutcomeNone, "neither side has any"
	}
	return OutcomeSame, ""
}

func isZero(v *float64) bool { return v != nil && *v == 0 }

func count(values []*float64) int {
	n := 0
	for _, v := range values {
		if v != nil {
			n++
		}
	}
	return n
}

func (t *trial) observations(m policy.Metric, blocks []block) []stats.Block {
	var out []stats.Block
	for _, b := range blocks {
		var o stats.Block
		for _, i := range b.base {
			if v, ok := t.base.observation(i, m); ok {
				o.Base = append(o.Base, v)
			}
		}
		for _, i := range b.head {
			if v, ok := t.head.observation(i, m); ok {
				o.Head = append(o.Head, v)
			}
		}
		out = append(out, o)
	}
	return out
}

// judge compares the metrics that decide.
func (t *trial) judge(gates []policy.Gate) []*Measured {
	out := make([]*Measured, len(gates))
	var p []float64
	var tested []*Measured
	for i, g := range gates {
		r := t.measure(g.Metric, 0)
		r.Effect, r.Floor = g.Effect, g.Floor
		switch {
		case r.Outcome == OutcomeSame:
			p, tested = append(p, r.change.P), append(tested, r)
		case r.Why == tooMuchCensored && !t.mayBeWorse(r):
			r.Why = "too much of base is censored, and head is not longer"
		}
		out[i] = r
	}
	for i, adjusted := range stats.Holm(p) {
		tested[i].Adjusted = pointer(rounded(adjusted))
		t.decide(tested[i], adjusted)
	}
	return out
}

// mayBeWorse says of a metric that is censored in base whether head is longer than the least that
// base can be.
func (t *trial) mayBeWorse(r *Measured) bool {
	least := geometricMean(t.base.valuesFrom(r.metric, givenCensored))
	return r.Head != nil && (least == nil || *r.Head > r.Effect**least)
}

// decide says what a metric's change is: all three of the effect, the floor and the test must
// agree.
func (t *trial) decide(r *Measured, adjusted float64) {
	effect, sure := r.Effect, adjusted < t.policy.Alpha
	if r.Untested {
		effect, sure = grossOf(r), t.fewest(r.metric) >= grossCount
	}
	ratio, lo, hi := r.change.Ratio, r.change.Lo, r.change.Hi
	if !r.change.Bounded {
		lo, hi = ratio, ratio
	}
	far := math.Abs(*r.Head-*r.Base) > r.Floor
	switch {
	case !far:
	case sure && lo > effect:
		r.Outcome = OutcomeWorse
	case sure && hi < 1/effect:
		r.Outcome = OutcomeBetter
	case ratio > r.Effect:
		r.Outcome = OutcomeUnsure
	}
}

// fewest is how many durations a metric is made of in the recording that has the fewest.
func (t *trial) fewest(m policy.Metric) int64 {
	if m == policy.Blocked {
		m.Key.By = summary.ByTotal
	}
	least := int64(math.MaxInt64)
	for _, s := range []*side{t.base, t.head} {
		for _, groups := range s.groups {
			if g := groups[m.Key]; g == nil {
				least = 0
			} else {
				least = min(least, g.Hist.Count())
			}
		}
	}
	return least
}

func grossOf(r *Measured) float64 {
	if q, _ := r.metric.Stat.Quantile(); q.PPM >= stats.P999.PPM {
		return max(grossP999, r.Effect)
	}
	return max(grossRatio, r.Effect)
}

// reported compares metrics that do not decide.
func (t *trial) reported(metrics []policy.Metric) []*Measured {
	var out, tested []*Measured
	var p []float64
	for _, m := range metrics {
		r := t.measure(m, resamplesReported)
		if r.Outcome == OutcomeNone {
			continue
		}
		if r.Outcome == OutcomeSame {
			p, tested = append(p, r.change.P), append(tested, r)
		}
		out = append(out, r)
	}
	for i, q := range stats.FalseDiscovery(p) {
		r := tested[i]
		r.Q = pointer(rounded(q))
		if !r.Untested && q < reportedQ {
			r.Outcome = direction(r.change.Ratio, r.metric)
		}
	}
	return out
}

const (
	resamplesReported = 500
	reportedQ         = 0.05 // the share of false ones among the changes that are reported
)

// direction is worse for more, but of rates and of running, which are neither.
func direction(ratio float64, m policy.Metric) Outcome {
	switch {
	case m.Stat == policy.StatRate || m.Key.Measure == summary.MeasureRunning:
		return OutcomeNoted
	case ratio > 1:
		return OutcomeWorse
	}
	return OutcomeBetter
}
