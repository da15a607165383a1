package stats

import "math"

// NearestRank is the quantile of ascending values by nearest rank: the smallest x with
// count(≤ x)·1,000,000 ≥ n·PPM. It reports false if there are no values.
func NearestRank(sorted []int64, q Quantile) (int64, bool) {
	if len(sorted) == 0 {
		return 0, false
	}
	return sorted[q.rank(int64(len(sorted)))-1], true
}

// Quantile is a quantile of the histogram: by nearest rank without censored values, by Kaplan–Meier
// with them. It reports false where the quantile is undefined: there are no values, or too many of
// the longest were censored.
func (h *Histogram) Quantile(q Quantile) (int64, bool) {
	switch {
	case h.censored > h.found:
		return h.survivalQuantile(q)
	case h.count == 0:
		return 0, false
	}
	return h.upper(h.atRank(q.rank(h.count))), true
}

// atRank is the bucket of the r-th smallest measured value, of which there must be as many.
func (h *Histogram) atRank(r int64) int {
	for i, p := range h.pages {
		if p == nil {
			continue
		}
		if n := p.measured(); r > n {
			r -= n
			continue
		}
		for j, n := range p.count {
			if r -= n; r <= 0 {
				return i<<subBits + j
			}
		}
	}
	return NumBuckets - 1
}

// measured is the number of measured values in an octave.
func (p *page) measured() (n int64) {
	for _, c := range p.count {
		n += c
	}
	return n
}

// upper is the largest value that can be in the bucket, no larger than the exact maximum.
func (h *Histogram) upper(bucket int) int64 {
	_, hi := Bounds(bucket)
	return min(hi, h.max)
}

// lower is the smallest value that can be in the bucket, no smaller than the exact minimum.
func (h *Histogram) lower(bucket int) int64 {
	lo, _ := Bounds(bucket)
	return max(lo, h.min)
}

// survivalStep is the Kaplan–Meier estimate just after a bucket.
type survivalStep struct {
	bucket   int
	survival float64 // the estimated share of durations that are longer
	variance float64 // Greenwood's sum: the variance of log(survival)
}

// survive walks the Kaplan–Meier steps until f says false. Within a bucket the measured values
// count as shorter than the censored ones, as is usual for ties.
func (h *Histogram) survive(f func(survivalStep) bool) {
	s := survivalStep{survival: 1}
	atRisk := h.count + h.censored - h.found
	h.each(func(b int, count, censored, found int64) bool {
		if count > 0 {
			n, d := float64(atRisk), float64(count)
			s.bucket = b
			s.survival *= (n - d) / n
			s.variance += d / (n * (n - d)) // +Inf at the end
			if !f(s) {
				return false
			}
		}
		atRisk -= count + censored - found
		return true
	})
}

// roundOff is far above the rounding errors of the product and far below one observation.
const roundOff = 1e-12

// survivalQuantile is the smallest duration at which the estimated survival is no more than what
// the quantile leaves above it.
func (h *Histogram) survivalQuantile(q Quantile) (value int64, defined bool) {
	left := q.left()
	h.survive(func(s survivalStep) bool {
		if s.survival > left+roundOff {
			return true
		}
		value, defined = h.upper(s.bucket), true
		return false
	})
	return value, defined
}

// Survival is the Kaplan–Meier estimate of the share of durations longer than v, and its standard
// error by Greenwood's formula. Buckets count as lying at their upper bounds.
func (h *Histogram) Survival(v int64) (share, standardError float64) {
	share = 1
	h.survive(func(s survivalStep) bool {
		if h.upper(s.bucket) > v {
			return false
		}
		share = s.survival
		standardError = s.survival * math.Sqrt(s.variance)
		return true
	})
	if share == 0 {
		standardError = 0
	}
	return share, standardError
}
