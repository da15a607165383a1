package blocking_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// benchmarkEvents is the size of the trace that is read, unless GOSCHED_BENCH_EVENTS says
// otherwise.
const benchmarkEvents = 10_000_000

// BenchmarkBlocking goes through a trace in memory.
func BenchmarkBlocking(b *testing.B) {
	for _, goroutines := range []int{20, 1000} {
		trace := simsched.New(simsched.Config{Events: 2_000_000, Goroutines: goroutines, Threads: true})
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				walk(b, trace)
			}
			simsched.ReportRate(b, trace.Len())
		})
	}
}

// BenchmarkReadAndBlocking reads a trace from a file: what `gosched blocking` does.
func BenchmarkReadAndBlocking(b *testing.B) {
	events := benchmarkEvents
	if n, err := strconv.Atoi(os.Getenv("GOSCHED_BENCH_EVENTS")); err == nil {
		events = n
	}
	path := filepath.Join(b.TempDir(), "trace.parquet")
	writeFile(b, path, simsched.Config{Events: events, Goroutines: 100, Threads: true})
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		trace, err := format.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		walk(b, trace)
	}
	simsched.ReportRate(b, events)
}

func walk(b *testing.B, trace replay.Source) {
	b.Helper()
	p := blocking.New()
	sum, err := replay.Run(context.Background(), trace, p)
	if err != nil {
		b.Fatal(err)
	}
	if r := p.Result(sum); r.BlamedNS == 0 {
		b.Fatal("nothing is blamed")
	}
}

func writeFile(b *testing.B, path string, cfg simsched.Config) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := simsched.Write(f, cfg); err != nil {
		b.Fatal(err)
	}
}
