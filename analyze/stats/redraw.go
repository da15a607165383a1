package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Redrawer makes a function whose every call is the quantile of as many values drawn again from the
// histogram with replacement; false if it is undefined. The histogram must not change meanwhile.
//
// It draws no values. The r-th smallest of n drawn values is where the histogram's distribution
// reaches the r-th smallest of n uniform numbers, and that is a number of the Beta distribution
// with r and n − r + 1. With censored values the distribution is the Kaplan–Meier curve, and n the
// effective number of values at the quantile: as many as, all measured, would give the curve the
// variance that Greenwood's formula gives it (S. J. Cutler and F. Ederer, Journal of Chronic
// Diseases 8 (1958) 699). Time and memory do not grow with the counts.
func (h *Histogram) Redrawer(q Quantile) func(*rand.Rand) (int64, bool) {
	switch {
	case h.count == 0:
		return func(*rand.Rand) (int64, bool) { return 0, false }
	case h.censored > h.found:
		return h.survivalRedrawer(q)
	}
	var ranks, values []int64 // of the buckets: how many values are up to it, and the largest of them
	below := int64(0)
	h.each(func(b int, count, _, _ int64) bool {
		below += count
		ranks, values = append(ranks, below), append(values, h.upper(b))
		return true
	})
	r := q.rank(h.count)
	return func(rng *rand.Rand) (int64, bool) {
		at, _ := slices.BinarySearch(ranks, h.whole(math.Ceil(orderLevel(h.count, r, rng)*float64(h.count))))
		return values[at], true
	}
}

// survivalRedrawer is Redrawer where values are censored.
func (h *Histogram) survivalRedrawer(q Quantile) func(*rand.Rand) (int64, bool) {
	var shares []float64 // of the steps of the curve: what is not longer
	var values []int64
	h.survive(func(s survivalStep) bool {
		shares, values = append(shares, 1-s.survival), append(values, h.upper(s.bucket))
		return true
	})
	n := h.effectiveCount(q)
	r := q.rank(n)
	return func(rng *rand.Rand) (int64, bool) {
		at, _ := slices.BinarySearch(shares, orderLevel(n, r, rng)-roundOff)
		if at == len(values) {
			return 0, false
		}
		return values[at], true
	}
}

// orderLevel is the r-th smallest of n uniform numbers.
func orderLevel(n, r int64, rng *rand.Rand) float64 {
	return distuv.Beta{Alpha: float64(r), Beta: float64(n - r + 1), Src: rng}.Rand()
}

// whole is a number of values as an integer, at least 1 and at most all values; a float64 can be
// just above what an int64 holds.
func (h *Histogram) whole(values float64) int64 {
	all := h.count + h.censored - h.found
	if values >= float64(all) {
		return all
	}
	return int64(max(values, 1))
}

// effectiveCount is the effective number of values at a quantile, at least 1: at the last step of
// the Kaplan–Meier curve up to it that leaves something.
func (h *Histogram) effectiveCount(q Quantile) int64 {
	n, left := float64(h.count), q.left()
	h.survive(func(s survivalStep) bool {
		if s.survival > 0 && s.survival < 1 {
			n = (1 - s.survival) / (s.survival * s.variance)
		}
		return s.survival > left+roundOff
	})
	return h.whole(math.Round(n))
}
