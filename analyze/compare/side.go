package compare

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// The least that a number counts as where its logarithm is taken: what is less says nothing by its
// ratio, and 0 has no logarithm.
const (
	leastNS   = 100  // of durations
	leastRate = 0.1  // a second
	leastTime = 1e-4 // of the observed time
)

func leastOf(stat policy.Stat) float64 {
	switch stat {
	case policy.StatRate:
		return leastRate
	case policy.StatTime:
		return leastTime
	}
	return leastNS
}

// side is the recordings of one build.
type side struct {
	isHead     bool
	recordings []*summary.Recording
	groups     []map[summary.Key]*summary.Group // by recording
	blocked    []int64                          // nanoseconds, by recording
}

func newSide(recordings []*summary.Recording, isHead bool) *side {
	s := &side{recordings: recordings, isHead: isHead}
	for _, r := range recordings {
		index := make(map[summary.Key]*summary.Group, len(r.Groups))
		blocked := r.Info.BeyondSumNS
		for i := range r.Groups {
			g := &r.Groups[i]
			index[g.Key] = g
			if g.By == summary.BySite {
				blocked += g.BlockedNS()
			}
		}
		s.groups = append(s.groups, index)
		s.blocked = append(s.blocked, blocked)
	}
	return s
}

// seconds is how long the i-th recording observed.
func (s *side) seconds(i int) float64 { return float64(s.recordings[i].Info.RateNS()) / 1e9 }

// given says whether a recording gives a metric.
type given uint8

const (
	givenNone   given = iota // nothing of the kind was seen
	givenUntold              // the recording was made in windows, which do not give it
	// too much of it is censored for the number to be known; the value is the least that it can be
	givenCensored
	givenAtLeast // the same, and it counts
	givenExactly
)

// value is the metric of the i-th recording. Of head, a quantile that censored durations leave open
// is the longest duration that was seen: who is worse off than can be told is not let off. Of base
// that would make head look worse than it is.
func (s *side) value(i int, m policy.Metric) (float64, given) {
	g := s.groups[i][m.Key]
	if !m.Stat.IsDuration() {
		return s.perSecond(i, g, m), givenExactly
	}
	if g == nil || g.Hist.Count() == 0 {
		return 0, givenNone
	}
	if m.Stat == policy.StatMean {
		return float64(g.TimeNS()) / float64(g.Hist.Count()), givenExactly
	}
	q, _ := m.Stat.Quantile()
	v, defined := s.recordings[i].Quantile(m.Key, q)
	switch {
	case defined:
		return float64(v), givenExactly
	case s.recordings[i].Info.Windows > 0:
		return 0, givenUntold
	case s.isHead:
		return float64(g.Hist.Max()), givenAtLeast
	}
	return float64(g.Hist.Max()), givenCensored
}

func (s *side) perSecond(i int, g *summary.Group, m policy.Metric) float64 {
	seconds := max(s.seconds(i), 1e-9)
	switch {
	case m == policy.Blocked:
		return float64(s.blocked[i]) / 1e9 / seconds
	case g == nil:
		return 0
	case m.Stat == policy.StatRate:
		return float64(g.Hist.Count()) / seconds
	}
	return float64(g.TimeNS()) / 1e9 / seconds
}

// waits are the s/s of waits for a reason, by recording.
func (s *side) waits(reason string) []float64 {
	m := policy.Metric{Key: summary.Key{Measure: summary.MeasureWait, By: summary.ByReason, Name: reason},
		Stat: policy.StatTime}
	out := make([]float64, len(s.recordings))
	for i := range out {
		out[i], _ = s.value(i, m)
	}
	return out
}

// observation is the i-th recording's number for the tests.
func (s *side) observation(i int, m policy.Metric) (stats.Observation, bool) {
	v, how := s.value(i, m)
	if how < givenAtLeast {
		return stats.Observation{}, false
	}
	least := leastOf(m.Stat)
	o := stats.Observation{Log: math.Log(max(v, least))}
	if q, is := m.Stat.Quantile(); is && how == givenExactly && s.recordings[i].Info.Windows == 0 {
		redraw := s.groups[i][m.Key].Hist.Redrawer(q)
		o.Redraw = func(rng *rand.Rand) float64 {
			again, ok := redraw(rng)
			if !ok {
				return o.Log
			}
			return math.Log(max(float64(again), least))
		}
	}
	return o, true
}

// values are the metric of every recording, nil where one does not give it.
func (s *side) values(m policy.Metric) []*float64 { return s.valuesFrom(m, givenAtLeast) }

// valuesFrom are the metric of every recording that gives it in this way or a better one.
func (s *side) valuesFrom(m policy.Metric, least given) []*float64 {
	out := make([]*float64, len(s.recordings))
	for i := range s.recordings {
		if v, how := s.value(i, m); how >= least {
			v = rounded(v)
			out[i] = &v
		}
	}
	return out
}

// any says whether some recording gives a metric in this way.
func (s *side) any(m policy.Metric, how given) bool {
	for i := range s.recordings {
		if _, is := s.value(i, m); is == how {
			return true
		}
	}
	return false
}

// geometricMean is that of the recordings that give the metric, nil where none does. Where one is 0
// it is the arithmetic mean.
func geometricMean(values []*float64) *float64 {
	var logs, sum float64
	n, zero := 0, false
	for _, v := range values {
		if v != nil {
			n++
			sum += *v
			logs += math.Log(*v)
			zero = zero || *v <= 0
		}
	}
	if n == 0 {
		return nil
	}
	mean := math.Exp(logs / float64(n))
	if zero {
		mean = sum / float64(n)
	}
	mean = rounded(mean)
	return &mean
}

// rounded is v with six digits: what is behind them differs between processors.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) {
		return v
	}
	return math.Round(v*scale) / scale
}

// seedOf is the same for the same name, whatever else is compared.
func seedOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}
