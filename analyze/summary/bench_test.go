package summary

import (
	"bytes"
	"os"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
)

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := New()
	return p.All(), func(sum *replay.Summary) passtest.Answer { return passtest.Answer{Result: p.Recording(sum)} }
}

// BenchmarkReadAndSummarize reads a trace from a file: what `gosched summary` does.
func BenchmarkReadAndSummarize(b *testing.B) {
	passtest.FromFile(b, simsched.Config{Goroutines: 100, Threads: true}, question)
}

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, question) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question) }

// BenchmarkReadSummaries reads a file of 20 recordings; GOSCHED_BENCH_SUMMARY names another one
// than that of simulated ones.
func BenchmarkReadSummaries(b *testing.B) {
	var recordings []*Recording
	for seed := range uint64(20) {
		recordings = append(recordings, of(b, simsched.New(simsched.Config{Seed: seed, Events: 300_000, Goroutines: 100,
			Threads: true})))
	}
	data := written(b, recordings...)
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
