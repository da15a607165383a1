package stats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
)

func TestBucketsAreContiguousAndNarrow(t *testing.T) {
	next := int64(0)
	for b := range NumBuckets {
		lo, hi := Bounds(b)
		if lo != next {
			t.Fatalf("bucket %d begins at %d, the one before ended before %d", b, lo, next)
		}
		if Bucket(lo) != b || Bucket(hi) != b {
			t.Fatalf("bucket %d is [%d, %d], but these are in buckets %d and %d", b, lo, hi, Bucket(lo), Bucket(hi))
		}
		if hi-lo > lo/128 {
			t.Fatalf("bucket %d, [%d, %d], is wider than 1/128", b, lo, hi)
		}
		next = hi + 1
	}
	if next != math.MinInt64 {
		t.Errorf("the last bucket ends before %d, not at the largest int64", next)
	}
}

// TestBucketIsTheShiftRuleThatSQLRepeats checks the code against the rule as it is documented for
// engines without bits.Len64.
func TestBucketIsTheShiftRuleThatSQLRepeats(t *testing.T) {
	rule := func(v int64) int {
		length := 0
		for x := v; x > 0; x /= 2 {
			length++
		}
		shift := max(length-8, 0)
		return shift*128 + int(v>>shift)
	}
	for v := range int64(5000) {
		if Bucket(v) != rule(v) {
			t.Fatalf("Bucket(%d) = %d, the rule says %d", v, Bucket(v), rule(v))
		}
	}
	if err := quick.CheckEqual(func(v int64) int { return Bucket(v & math.MaxInt64) },
		func(v int64) int { return rule(v & math.MaxInt64) }, nil); err != nil {
		t.Error(err)
	}
}

// makeDurations makes durations over all octaves.
func makeDurations(seed uint64, n int) []int64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	out := make([]int64, n)
	for i := range out {
		out[i] = rng.Int64() >> rng.IntN(63)
	}
	return out
}

func histogramOf(values []int64) *Histogram {
	h := new(Histogram)
	for _, v := range values {
		h.Add(v)
	}
	return h
}

func TestQuantileIsAtMostOneBucketAboveTheNearestRank(t *testing.T) {
	for seed := range uint64(300) {
		values := makeDurations(seed, 1+int(seed*13%700))
		h := histogramOf(values)
		slices.Sort(values)
		for _, permille := range []int{0, 1, 250, 500, 900, 990, 999, 1000} {
			exact, _ := NearestRank(values, perMille(permille))
			got, ok := h.Quantile(perMille(permille))
			if !ok || got < exact || got-exact > exact/128 {
				t.Fatalf("seed %d: %d‰ is %d, %v, by nearest rank %d", seed, permille, got, ok, exact)
			}
			below := 0
			for _, v := range values {
				if v <= got {
					below++
				}
			}
			if below*1000 < len(values)*permille {
				t.Fatalf("seed %d: %d of %d values are ≤ %d, too few for %d‰", seed, below, len(values), got,
					permille)
			}
		}
		if h.Min() != values[0] || h.Max() != values[len(values)-1] {
			t.Fatalf("seed %d: [%d, %d], want [%d, %d]", seed, h.Min(), h.Max(), values[0], values[len(values)-1])
		}
	}
}

func TestNearestRankByHand(t *testing.T) {
	// The textbook example of the nearest-rank method: percentiles of 15, 20, 35, 40, 50
	// (Wikipedia, "Percentile").
	values := []int64{15, 20, 35, 40, 50}
	for permille, want := range map[int]int64{50: 15, 300: 20, 400: 20, 500: 35, 1000: 50} {
		if got, ok := NearestRank(values, perMille(permille)); !ok || got != want {
			t.Errorf("%d‰ of %v is %d, want %d", permille, values, got, want)
		}
	}
	if _, ok := NearestRank(nil, perMille(500)); ok {
		t.Error("the median of nothing is something")
	}
}

func TestMergeIsASum(t *testing.T) {
	for seed := range uint64(50) {
		a, b := makeDurations(seed, 200), makeDurations(seed+1000, 300)
		whole := histogramOf(append(slices.Clone(a), b...))
		ab, ba := histogramOf(a), histogramOf(b)
		cutA, cutB := makeDurations(seed+2000, 20), makeDurations(seed+3000, 30)
		for _, v := range cutA {
			whole.AddCensored(v)
			ab.AddCensored(v)
		}
		for _, v := range cutB {
			whole.AddCensored(v)
			ba.AddCensored(v)
		}
		left, right := new(Histogram), new(Histogram)
		left.Merge(ab)
		left.Merge(ba)
		right.Merge(ba)
		right.Merge(ab)
		for name, h := range map[string]*Histogram{"a+b": left, "b+a": right} {
			if !reflect.DeepEqual(h, whole) {
				t.Fatalf("seed %d: %s is not the histogram of all values", seed, name)
			}
		}
	}
}

func TestAnEmptyHistogramHasNoQuantile(t *testing.T) {
	var h Histogram
	if v, ok := h.Quantile(P50); ok {
		t.Errorf("the median of nothing is %d", v)
	}
	if in := h.Interval(P50, 0.95); in.LoDefined || in.HiDefined {
		t.Errorf("the interval of nothing is %+v", in)
	}
	h.AddCensored(5)
	if v, ok := h.Quantile(P50); ok {
		t.Errorf("the median of one cut value is %d", v)
	}
}

func TestRowsAndOctaves(t *testing.T) {
	h := histogramOf([]int64{0, 1, 5, 6, 7, 40, 1000, 1003})
	h.AddCensored(1 << 12)
	rows := h.Rows()
	want := []Row{{0, 0, 0, 1, 0, 0}, {1, 1, 1, 1, 0, 0}, {5, 5, 5, 1, 0, 0}, {6, 6, 6, 1, 0, 0}, {7, 7, 7, 1, 0, 0},
		{40, 40, 40, 1, 0, 0}, {506, 1000, 1003, 2, 0, 0}, {768, 4096, 4127, 0, 1, 0}}
	if !slices.Equal(rows, want) {
		t.Errorf("rows are %v, want %v", rows, want)
	}
	octaves := Octaves(rows)
	var counts []int64
	for i, o := range octaves {
		counts = append(counts, o.Count)
		if i > 0 && o.Lo != octaves[i-1].Hi+1 {
			t.Errorf("octave %+v does not follow %+v", o, octaves[i-1])
		}
	}
	if !slices.Equal(counts, []int64{1, 1, 0, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}[:len(counts)]) ||
		octaves[len(octaves)-1].Censored != 1 {
		t.Errorf("octaves are %+v", octaves)
	}
}
