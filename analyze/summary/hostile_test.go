package summary

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format/buckets"
)

// fileOf is a summary file of one recording "a" with these rows.
func fileOf(t *testing.T, info string, rows ...buckets.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	err := buckets.Write(&b, []buckets.Run{{Name: "a", Info: json.RawMessage(info)}}, func(_ int, add func(*buckets.Row) error) error {
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
		r.Run, r.Metric, r.GroupedBy, r.Name = "a", "wait", "reason", "sleep"
		change(&r)
		return r
	}
	head := row(func(r *buckets.Row) {
		r.SumNS, r.CensoredSumNS, r.MinNS, r.MaxNS, r.CensoredMaxNS, r.Broken = 5, 0, 5, 5, 0, 0
	})
	bucket := row(func(r *buckets.Row) { r.Bucket, r.LoNS, r.HiNS, r.Count, r.Censored = 5, 5, 5, 1, 0 })
	pair := row(func(r *buckets.Row) { r.GroupedBy, r.Count, r.SumNS = "pair", 1, 1 })
	with := func(r buckets.Row, change func(*buckets.Row)) buckets.Row { change(&r); return r }
	for _, test := range []struct {
		name string
		info string
		rows []buckets.Row
	}{
		{"a recording that is not there", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.Run = "b" })}},
		{"a bucket without a group", `{}`, []buckets.Row{bucket}},
		{"a bucket of another group", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Name = "select" })}},
		{"a bucket twice", `{}`, []buckets.Row{head, bucket, bucket}},
		{"a bucket out of range", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Bucket = 1 << 40 })}},
		{"a bucket with other bounds", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.HiNS = 6 })}},
		{"a bucket without a count", `{}`, []buckets.Row{head, with(bucket, func(r *buckets.Row) { r.Count = buckets.Null })}},
		{"a group twice", `{}`, []buckets.Row{head, bucket, head, bucket}},
		{"a group without its figures", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.MinNS = buckets.Null }), bucket}},
		{"causes that are no list", `{}`, []buckets.Row{with(head, func(r *buckets.Row) { r.Causes = "{}" })}},
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
	b := fileOf(t, `{}`, head, bucket, pair)
	if _, err := Read(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Errorf("what a writer writes: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, of(f, simsched.New(simsched.Config{Events: 300, Threads: true}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		runs, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		back := read(t, written(t, runs...))
		same(t, "what was read, written and read", back, runs)
	})
}
