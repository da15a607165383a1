package requests_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/requests"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func analyze(t testing.TB, trace replay.Source) *requests.Result {
	t.Helper()
	return passtest.Ask(t, trace, question).Result.(*requests.Result)
}

// TestCyclesByHand repeats the numbers that the comment in server.trace derives.
func TestCyclesByHand(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/server.trace"))
	var got []string
	for _, g := range r.Groups {
		var lengths []int64
		for _, c := range g.Slowest {
			lengths = append(lengths, c.LengthNS)
		}
		got = append(got, fmt.Sprint(g.Entry, " ", g.Top != nil, " ", g.Begun, " ", g.Count, " ", g.Unwaited, " ",
			g.SumNS, " ", lengths))
	}
	want := []string{
		"net/http.(*conn).serve true network 4 3 157 [80 40 20]",
		"main.worker true goroutine 1 0 51 [51]",
		"main.handle false created 1 0 12 [12]",
		"net/http.(*Server).Serve true network 2 0 12 [7 5]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if r.Ends != 1 {
		t.Errorf("%d goroutines left their loops, want 1", r.Ends)
	}
	for _, part := range r.Groups[0].Parts {
		if part.Text == "chan receive in main.ask ← sleep in main.work" && part.NS == 30 {
			return
		}
	}
	t.Errorf("no wait for the worker's sleep: %+v", r.Groups[0].Parts)
}

// TestTheAccountAddsUp wants the parts of every group, and the steps of each of the slowest cycles,
// to be as long as its cycles, and percentiles in their order.
func TestTheAccountAddsUp(t *testing.T) {
	for seed := range uint64(12) {
		r := analyze(t, simsched.New(simsched.Config{Seed: seed, Events: 8000, Threads: seed%2 == 0,
			GapEvery: int(seed%3) * 900, Churn: int(seed) * 4, Processes: 1 + int(seed%2)}))
		if len(r.Groups) == 0 {
			t.Errorf("seed %d: no cycle", seed)
		}
		for _, g := range r.Groups {
			var states, parts int64
			for _, s := range g.States {
				states += s.NS
			}
			for _, p := range g.Parts {
				parts += p.NS
			}
			if states != g.SumNS || parts != g.SumNS {
				t.Errorf("seed %d: %s: %d ns in states, %d in parts, of %d", seed, g.Entry, states, parts, g.SumNS)
			}
			for _, c := range g.Slowest {
				checkSteps(t, &c)
			}
			if *g.MaxNS != g.Slowest[0].LengthNS {
				t.Errorf("seed %d: the longest takes %d ns, the slowest %d", seed, *g.MaxNS, g.Slowest[0].LengthNS)
			}
		}
	}
}

// checkSteps wants steps one after the other from a cycle's beginning to its end.
func checkSteps(t *testing.T, c *requests.Cycle) {
	t.Helper()
	var at int64
	for _, s := range c.Steps {
		if s.AtNS != at || s.MostNS > s.NS {
			t.Errorf("a step at %d ns of %d, %d of them %s; the one before ended at %d", s.AtNS, s.NS, s.MostNS,
				s.Text, at)
		}
		at += s.NS
	}
	if at != c.LengthNS {
		t.Errorf("steps of %d ns in a cycle of %d: %+v", at, c.LengthNS, c.Steps)
	}
}

// TestTwoProcessesHaveTwiceTheCycles asks of a trace with a second process that does the same, with
// the same ids.
func TestTwoProcessesHaveTwiceTheCycles(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		one, two := analyze(t, trace), analyze(t, passtest.Doubled(trace))
		if len(one.Groups) != len(two.Groups) {
			t.Fatalf("%d groups, of one process %d", len(two.Groups), len(one.Groups))
		}
		for i, g := range two.Groups {
			if h := one.Groups[i]; g.Entry != h.Entry || g.Count != 2*h.Count || g.SumNS != 2*h.SumNS {
				t.Errorf("%s: %d cycles of %d ns; of one process %s: %d of %d", g.Entry, g.Count, g.SumNS, h.Entry,
					h.Count, h.SumNS)
			}
		}
	})
}
