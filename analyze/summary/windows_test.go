package summary_test

import (
	"context"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// manyGaps is a recording of 10,000 goroutines in 3,000 windows.
func manyGaps(read bool) *format.Memory {
	slow := func(x *simsched.At) float64 { return x.Exp(10e9) }
	full := simsched.Load{Goroutines: 10_000, For: 300 * time.Second, Wait: slow,
		Delay: func(x *simsched.At) float64 { return x.Exp(50e3) },
		Run:   func(x *simsched.At) float64 { return x.Exp(1e6) }, Sites: 20}.Trace()
	var windows []simsched.Window
	for t := full.Meta.StartNS; t < full.Meta.EndNS; t += 100e6 {
		windows = append(windows, simsched.Window{Begin: t, End: t + 20e6})
	}
	if read {
		windows = windows[:300] // a row of each goroutine in each
	}
	return simsched.Cut(full, windows, read)
}

// BenchmarkManyGaps: what a walk takes must not grow with gaps times goroutines where most goroutines
// do nothing in most windows.
func BenchmarkManyGaps(b *testing.B) {
	for name, read := range map[string]bool{"3,000 windows": false, "300 windows, goroutines read": true} {
		trace := manyGaps(read)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := summary.Of(context.Background(), trace); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(trace.Rows()), "rows")
		})
	}
}
