package summary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format/buckets"
)

// fileOf is a summary file of one recording "a" with these rows.
func fileOf(t *testing.T, info string, rows ...buckets.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	err := buckets.Write(&b, []buckets.Recording{{Name: "a", Info: json.RawMessage(info)}},
		func(_ int, add func(*buckets.Row) error) error {
			for i := range rows {
				if err := add(&rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRowsThatNoWriterWritesAreRefused(t *testing.T) {
	row := func(change func(*buckets.Row)) buckets.Row {
		r := buckets.EmptyRow
		r.Recording, r.Measure, r.GroupedBy, r.Name = "a", "wait", "reason", "sleep"
		change(&r)
		return r
	}
	head := row(func(r *buckets.Row) {
		r.SumNS, r.CensoredSumNS, r.MinNS, r.MaxNS, r.CensoredMaxNS, r.Broken, r.IdleNS = 5, 0, 5, 5, 0, 0, 0
	})
	bucket := row(func(r *buckets.Row) { r.Bucket, r.LoNS, r.HiNS, r.Count, r.Censored = 5, 5, 5, 1, 0 })
	pair := row(func(r *buckets.Row) { r.GroupedBy, r.Count, r.SumNS = "pair", 1, 1 })
	with := func(r buckets.Row, change func(*buckets.Row)) buckets.Row { change(&r); return r }
	longest := func(r buckets.Row) buckets.Row {
		return with(r, func(r *buckets.Row) {
			switch {
			case r.Bucket != buckets.Null:
				r.Bucket = stats.NumBuckets - 1
				r.LoNS, r.HiNS = stats.Bounds(stats.NumBuckets - 1)
			case r.Count != buckets.Null:
				r.SumNS = math.MaxInt64
			default:
				r.SumNS, r.MinNS, r.MaxNS = math.MaxInt64, math.MaxInt64, math.MaxInt64
			}
		})
	}
	named := func(r buckets.Row) buckets.Row { return with(r, func(r *buckets.Row) { r.Name = "sleeq" }) }
	for _, test := range []struct {
		name string
		info string
		rows []buckets.Row
	}{
		{"a recording that is not there", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.Recording = "b" })}},
		{"a bucket without a group", `{}`, []buckets.Row{bucket}},
		{"a bucket of another group", `{}`,
			[]buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Name = "select" })}},
		{"a bucket twice", `{}`, []buckets.Row{head, bucket, bucket}},
		{"a bucket out of range", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Bucket = 1 << 40 })}},
		{"a bucket with other bounds", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.HiNS = 6 })}},
		{"a bucket without a count", `{}`,
			[]buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Count = buckets.Null })}},
		{"a group twice", `{}`, []buckets.Row{head, bucket, head, bucket}},
		{"a group without its figures", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.MinNS = buckets.Null }),
			bucket}},
		{"causes that are no list", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.Causes = "{}" })}},
		{"more causes than a site has", `{}`,
			[]buckets.Row{with(head, func(r *buckets.Row) { r.Causes = "[{},{},{},{},{},{}]" }), bucket}},
		{"more time for work than time", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.IdleNS = 6 }),
			bucket}},
		{"time that overflows", `{}`,
			[]buckets.Row{with(longest(head), func(r *buckets.Row) { r.CensoredSumNS, r.CensoredMaxNS = 5, 5 }),
				with(bucket, func(r *buckets.Row) { r.Count, r.Censored = 0, 1 }), longest(bucket)}},
		{"time of several groups that overflows", `{}`, []buckets.Row{longest(head), longest(bucket), pair, named(head),
			named(bucket)}},
		{"time of several pairs that overflows", `{}`, []buckets.Row{longest(pair), named(pair)}},
		{"a pair twice", `{}`, []buckets.Row{pair, pair}},
		{"a pair without a count", `{}`, []buckets.Row{with(pair, func(r *buckets.Row) { r.Count = buckets.Null })}},
		{"metadata of another sort", `{"events":"many"}`, []buckets.Row{head, bucket}},
	} {
		b := fileOf(t, test.info, test.rows...)
		_, err := Read(bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, buckets.ErrCorrupt) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for _, rows := range [][]buckets.Row{{head, bucket, pair}, {longest(head), longest(bucket), longest(pair)}} {
		b := fileOf(t, `{}`, rows...)
		if _, err := Read(bytes.NewReader(b), int64(len(b))); err != nil {
			t.Errorf("what a writer writes: %v", err)
		}
	}
}

