package stats

import "fmt"

// Exact is what a histogram knows of its values beside the buckets.
type Exact struct{ Sum, CensoredSum, Min, Max, CensoredMax int64 }

// Exact is what the histogram knows of its values beside the buckets.
func (h *Histogram) Exact() Exact { return Exact{h.sum, h.censSum, h.min, h.max, h.censMax} }

// Restore makes the histogram that has these rows and exact figures. It is an error if none can have them.
func Restore(rows []Row, e Exact) (*Histogram, error) {
	h := &Histogram{sum: e.Sum, censSum: e.CensoredSum, min: e.Min, max: e.Max, censMax: e.CensoredMax}
	last := -1
	for _, r := range rows {
		if r.Bucket <= last || r.Bucket >= NumBuckets || r.Count < 0 || r.Censored < 0 || r.Count|r.Censored == 0 {
			return nil, fmt.Errorf("bucket %d with %d values and %d cut ones does not follow bucket %d", r.Bucket, r.Count, r.Censored, last)
		}
		last = r.Bucket
		p := h.page(r.Bucket)
		p.count[r.Bucket&(subBuckets-1)], p.censored[r.Bucket&(subBuckets-1)] = r.Count, r.Censored
		h.count += r.Count
		h.censored += r.Censored
	}
	if h.count < 0 || h.censored < 0 || e.Min < 0 || e.Max < e.Min || e.CensoredMax < 0 || e.Sum < 0 || e.CensoredSum < 0 {
		return nil, fmt.Errorf("no values have the sums %d and %d between %d and %d", e.Sum, e.CensoredSum, e.Min, e.Max)
	}
	return h, nil
}

// Octave is the number of the octave that a bucket is in. A histogram takes 2 kB for each octave that is not empty.
func Octave(bucket int) int { return bucket >> subBits }
