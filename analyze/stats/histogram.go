package stats

import (
	"math"
	"math/bits"
)

// Histogram counts durations in log-linear buckets, those that were measured apart from those that
// were censored (on the right: the true duration is at least the value). The zero Histogram is
// empty. It is not safe for concurrent use.
type Histogram struct {
	// what Add changes comes first, near to what the owner has before the histogram: with many
	// histograms in turn each line of cache that Add needs is far away
	count    int64
	sum      int64
	min, max int64 // of the measured values
	censored int64
	censSum  int64
	censMax  int64
	found    int64                          // of censored: see AddFound
	pages    [NumBuckets / subBuckets]*page // nil: nothing in these buckets
}

// page is the counts of the buckets of one octave.
type page struct {
	count    [subBuckets]int64
	censored [subBuckets]int64
	found    *[subBuckets]int64 // of censored; nil: none
}

func (p *page) foundAt(i int) int64 {
	if p.found == nil {
		return 0
	}
	return p.found[i]
}

func (p *page) addFound(i int, n int64) {
	if p.found == nil {
		p.found = new([subBuckets]int64)
	}
	p.found[i] += n
}

// Add counts a measured value. A negative value counts as 0.
func (h *Histogram) Add(v int64) {
	v = max(v, 0)
	b := Bucket(v)
	p := h.pages[b>>subBits]
	if p == nil {
		p = h.page(b)
	}
	p.count[b&(subBuckets-1)]++
	if h.count == 0 || v < h.min {
		h.min = v
	}
	h.max = max(h.max, v)
	h.count++
	h.sum += v
}

// AddCensored counts a value of which is known only that it is at least v.
func (h *Histogram) AddCensored(v int64) {
	v = max(v, 0)
	b := Bucket(v)
	h.page(b).censored[b&(subBuckets-1)]++
	h.censMax = max(h.censMax, v)
	h.censored++
	h.censSum += v
}

// AddFound counts a censored value that was found going on after a time that was not watched: it had
// lasted for an unknown time then, and lasted at least v more. It is a censored value like any other
// but that quantiles take no account of it. The longer a value is the likelier it is found so, and
// how long it went on says less than how long those last whose beginning was seen.
func (h *Histogram) AddFound(v int64) {
	h.AddCensored(v)
	b := Bucket(v)
	h.page(b).addFound(b&(subBuckets-1), 1)
	h.found++
}

func (h *Histogram) page(bucket int) *page {
	p := &h.pages[bucket>>subBits]
	if *p == nil {
		*p = new(page)
	}
	return *p
}

// Merge adds what other counted. Both may be used afterwards.
func (h *Histogram) Merge(other *Histogram) {
	for i, from := range other.pages {
		if from == nil {
			continue
		}
		to := h.page(i << subBits)
		for j := range from.count {
			to.count[j] += from.count[j]
			to.censored[j] += from.censored[j]
			if n := from.foundAt(j); n > 0 {
				to.addFound(j, n)
			}
		}
	}
	if other.count > 0 && (h.count == 0 || other.min < h.min) {
		h.min = other.min
	}
	h.max, h.censMax = max(h.max, other.max), max(h.censMax, other.censMax)
	h.count += other.count
	h.censored += other.censored
	h.found += other.found
	h.sum += other.sum
	h.censSum += other.censSum
}

// Count is the number of measured values.
func (h *Histogram) Count() int64 { return h.count }

// Censored is the number of censored values.
func (h *Histogram) Censored() int64 { return h.censored }

// Found is how many of the censored values were found going on.
func (h *Histogram) Found() int64 { return h.found }

// Sum is the exact sum of the measured values.
func (h *Histogram) Sum() int64 { return h.sum }

// CensoredSum is the exact sum of the censored values, which is the least that their true sum can
// be.
func (h *Histogram) CensoredSum() int64 { return h.censSum }

// Min is the smallest measured value, exact; 0 if there is none.
func (h *Histogram) Min() int64 { return h.min }

// Max is the largest measured value, exact; 0 if there is none.
func (h *Histogram) Max() int64 { return h.max }

// CensoredMax is the largest censored value, exact; 0 if there is none.
func (h *Histogram) CensoredMax() int64 { return h.censMax }

// Row is a bucket that is not empty.
type Row struct {
	Bucket   int   `json:"bucket"`
	Lo       int64 `json:"lo_ns"`
	Hi       int64 `json:"hi_ns"`
	Count    int64 `json:"count"`
	Censored int64 `json:"censored"`
	Found    int64 `json:"found,omitempty"` // of Censored, see AddFound
}

// Rows are the buckets that are not empty, in ascending order.
func (h *Histogram) Rows() []Row {
	var rows []Row
	h.each(func(b int, count, censored, found int64) bool {
		lo, hi := Bounds(b)
		rows = append(rows, Row{b, lo, hi, count, censored, found})
		return true
	})
	return rows
}

// each calls f for the buckets that are not empty, in ascending order, until it says false.
func (h *Histogram) each(f func(bucket int, count, censored, found int64) bool) {
	for i, p := range h.pages {
		if p == nil {
			continue
		}
		for j := range p.count {
			if p.count[j]|p.censored[j] != 0 && !f(i<<subBits+j, p.count[j], p.censored[j], p.foundAt(j)) {
				return
			}
		}
	}
}

// Octaves sums the rows of a histogram into powers of two for display: [0, 1), [1, 2), [2, 4) and
// so on, from the first that is not empty to the last, with the empty ones between.
func Octaves(rows []Row) []Row {
	var out []Row
	for _, r := range rows {
		octave := octaveOf(r.Lo)
		for len(out) == 0 || out[len(out)-1].Bucket < octave {
			next := octave
			if len(out) > 0 {
				next = out[len(out)-1].Bucket + 1
			}
			out = append(out, octaveRow(next))
		}
		last := &out[len(out)-1]
		last.Count += r.Count
		last.Censored += r.Censored
		last.Found += r.Found
	}
	return out
}

func octaveOf(v int64) int { return bits.Len64(uint64(v)) }

func octaveRow(octave int) Row {
	if octave == 0 {
		return Row{}
	}
	lo := int64(1) << (octave - 1)
	if octave == 63 {
		return Row{Bucket: octave, Lo: lo, Hi: math.MaxInt64}
	}
	return Row{Bucket: octave, Lo: lo, Hi: 2*lo - 1}
}
