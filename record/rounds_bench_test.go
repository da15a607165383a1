package record_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
)

// BenchmarkRounds measures what a round of all goroutines costs the recorder, by how many there are,
// nearly all of them idle: everything that it does, and of that the reading alone.
func BenchmarkRounds(b *testing.B) {
	for _, idle := range []int{10, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(idle), func(b *testing.B) {
			_, proc := startShares(b, testenv.Program{}, fmt.Sprintf("-idle=%d", idle))
			for range b.N {
				sum, err := record.Record(b.Context(), record.Options{
					Output: filepath.Join(b.TempDir(), "t.parquet"), Duration: 5 * time.Second, Recorder: "test",
					Sampling: record.Sampling{RatePerS: 20, MaxCPUs: record.AnyCPUs},
				}, proc)
				if err != nil {
					b.Fatal(err)
				}
				r := sum.Metadata.Processes[0].Rounds
				b.ReportMetric(float64(r.CPUNS)/float64(r.Made)/1e3, "CPU-µs/round")
				b.ReportMetric(float64(r.ReadNS)/float64(r.Made)/1e3, "reading-µs/round")
				b.ReportMetric(float64(r.CPUNS)/float64(r.Goroutines), "CPU-ns/goroutine")
				b.ReportMetric(float64(r.Unchanged)/float64(r.Goroutines), "unchanged")
				b.ReportMetric(float64(sum.Bytes)/float64(r.Goroutines), "B/goroutine")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
