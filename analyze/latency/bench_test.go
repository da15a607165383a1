package latency_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format"
)

// benchmarkEvents is the size of the traces that benchmarks go through.
const benchmarkEvents = 10_000_000

// BenchmarkLatency replays a trace from memory.
func BenchmarkLatency(b *testing.B) {
	for _, goroutines := range []int{20, 1000} {
		trace := simsched.New(simsched.Config{Events: benchmarkEvents / 5, Goroutines: goroutines})
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				analyze(b, trace)
			}
			simsched.ReportRate(b, trace.Len())
		})
	}
}

// BenchmarkReadAndLatency reads a trace from a file and replays it: what `gosched latency` does.
func BenchmarkReadAndLatency(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  simsched.Config
	}{
		{"goroutine events", simsched.Config{Events: benchmarkEvents, Goroutines: 100}},
		{"thread events too", simsched.Config{Events: benchmarkEvents, Goroutines: 100, Threads: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "trace.parquet")
			writeFile(b, path, c.cfg)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				trace, err := format.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if r := analyze(b, trace); r.Events != benchmarkEvents {
					b.Fatalf("%d events of %d", r.Events, benchmarkEvents)
				}
			}
			simsched.ReportRate(b, benchmarkEvents)
		})
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
