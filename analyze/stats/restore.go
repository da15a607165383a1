package stats

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Exact is what a histogram knows beside its rows, in the unit of its values; a figure of nothing
// is 0.
type Exact struct{ Sum, CensoredSum, Min, Max, CensoredMax int64 }

// Exact is what the histogram knows of its values beside the buckets.
func (h *Histogram) Exact() Exact {
	return Exact{Sum: h.sum, CensoredSum: h.censSum, Min: h.min, Max: h.max, CensoredMax: h.censMax}
}

// Restore makes a histogram again from its rows and exact figures; of a row, only the bucket and
// the counts are read. It refuses rows that no histogram has and figures that the rows contradict,
// so that they may come from a file that nobody vouches for.
func Restore(rows []Row, e Exact) (*Histogram, error) {
	h := &Histogram{sum: e.Sum, censSum: e.CensoredSum, min: e.Min, max: e.Max, censMax: e.CensoredMax}
	measured := extent{smallest: e.Min, largest: e.Max, pinned: true}
	censored := extent{largest: e.CensoredMax}
	last := -1
	for i, r := range rows {
		if err := checkRow(r, last); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		last = r.Bucket
		h.restoreRow(r)
		measured.take(r.Bucket, r.Count)
		censored.take(r.Bucket, r.Censored)
		if h.count < 0 || h.censored < 0 || h.count > math.MaxInt64-h.censored {
			return nil, fmt.Errorf("row %d: the counts add up to more than 63 bits", i)
		}
	}
	if err := measured.check(e.Sum); err != nil {
		return nil, fmt.Errorf("measured values: %w", err)
	}
	if err := censored.check(e.CensoredSum); err != nil {
		return nil, fmt.Errorf("censored values: %w", err)
	}
	return h, nil
}

func checkRow(r Row, last int) error {
	switch {
	case r.Bucket < 0 || r.Bucket >= NumBuckets:
		return fmt.Errorf("there is no bucket %d", r.Bucket)
	case r.Bucket <= last:
		return fmt.Errorf("bucket %d comes after bucket %d", r.Bucket, last)
	case r.Count < 0 || r.Censored < 0 || r.Found < 0:
		return errors.New("a count is negative")
	case r.Found > r.Censored:
		return errors.New("more were found going on than were censored")
	case r.Count == 0 && r.Censored == 0:
		return errors.New("the bucket is empty")
	}
	return nil
}

// restoreRow counts a row. A total that overflows gets negative.
func (h *Histogram) restoreRow(r Row) {
	p, at := h.page(r.Bucket), r.Bucket&(subBuckets-1)
	p.count[at], p.censored[at] = r.Count, r.Censored
	if r.Found > 0 {
		p.addFound(at, r.Found)
		h.found += r.Found
	}
	h.count += r.Count
	h.censored += r.Censored
}

// extent is what the buckets of some values say of the exact figures: which buckets the smallest
// and the largest value are in, and between what the sum lies.
type extent struct {
	smallest, largest int64 // the exact figures
	pinned            bool  // the smallest is an exact figure, not just a bound
	first, last       int   // buckets
	count             int64
	least, most       uint64 // of the sum if no value is known exactly; the largest uint64 stands for itself and more
}

func (x *extent) take(bucket int, count int64) {
	if count == 0 {
		return
	}
	if x.count == 0 {
		x.first = bucket
	}
	x.last = bucket
	x.count += count
	lo, hi := Bounds(bucket)
	x.least = saturated(x.least, uint64(count), uint64(max(lo, x.smallest)))
	x.most = saturated(x.most, uint64(count), uint64(min(hi, x.largest)))
}

// saturated is sum + count·value, or the largest uint64 if that is larger.
func saturated(sum, count, value uint64) uint64 {
	over, product := bits.Mul64(count, value)
	sum, carry := bits.Add64(sum, product, 0)
	if over != 0 || carry != 0 {
		return math.MaxUint64
	}
	return sum
}

// check says what of the exact figures the buckets contradict.
func (x *extent) check(sum int64) error {
	if x.count == 0 && (sum != 0 || x.smallest != 0 || x.largest != 0) {
		return errors.New("there are none, but they have a sum or an extreme")
	}
	if sum < 0 || x.smallest < 0 || x.largest < 0 {
		return errors.New("a figure is negative")
	}
	if x.count > 0 && (Bucket(x.largest) != x.last || x.pinned && Bucket(x.smallest) != x.first) {
		return errors.New("an extreme is not in the outermost bucket")
	}
	if least, most := x.sums(); uint64(sum) < least || uint64(sum) > most {
		return fmt.Errorf("no values of these buckets have the sum %d", sum)
	}
	return nil
}

// sums are the smallest and the largest sum of values of which one is the largest and, if it is
// known, one the smallest.
func (x *extent) sums() (least, most uint64) {
	if x.count == 0 {
		return 0, 0
	}
	lo, _ := Bounds(x.last)
	least = saturated(x.least, 1, uint64(x.largest-max(lo, x.smallest)))
	if !x.pinned {
		return least, x.most
	}
	_, hi := Bounds(x.first)
	return least, x.most - uint64(min(hi, x.largest)-x.smallest)
}
