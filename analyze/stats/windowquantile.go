package stats

import (
	"cmp"
	"math"
	"slices"
)

// step is the estimate of the whole just after a bucket.
type step struct {
	bucket   int
	survival float64 // the estimated share of values that are longer
	error    float64 // the standard error of log(survival)
}

// survive walks the steps until f says false. Within a cell values count alike.
func (e *Scaling) survive(f func(step) bool) {
	of, all := e.wholes()
	errors, began := e.errors(of, all), float64(e.seen.count+e.seen.censored-e.seen.found)
	at, value, share := -1, 0.0, 0.0
	e.seen.each(func(b int, count, _, _ int64) bool {
		if lo, _ := Bounds(b); lo > e.horizon {
			return false
		}
		if count == 0 {
			return true
		}
		if number := int32(b >> cellBits); at < 0 || e.all.cells[at].number != number {
			for at++; e.all.cells[at].number < number; at++ {
			}
			value = e.perValue(at) / all
		}
		share += float64(value * float64(count))
		s := step{bucket: b, survival: max(1-share, 0)}
		if s.survival < 1/(2*all) {
			s.survival = 0
		}
		s.error = math.Sqrt(max(share*s.survival/began, errors[at])) / s.survival
		return f(s)
	})
}

// wholes are what shares are of, by batch and in all: the values that began. Where none was seen to
// last for half as long as could be seen, all of them end, and those that ended are taken for it: that
// their sum happens to be a little less is not the share of long ones.
func (e *Scaling) wholes() (of []float64, all float64) {
	short := e.Short()
	for i := range e.batches {
		b := &e.batches[i]
		n := b.count
		if short {
			n = 0
			for _, c := range b.cells {
				n += c.ended
			}
		}
		of, all = append(of, n), all+n
	}
	return of, all
}

// Short says that no value was seen to last for half as long as windows could show.
func (e *Scaling) Short() bool { return max(e.seen.max, e.seen.censMax) < e.horizon/2 }

// perValue is what a measured value of a cell counts on average.
func (e *Scaling) perValue(at int) float64 {
	c := &e.all.cells[at]
	first := int(c.number) << cellBits
	var count int64
	for b := first; b < first+1<<cellBits; b++ {
		if p := e.seen.pages[b>>subBits]; p != nil {
			count += p.count[b&(subBuckets-1)]
		}
	}
	return c.ended / float64(max(1, count))
}

// errors are, by cell, the variance of the share of values up to it, with windows as what is drawn at
// random.
func (e *Scaling) errors(of []float64, whole float64) []float64 {
	out := make([]float64, len(e.all.cells))
	ended := make([]float64, len(e.batches))
	next := make([]int, len(e.batches)) // the cell that comes
	all := 0.0
	for at, c := range e.all.cells {
		for i := range e.batches {
			if cells := e.batches[i].cells; next[i] < len(cells) && cells[next[i]].number == c.number {
				ended[i] += cells[next[i]].ended
				next[i]++
			}
		}
		all += c.ended
		share := all / whole
		out[at] = e.variance(func(i int) float64 { return ended[i] - float64(share*of[i]) }) / square(whole)
	}
	return out
}

// Quantile is a quantile of the whole's durations, of those that began in it, with its confidence
// interval. Where too many of the longest were cut by the ends of windows it is not defined; least is
// what it is at least.
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
	e.fewSeen(q, confidence, &in)
	if least = e.longest(); in.LoDefined {
		least = min(least, in.Lo)
	}
	return value, defined, in, least
}

// fewSeen makes an interval reach as far as that of order statistics, which few values need.
func (e *Scaling) fewSeen(q Quantile, confidence float64, in *Interval) {
	lo, hi := orderRanks(e.seen.count, q, confidence)
	if in.LoDefined = in.LoDefined && lo > 0; in.LoDefined {
		in.Lo = min(in.Lo, e.seen.lower(e.seen.atRank(lo)))
	}
	if in.HiDefined = in.HiDefined && hi > 0; in.HiDefined {
		in.Hi = max(in.Hi, e.seen.upper(e.seen.atRank(hi)))
	}
}

// longest is up to where the whole is known: what the longest value lasted at least.
func (e *Scaling) longest() (longest int64) {
	e.seen.each(func(b int, count, censored, found int64) bool {
		lo, _ := Bounds(b)
		if count+censored > found && lo <= e.horizon {
			longest = lo
		}
		return lo <= e.horizon
	})
	return longest
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
	ascend(list, out)
	return slices.Clip(out), intervals
}

// ascend makes what an undefined quantile is at least no less than what a lower one is: the ends of
// intervals are further down than the estimates.
func ascend(list []Quantile, out []Percentile) {
	for i := range out {
		if out[i].AtLeastNS == nil {
			continue
		}
		least := *out[i].AtLeastNS
		for j := range out {
			if lower := cmp.Or(out[j].NS, out[j].AtLeastNS); lower != nil && list[j].PPM < list[i].PPM {
				least = max(least, *lower)
			}
		}
		out[i].AtLeastNS = &least
	}
}
