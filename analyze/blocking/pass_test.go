package blocking_test

import (
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := blocking.New()
	return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer { return answer(p.Result(sum)) }
}

func answer(r *blocking.Result) passtest.Answer {
	return passtest.Answer{Result: r, Document: func() *report.Document { return r.Document(blocking.View{}) }}
}

// audited is the question with an audited pass.
func audited(tb testing.TB, _ string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p, finish := blocking.NewAudited(tb)
	return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
		finish()
		return answer(p.Result(sum))
	}
}

func TestTraces(t *testing.T) { passtest.Traces(t, "testdata/*.trace", audited) }

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, audited) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, audited) }

func BenchmarkBlocking(b *testing.B) {
	for _, goroutines := range []int{20, 1000} {
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			passtest.InMemory(b, simsched.Config{Events: 2_000_000, Goroutines: goroutines, Threads: true}, question)
		})
	}
}

func BenchmarkReadAndBlocking(b *testing.B) {
	passtest.FromFile(b, simsched.Config{Goroutines: 100, Threads: true}, question)
}