// TestSmallFilesThatWouldTakeMuchMemoryAreRefused writes files of some kB: a recording of many
// groups, of groups and of pairs with long texts, of buckets far apart, and one with a long list in
// its Info.
func TestSmallFilesThatWouldTakeMuchMemoryAreRefused(t *testing.T) {
	group := func(n int) buckets.Row {
		r := buckets.EmptyRow
		r.Recording, r.Measure, r.GroupedBy, r.Name = "a", "wait", "entry", fmt.Sprintf("%07d", n)
		r.SumNS, r.CensoredSumNS, r.MinNS, r.MaxNS, r.CensoredMaxNS, r.Broken, r.IdleNS = 0, 0, 0, 0, 0, 1, 0
		return r
	}
	long := strings.Repeat(" ", buckets.MaxTextBytes-2)
	for name, rows := range map[string]func(yield func(buckets.Row) bool){
		"groups": func(yield func(buckets.Row) bool) {
			for n := 0; n < 250_000 && yield(group(n)); n++ {
			}
		},
		"texts": func(yield func(buckets.Row) bool) {
			for n := range 5000 {
				r := group(n)
				if r.Causes = "[" + long + "]"; !yield(r) {
					return
				}
			}
		},
		"buckets": func(yield func(buckets.Row) bool) {
			for n := range 4000 {
				r := group(n)
				r.SumNS, r.MaxNS, r.MinNS = 1<<40-1, 1<<39, 1
				if !yield(r) {
					return
				}
				for octave := range 40 {
					b := buckets.EmptyRow
					b.Recording, b.Measure, b.GroupedBy, b.Name = r.Recording, r.Measure, r.GroupedBy, r.Name
					b.Bucket, b.Count, b.Censored = int64(stats.Bucket(1<<octave)), 1, 0
					b.LoNS, b.HiNS = stats.Bounds(int(b.Bucket))
					if !yield(b) {
						return
					}
				}
			}
		},
		"pairs": func(yield func(buckets.Row) bool) {
			for n := range 5000 {
				r := buckets.EmptyRow
				r.Recording, r.Measure, r.GroupedBy, r.Name, r.Waker, r.Count, r.SumNS = "a", "wait", "pair",
					fmt.Sprintf("%07d", n), long, 1, 1
				if !yield(r) {
					return
				}
			}
		},
	} {
		b := fileOf(t, `{}`, slices.Collect(rows)...)
		if _, err := Read(bytes.NewReader(b), int64(len(b))); !errors.Is(err, errMemory) {
			t.Errorf("%s in %d bytes: %v", name, len(b), err)
		}
	}
	b := fileOf(t, `{"leaks":[{}`+strings.Repeat(",{}", 1_500_000)+"]}")
	if _, err := Read(bytes.NewReader(b), int64(len(b))); !errors.Is(err, errMemory) {
		t.Errorf("leaks in %d bytes: %v", len(b), err)
	}
}

// TestWhatCouldNotBeReadIsNotWritten checks that a writer knows the bound.
func TestWhatCouldNotBeReadIsNotWritten(t *testing.T) {
	run := new(Recording)
	for n := range maxMemory/groupBytes + 1 {
		run.Groups = append(run.Groups, Group{Key: Key{Measure: MeasureWait, By: ByEntry, Name: fmt.Sprintf("%07d", n)},
			Broken: 1})
	}
	if err := Write(io.Discard, []*Recording{run}); !errors.Is(err, errMemory) {
		t.Errorf("the error is %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, of(f, simsched.New(simsched.Config{Events: 300, Threads: true}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		recordings, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		back := read(t, written(t, recordings...))
		same(t, "what was read, written and read", back, recordings)
	})
}
