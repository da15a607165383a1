package passtest

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format"
)

// InMemory is a benchmark of a question to a trace in memory.
func InMemory(b *testing.B, cfg simsched.Config, q Question) {
	b.Helper()
	trace := simsched.New(cfg)
	b.ReportAllocs()
	for b.Loop() {
		Ask(b, trace, q)
	}
	simsched.ReportRate(b, trace.Len())
}

// BenchmarkEvents is how many events the traces of benchmarks have that are read from files, unless
// GOSCHED_BENCH_EVENTS says otherwise.
const BenchmarkEvents = 10_000_000

// FromFile is a benchmark of what a command does: read a trace of BenchmarkEvents and ask it.
func FromFile(b *testing.B, cfg simsched.Config, q Question) {
	b.Helper()
	cfg.Events = Events(b, BenchmarkEvents)
	path := filepath.Join(b.TempDir(), "trace.parquet")
	WriteTrace(b, path, cfg)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		trace, err := format.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		passes, ask := q(b, "")
		sum := Replay(b, trace, passes...)
		if ask(sum); sum.Events != int64(cfg.Events) {
			b.Fatalf("%d events of %d", sum.Events, cfg.Events)
		}
	}
	simsched.ReportRate(b, cfg.Events)
}

// Events is how many events a benchmark's trace has: GOSCHED_BENCH_EVENTS if that is set.
func Events(tb testing.TB, otherwise int) int {
	tb.Helper()
	text := os.Getenv("GOSCHED_BENCH_EVENTS")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatalf("GOSCHED_BENCH_EVENTS: %v", err)
	}
	return n
}

// WriteTrace writes a simulated trace.
func WriteTrace(tb testing.TB, path string, cfg simsched.Config) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if err := simsched.Write(f, cfg); err != nil {
		tb.Fatal(err)
	}
}
