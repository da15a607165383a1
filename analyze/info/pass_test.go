package info_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/replay"
)

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := info.New()
	return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
		r := p.Result(sum)
		return passtest.Answer{Result: r, Document: r.Document}
	}
}

func analyze(t *testing.T, trace replay.Source) *info.Result {
	t.Helper()
	return passtest.Ask(t, trace, question).Result.(*info.Result)
}

func TestTraces(t *testing.T) { passtest.Traces(t, "testdata/*.trace", question) }

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, question) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question) }
