package stats

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRestoreIsTheInverseOfRows(t *testing.T) {
	check := func(name string, h *Histogram) {
		rows := h.Rows()
		for i := range rows {
			rows[i].Lo, rows[i].Hi = -1, -1 // not read
		}
		if got, err := Restore(rows, h.Exact()); err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%s: restored otherwise, error %v", name, err)
		}
	}
	check("nothing", new(Histogram))
	check("zeros", histogramOf([]int64{0, 0}))
	check("the largest value", histogramOf([]int64{math.MaxInt64}))
	check("aml", maintained.histogram())
	check("only cut", sample{cut: []int64{4, 1 << 40}}.histogram())
	for seed := range uint64(200) {
		var s sample
		for i, v := range makeDurations(seed, int(1+seed)) { // at most 200·2⁵⁴, which fits
			if i%3 == 0 {
				s.cut = append(s.cut, v>>9)
			} else {
				s.ended = append(s.ended, v>>9)
			}
		}
		check("random", s.histogram())
	}
}

func TestRestoreRefusesWhatNoHistogramHas(t *testing.T) {
	row := func(bucket int, count, censored int64) Row {
		return Row{Bucket: bucket, Count: count, Censored: censored}
	}
	for _, c := range []struct {
		name string
		rows []Row
		e    Exact
		want string // "" for what is allowed
	}{
		{"values 3, 506, 1000 to 1003 and a cut 2,000", []Row{row(3, 1, 0), row(381, 1, 0), row(506, 2, 0),
			row(634, 0, 1)}, Exact{Sum: 3 + 506 + 1000 + 1003, CensoredSum: 2000, Min: 3, Max: 1003, CensoredMax: 2000},
			""},
		{"a bucket below none", []Row{row(-1, 1, 0)}, Exact{}, "row 0: there is no bucket -1"},
		{"a bucket above all", []Row{row(0, 1, 0), row(NumBuckets, 1, 0)}, Exact{}, "row 1: there is no bucket"},
		{"a bucket twice", []Row{row(5, 1, 0), row(5, 1, 0)}, Exact{Sum: 10, Min: 5, Max: 5},
			"row 1: bucket 5 comes after bucket 5"},
		{"descending", []Row{row(5, 1, 0), row(4, 1, 0)}, Exact{Sum: 9, Min: 4, Max: 5},
			"row 1: bucket 4 comes after bucket 5"},
		{"a negative count", []Row{row(5, -1, 0)}, Exact{}, "row 0: a count is negative"},
		{"a negative count of cut values", []Row{row(5, 1, -1)}, Exact{Sum: 5, Min: 5, Max: 5},
			"row 0: a count is negative"},
		{"an empty row", []Row{row(5, 0, 0)}, Exact{}, "row 0: the bucket is empty"},
		{"counts beyond 63 bits", []Row{row(0, math.MaxInt64, 0), row(1, 1, 0)}, Exact{Sum: 1, Max: 1},
			"row 1: the counts add up"},
		{"counts of cut values beyond 63 bits", []Row{row(0, 0, math.MaxInt64), row(1, 0, math.MaxInt64)},
			Exact{CensoredMax: 1}, "row 1: the counts add up"},
		{"counts beyond 63 bits together", []Row{row(0, math.MaxInt64, 1)}, Exact{}, "row 0: the counts add up"},
		{"a sum of nothing", nil, Exact{Sum: 1}, "measured values: there are none"},
		{"a maximum of nothing", []Row{row(5, 0, 1)}, Exact{Max: 5, CensoredSum: 5, CensoredMax: 5},
			"measured values: there are none"},
		{"a sum of no cut values", []Row{row(5, 1, 0)}, Exact{Sum: 5, Min: 5, Max: 5, CensoredSum: 1},
			"censored values: there are none"},
		{"a minimum below its bucket", []Row{row(5, 1, 0), row(7, 1, 0)}, Exact{Sum: 12, Min: 4, Max: 7},
			"measured values: an extreme"},
		{"a minimum above its bucket", []Row{row(5, 1, 0), row(7, 1, 0)}, Exact{Sum: 12, Min: 6, Max: 7},
			"measured values: an extreme"},
		{"a maximum outside its bucket", []Row{row(5, 1, 0), row(7, 1, 0)}, Exact{Sum: 12, Min: 5, Max: 8},
			"measured values: an extreme"},
		{"a cut maximum outside its bucket", []Row{row(5, 0, 1)}, Exact{CensoredSum: 5, CensoredMax: 6},
			"censored values: an extreme"},
		{"a negative minimum in the bucket of zero", []Row{row(0, 1, 0)}, Exact{Min: -1},
			"measured values: a figure is negative"},
		{"a negative cut maximum", []Row{row(0, 0, 1)}, Exact{CensoredMax: -1},
			"censored values: a figure is negative"},
		{"a negative sum", []Row{row(0, 1, 0)}, Exact{Sum: -1}, "measured values: a figure is negative"},
		{"one value with two extremes", []Row{row(506, 1, 0)}, Exact{Sum: 1001, Min: 1000, Max: 1002},
			"have the sum 1001"},
		{"one value with another sum", []Row{row(506, 1, 0)}, Exact{Sum: 1001, Min: 1000, Max: 1000},
			"have the sum 1001"},
		{"a minimum above the maximum in one bucket", []Row{row(506, 2, 0)}, Exact{Sum: 2002, Min: 1002, Max: 1000},
			"have the sum 2002"},
		{"three values of 1000 to 1003, the least sum", []Row{row(506, 3, 0)}, Exact{Sum: 3003, Min: 1000, Max: 1003},
			""},
		{"three values of 1000 to 1003, below the least sum", []Row{row(506, 3, 0)}, Exact{Sum: 3002, Min: 1000,
			Max: 1003}, "have the sum 3002"},
		{"three values of 1000 to 1003, the largest sum", []Row{row(506, 3, 0)}, Exact{Sum: 3006, Min: 1000, Max: 1003},
			""},
		{"three values of 1000 to 1003, above the largest sum", []Row{row(506, 3, 0)}, Exact{Sum: 3007, Min: 1000,
			Max: 1003}, "have the sum 3007"},
		{"two cut values, below the least sum", []Row{row(506, 0, 2)}, Exact{CensoredSum: 2001, CensoredMax: 1002},
			"have the sum 2001"},
		{"two cut values, the least sum", []Row{row(506, 0, 2)}, Exact{CensoredSum: 2002, CensoredMax: 1002}, ""},
		{"two cut values, the largest sum", []Row{row(506, 0, 2)}, Exact{CensoredSum: 2004, CensoredMax: 1002}, ""},
		{"two cut values, above the largest sum", []Row{row(506, 0, 2)}, Exact{CensoredSum: 2005, CensoredMax: 1002},
			"have the sum 2005"},
		{"a sum beyond 63 bits", []Row{row(NumBuckets-1, 2, 0)}, Exact{Sum: math.MaxInt64, Min: math.MaxInt64,
			Max: math.MaxInt64}, "have the sum"},
		{"a sum beyond 64 bits", []Row{row(NumBuckets-1, math.MaxInt64, 0)}, Exact{Sum: math.MaxInt64,
			Min: math.MaxInt64, Max: math.MaxInt64}, "have the sum"},
	} {
		h, err := Restore(c.rows, c.e)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || h != nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestRestoreRefusesExactlyTheImpossibleSums tries all sums against all values that two or three
// values of a few buckets can have.
func TestRestoreRefusesExactlyTheImpossibleSums(t *testing.T) {
	possible := map[string]map[int64]bool{}
	key := func(h *Histogram) string {
		var b strings.Builder
		for _, r := range h.Rows() {
			b.WriteString(strings.Repeat(string(rune(r.Bucket)), int(r.Count)))
		}
		return b.String() + string(rune(h.Min())) + string(rune(h.Max()))
	}
	var all []*Histogram
	for a := int64(508); a < 520; a++ {
		for b := a; b < 520; b++ {
			for c := b; c < 520; c++ {
				h := histogramOf([]int64{a, b, c})
				if possible[key(h)] == nil {
					possible[key(h)] = map[int64]bool{}
					all = append(all, h)
				}
				possible[key(h)][a+b+c] = true
			}
		}
	}
	for _, h := range all {
		for sum := int64(1500); sum < 1570; sum++ {
			e := h.Exact()
			e.Sum = sum
			if _, err := Restore(h.Rows(), e); (err == nil) != possible[key(h)][sum] {
				t.Fatalf("%+v with %+v: error %v, want one: %v", h.Rows(), e, err, !possible[key(h)][sum])
			}
		}
	}
}

// rowsOf reads rows and exact figures out of any bytes.
func rowsOf(data []byte) (rows []Row, e Exact) {
	next := func() (v int64) {
		v, n := binary.Varint(data)
		data = data[max(n, min(1, len(data))):]
		return v
	}
	e = Exact{next(), next(), next(), next(), next()}
	bucket := 0
	for len(data) > 0 {
		bucket += int(next())
		rows = append(rows, Row{Bucket: bucket, Count: next(), Censored: next()})
	}
	return rows, e
}

// bytesOf is the inverse of rowsOf.
func bytesOf(h *Histogram) (data []byte) {
	for _, v := range []int64{h.Sum(), h.CensoredSum(), h.Min(), h.Max(), h.CensoredMax()} {
		data = binary.AppendVarint(data, v)
	}
	bucket := 0
	for _, r := range h.Rows() {
		data = binary.AppendVarint(data, int64(r.Bucket-bucket))
		data = binary.AppendVarint(data, r.Count)
		data = binary.AppendVarint(data, r.Censored)
		bucket = r.Bucket
	}
	return data
}

func FuzzRestore(f *testing.F) {
	for _, h := range []*Histogram{new(Histogram), maintained.histogram(), nonmaintained.histogram(), huge(f, 0),
		huge(f, 1000), histogramOf([]int64{1, 1 << 40, 1 << 61})} {
		f.Add(bytesOf(h))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, e := rowsOf(data)
		h, err := Restore(rows, e)
		if err != nil {
			return
		}
		for i := range rows {
			rows[i].Lo, rows[i].Hi = Bounds(rows[i].Bucket)
		}
		if !slices.Equal(h.Rows(), rows) || h.Exact() != e {
			t.Fatalf("%+v and %+v are restored as %+v and %+v", rows, e, h.Rows(), h.Exact())
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for _, permille := range []int{1, 500, 999} {
			q, defined := h.Quantile(perMille(permille))
			in := h.Interval(perMille(permille), 0.95)
			v, ok := h.Redrawer(perMille(permille))(rng)
			if defined && outside(h, q) || ok && outside(h, v) || in.LoDefined && outside(h, in.Lo) ||
				in.HiDefined && outside(h, in.Hi) {
				t.Fatalf("%d‰ of %+v, %+v: %d, %+v, drawn %d", permille, rows, e, q, in, v)
			}
		}
	})
}

func outside(h *Histogram, v int64) bool { return v < h.Min() || v > h.Max() }

func TestFuzzSeedsAreAccepted(t *testing.T) {
	for _, h := range []*Histogram{maintained.histogram(), huge(t, 1000)} {
		rows, e := rowsOf(bytesOf(h))
		if got, err := Restore(rows, e); err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("a seed of the fuzz test is refused: %v", err)
		}
	}
}
