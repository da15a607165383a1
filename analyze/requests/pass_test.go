package requests_test

import (
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/requests"
)

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := requests.New()
	return p.Passes(), func(sum *replay.Summary) passtest.Answer {
		r := p.Result(sum)
		return passtest.Answer{Result: r, Document: r.Document}
	}
}

func TestTraces(t *testing.T) { passtest.Traces(t, "testdata/*.trace", question) }

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, question) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question) }

func BenchmarkRequests(b *testing.B) {
	for _, goroutines := range []int{20, 1000} {
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			passtest.InMemory(b, simsched.Config{Events: 2_000_000, Goroutines: goroutines, Threads: true}, question)
		})
	}
}

func BenchmarkReadAndRequests(b *testing.B) {
	passtest.FromFile(b, simsched.Config{Goroutines: 100, Threads: true}, question)
}
