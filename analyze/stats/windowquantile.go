package stats

import (
	"math"
	"slices"
)

// step is the Kaplan–Meier estimate of the whole just after a bucket.
type step struct {
	bucket   int
	survival float64
	error    float64 // the standard error of log(survival)
}

// survive walks the steps until f says false. A value that ended in a window counts by the window's
// weight. The weights are known by cells of 16 buckets: within one, values count alike.
func (e *Scaling) survive(f func(step) bool) {
	errors := e.errors()
	s := step{survival: 1}
	plain := &e.all
	atRisk, greenwood, n := 0.0, 0.0, float64(e.seen.count+e.seen.censored-e.seen.found)
	for _, c := range plain.cells {
		atRisk += c.ended + c.cut
	}
	at := -1
	var ended, cut float64 // what a value of the cell counts
	e.seen.each(func(b int, count, censored, found int64) bool {
		censored -= found
		if count+censored == 0 {
			return true
		}
		number := int32(b >> cellBits)
		if at < 0 || plain.cells[at].number != number {
			for at++; plain.cells[at].number < number; at++ {
			}
			ended, cut = e.perValue(at)
		}
		d, c := float64(float64(count)*ended), float64(float64(censored)*cut)
		if count > 0 {
			s.bucket = b
			if atRisk-d <= float64(atRisk*roundOff) || n <= float64(count) {
				s.survival = 0
			} else {
				s.survival *= (atRisk - d) / atRisk
				greenwood += float64(count) / (n * (n - float64(count)))
			}
			s.error = math.Sqrt(max(greenwood, errors[at]))
			if !f(s) {
				return false
			}
		}
		atRisk -= d + c
		n -= float64(count + censored)
		return true
	})
}

// perValue is what a measured and a censored value of a cell count on average.
func (e *Scaling) perValue(at int) (ended, cut float64) {
	c := &e.all.cells[at]
	first := int(c.number) << cellBits
	var count, censored int64
	for b := first; b < first+1<<cellBits; b++ {
		if p := e.seen.pages[b>>subBits]; p != nil {
			i := b & (subBuckets - 1)
			count += p.count[i]
			censored += p.censored[i] - p.foundAt(i)
		}
	}
	if count > 0 {
		ended = c.ended / float64(count)
	}
	if censored > 0 {
		cut = c.cut / float64(censored)
	}
	return ended, cut
}

// errors are, by cell, the variance of the logarithm of the survival after the cell, with windows as
// what is drawn at random: each batch's influence on it is the sum of what ended in it less what
// would have ended in it if it was like all (Z. Ying and L. J. Wei, Journal of Multivariate Analysis
// 50 (1994) 17).
func (e *Scaling) errors() []float64 {
	out := make([]float64, len(e.all.cells))
	atRisk, influence := make([]float64, len(e.batches)), make([]float64, len(e.batches))
	all := 0.0
	for i := range e.batches {
		for _, c := range e.batches[i].cells {
			atRisk[i] += c.ended + c.cut
		}
		all += atRisk[i]
	}
	next := make([]int, len(e.batches)) // the cell that comes
	for at, c := range e.all.cells {
		for i := range e.batches {
			var own cell
			if cells := e.batches[i].cells; next[i] < len(cells) && cells[next[i]].number == c.number {
				own = cells[next[i]]
				next[i]++
			}
			influence[i] += (own.ended - float64(atRisk[i]*c.ended)/all) / all
			atRisk[i] -= own.ended + own.cut
		}
		out[at] = e.variance(func(i int) float64 { return influence[i] })
		all = max(all-c.ended-c.cut, math.SmallestNonzeroFloat64)
	}
	return out
}

// Quantile is a quantile of the whole's durations, of those that began in it, with its confidence
// interval. Where too many of the longest were cut by the ends of windows it is not defined, and
// least is what it is at least.
func (e *Scaling) Quantile(q Quantile, confidence float64) (value int64, defined bool, in Interval, least int64) {
	left, reach := q.left()+roundOff, e.reach(confidence)
	e.survive(func(s step) bool {
		spread := math.Exp(float64(reach * s.error))
		low, high := s.survival/spread, min(1, s.survival*spread)
		if s.survival == 0 {
			low, high = 0, math.NaN()
		}
		if !in.LoDefined && low <= left {
			in.Lo, in.LoDefined = e.seen.lower(s.bucket), true
		}
		if !defined && s.survival <= left {
			value, defined = e.seen.upper(s.bucket), true
		}
		if !in.HiDefined && high <= left {
			in.Hi, in.HiDefined = e.seen.upper(s.bucket), true
		}
		return !in.HiDefined
	})
	if !defined {
		least = e.longest()
	}
	return value, defined, in, least
}

// longest is up to where the whole is known: what the longest value lasted at least.
func (e *Scaling) longest() (lo int64) {
	e.seen.each(func(b int, count, censored, found int64) bool {
		if count+censored > found {
			lo, _ = Bounds(b)
		}
		return true
	})
	return lo
}

// Percentiles are quantiles of the whole, in the order of the list, with their intervals.
func (e *Scaling) Percentiles(list []Quantile, confidence float64) ([]Percentile, []Interval) {
	out, intervals := make([]Percentile, len(list)), make([]Interval, len(list))
	for i, q := range list {
		out[i].Name = q.Name
		v, defined, in, least := e.Quantile(q, confidence)
		intervals[i] = in
		if defined {
			out[i].NS = &v
		} else if e.seen.count+e.seen.censored > e.seen.found {
			out[i].AtLeastNS = &least
		}
	}
	return slices.Clip(out), intervals
}
