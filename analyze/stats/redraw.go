package stats

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// Redraw is the quantile of as many values drawn again from the histogram with replacement; false if it is undefined.
//
// It draws no values. The r-th smallest of n drawn values is where the histogram's distribution reaches the r-th smallest of n uniform
// numbers, and that is a number of the Beta distribution with r and n − r + 1. With censored values the distribution is the
// Kaplan–Meier curve, and n the effective number of values at the quantile: as many as, all measured, would give the curve the variance
// that Greenwood's formula gives it (S. J. Cutler and F. Ederer, Journal of Chronic Diseases 8 (1958) 699). Time and memory do not grow with the counts.
func (h *Histogram) Redraw(permille int, rng *rand.Rand) (int64, bool) {
	if h.count == 0 {
		return 0, false
	}
	if h.censored > 0 {
		n := h.effectiveCount(permille)
		return h.atLevel(orderLevel(n, rank(n, permille), rng))
	}
	level := orderLevel(h.count, rank(h.count, permille), rng)
	return h.upper(h.atRank(h.whole(math.Ceil(level * float64(h.count))))), true
}

// orderLevel is the r-th smallest of n uniform numbers.
func orderLevel(n, r int64, rng *rand.Rand) float64 {
	return distuv.Beta{Alpha: float64(r), Beta: float64(n - r + 1), Src: rng}.Rand()
}

// whole is a number of values as an integer, at least 1 and at most all values; a float64 can be just above what an int64 holds.
func (h *Histogram) whole(values float64) int64 {
	all := h.count + h.censored
	if values >= float64(all) {
		return all
	}
	return int64(max(values, 1))
}

// effectiveCount is the effective number of values at a quantile, at least 1: at the last step of the Kaplan–Meier curve up to it that leaves something.
func (h *Histogram) effectiveCount(permille int) int64 {
	n, left := float64(h.count), float64(1000-permille)/1000
	h.survive(func(s survivalStep) bool {
		if s.survival > 0 && s.survival < 1 {
			n = (1 - s.survival) / (s.survival * s.variance)
		}
		return s.survival > left+roundOff
	})
	return h.whole(math.Round(n))
}

// atLevel is the smallest duration up to which the Kaplan–Meier curve has the share of the durations; false where the curve ends before.
func (h *Histogram) atLevel(share float64) (value int64, defined bool) {
	h.survive(func(s survivalStep) bool {
		if s.survival > 1-share+roundOff {
			return true
		}
		value, defined = h.upper(s.bucket), true
		return false
	})
	return value, defined
}
