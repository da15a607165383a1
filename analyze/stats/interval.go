package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a confidence interval of a quantile. An end that the data cannot bound is not
// defined.
type Interval struct {
	Lo, Hi               int64
	LoDefined, HiDefined bool
}

// Interval is the confidence interval of a quantile at the given confidence, such as 0.95. Without
// censored values it is made of two order statistics by the binomial distribution; with them it is
// the Brookmeyer–Crowley interval of the Kaplan–Meier curve with log-transformed Greenwood errors.
// Both take the observations for independent: durations of one recording are not quite, so the
// interval says how far the recording's own scatter reaches and not how the next recording will
// turn out.
func (h *Histogram) Interval(q Quantile, confidence float64) Interval {
	if h.censored > h.found {
		return h.survivalInterval(q, confidence)
	}
	lo, hi := orderRanks(h.count, q, confidence)
	var in Interval
	if lo > 0 {
		in.Lo, in.LoDefined = h.lower(h.atRank(lo)), true
	}
	if hi > 0 {
		in.Hi, in.HiDefined = h.upper(h.atRank(hi)), true
	}
	return in
}

// orderRanks are the ranks, from 1, of the two order statistics of n independent observations
// between which the quantile lies with at least the confidence, an equal part of the rest on either
// side. A rank is 0 where there are too few observations.
func orderRanks(n int64, q Quantile, confidence float64) (lo, hi int64) {
	if n <= 0 || q.PPM <= 0 || q.PPM >= million {
		return 0, 0
	}
	tail := (1 - confidence) / 2
	below := distuv.Binomial{N: float64(n), P: q.share()} // how many observations are below the quantile
	// The quantile is below the r-th observation when fewer than r are below it.
	lo = int64(sort.Search(int(n), func(r int) bool { return below.CDF(float64(r)) > tail }))
	hi = 1 + int64(sort.Search(int(n), func(r int) bool { return below.CDF(float64(r)) >= 1-tail }))
	if hi > n {
		hi = 0
	}
	return lo, hi
}

func (h *Histogram) survivalInterval(q Quantile, confidence float64) Interval {
	var in Interval
	z := distuv.UnitNormal.Quantile(1 - (1-confidence)/2)
	left := q.left() + roundOff
	h.survive(func(s survivalStep) bool {
		spread := math.Exp(z * math.Sqrt(s.variance))
		low, high := s.survival/spread, min(1, s.survival*spread)
		if s.survival == 0 { // the last step: nothing is left to vary
			low, high = 0, math.NaN()
		}
		if !in.LoDefined && low <= left {
			in.Lo, in.LoDefined = h.lower(s.bucket), true
		}
		if !in.HiDefined && high <= left {
			in.Hi, in.HiDefined = h.upper(s.bucket), true
		}
		return !in.HiDefined
	})
	return in
}
