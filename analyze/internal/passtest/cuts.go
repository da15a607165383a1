package passtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// Cuts checks that cuts and questions change nothing, see CheckCuts: on every text trace of the
// analyzers, on simulated schedules and what is no schedule at all, and on a real recording.
func Cuts(t *testing.T, q Question) {
	t.Helper()
	root := moduleRoot(t)
	for _, pattern := range []string{"analyze/*/testdata/*.trace", "analyze/*/testdata/*/*.trace",
		"analyze/*/*/testdata/*.trace"} {
		for _, path := range glob(t, filepath.Join(root, pattern)) {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) { CheckCuts(t, golden.Trace(t, path), q, 1) })
		}
	}
	for seed := range uint64(6) {
		cfg := simsched.Config{Seed: seed, Events: 1500, Threads: seed%2 == 0, GapEvery: int(seed%3) * 300,
			Processes: 1 + int(seed%3), Churn: 2 + int(seed)*5}
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) { CheckCuts(t, simsched.New(cfg), q, seed) })
	}
	t.Run("traces that contradict themselves", func(t *testing.T) {
		for seed := range uint64(25) {
			rng := rand.New(rand.NewPCG(seed, 2))
			data := make([]byte, 1+50*simsched.EventBytes)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			CheckCuts(t, simsched.Any(data), q, seed)
		}
	})
	t.Run("a recording", func(t *testing.T) {
		trace, err := format.Open(filepath.Join(root, "format/testdata/v2.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		CheckCuts(t, trace, q, 1)
	})
}

// moduleRoot is the folder with go.mod.
func moduleRoot(tb testing.TB) string {
	tb.Helper()
	dir := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Join("..", dir)
	}
	tb.Fatal("there is no go.mod above")
	return ""
}

// CheckCuts fails the test where the answer depends on how the trace is cut into batches: it feeds
// all rows at once, one by one, and in pieces of random sizes. After each piece it asks, twice,
// which must give the same bytes, and must change neither what comes later nor the end. The first
// answer after half of the rows is what these rows give at once, too.
func CheckCuts(t *testing.T, src replay.Source, q Question, seed uint64) {
	t.Helper()
	rows := whole(t, src)
	passes, ask := q(t, "")
	want := encoded(t, ask(Replay(t, src, passes...)).Result)
	rng := rand.New(rand.NewPCG(seed, 1))
	n := rows.Len()
	for _, c := range []struct {
		name  string
		size  func() int
		asked int // once in so many pieces
	}{
		{"at once", func() int { return n }, 1},
		{"row by row", func() int { return 1 }, max(1, n/5)},
		{"in pieces", func() int { return 1 + rng.IntN(1+n/4) }, 1},
		{"in small pieces", func() int { return 1 + rng.IntN(20) }, max(1, n/50)},
	} {
		f := &feeding{tb: t, src: src, rows: rows, q: q, size: c.size, asked: c.asked}
		if got := f.feed(); !bytes.Equal(got, want) {
			t.Errorf("%s (seed %d) it gives\n%s\nand by itself\n%s", c.name, seed, got, want)
		}
	}
}

// whole is all rows of a trace as one batch.
func whole(tb testing.TB, src replay.Source) *format.Batch {
	tb.Helper()
	all := new(format.Batch)
	for b, err := range src.Batches(context.Background(), format.Selection{}) {
		if err != nil {
			tb.Fatal(err)
		}
		all.AppendBatch(b, 0, b.Len())
	}
	return all
}

// feeding is a walk over rows that are cut somehow.
type feeding struct {
	tb    testing.TB
	src   replay.Source
	rows  *format.Batch
	q     Question
	size  func() int
	asked int
}

// feed gives the answer in the end.
func (f *feeding) feed() []byte {
	f.tb.Helper()
	passes, ask := f.q(f.tb, "")
	w := replay.NewWalk(passes...)
	f.must(w.Begin(f.src.Metadata(), f.src.Reasons(), f.src.Stacks()))
	compared := false
	for at, n := 0, 1; at < f.rows.Len(); n++ {
		to := min(f.rows.Len(), at+f.size())
		piece := f.rows.Slice(at, to)
		f.must(w.Feed(&piece))
		if at = to; n%f.asked != 0 {
			continue
		}
		got := f.twice(w, ask)
		if compared || at < f.rows.Len()/2 {
			continue
		}
		compared = true
		if want := f.first(at); !bytes.Equal(got, want) {
			f.tb.Errorf("after %d rows it gives\n%s\nand by themselves they give\n%s", at, got, want)
		}
	}
	f.must(w.End(f.src.Metadata()))
	return f.twice(w, ask)
}

// first is the answer after the first rows, at once.
func (f *feeding) first(rows int) []byte {
	f.tb.Helper()
	passes, ask := f.q(f.tb, "")
	w := replay.NewWalk(passes...)
	f.must(w.Begin(f.src.Metadata(), f.src.Reasons(), f.src.Stacks()))
	part := f.rows.Slice(0, rows)
	f.must(w.Feed(&part))
	return encoded(f.tb, ask(w.Summary()).Result)
}

// twice asks twice and gives the answer.
func (f *feeding) twice(w *replay.Walk, ask func(*replay.Summary) Answer) []byte {
	f.tb.Helper()
	first := encoded(f.tb, ask(w.Summary()).Result)
	w.Open()
	if again := encoded(f.tb, ask(w.Summary()).Result); !bytes.Equal(first, again) {
		f.tb.Errorf("asked again it gives\n%s\nand before\n%s", again, first)
	}
	return first
}

func (f *feeding) must(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// FuzzCuts is CheckCuts on whatever rows the fuzzer makes.
func FuzzCuts(f *testing.F, q Question) {
	f.Helper()
	for _, data := range simsched.AnySeeds() {
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) { CheckCuts(t, simsched.Any(data), q, seed) })
}
