package summary

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format"
)

// benchmarkEvents is the size of the trace that is read, unless GOSCHED_BENCH_EVENTS says
// otherwise.
const benchmarkEvents = 10_000_000

// BenchmarkReadAndSummarize reads a trace from a file: what `gosched summary` does.
func BenchmarkReadAndSummarize(b *testing.B) {
	events := benchmarkEvents
	if n, err := strconv.Atoi(os.Getenv("GOSCHED_BENCH_EVENTS")); err == nil {
		events = n
	}
	path := filepath.Join(b.TempDir(), "trace.parquet")
	writeTrace(b, path, simsched.Config{Events: events, Goroutines: 100, Threads: true})
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		trace, err := format.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Of(context.Background(), trace); err != nil {
			b.Fatal(err)
		}
	}
	simsched.ReportRate(b, events)
}

// BenchmarkReadSummaries reads a file of 20 recordings; GOSCHED_BENCH_SUMMARY names another one
// than that of simulated ones.
func BenchmarkReadSummaries(b *testing.B) {
	var runs []*Run
	for seed := range uint64(20) {
		runs = append(runs, of(b, simsched.New(simsched.Config{Seed: seed, Events: 300_000, Goroutines: 100,
			Threads: true})))
	}
	data := written(b, runs...)
	if path := os.Getenv("GOSCHED_BENCH_SUMMARY"); path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ReportMetric(float64(len(data)), "bytes")
	for b.Loop() {
		if _, err := Read(bytes.NewReader(data), int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}

func writeTrace(b *testing.B, path string, cfg simsched.Config) {
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
