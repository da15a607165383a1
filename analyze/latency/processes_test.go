package latency_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/format"
)

// TestTwoProcessesHaveTwiceTheDelays asks of a trace with a second process that does the same, with
// the same ids: every group has twice the delays, and no other ones.
func TestTwoProcessesHaveTwiceTheDelays(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		if len(trace.Meta.Processes) == 0 {
			t.Skip("the trace does not know its process")
		}
		one, two := analyze(t, trace), analyze(t, passtest.Doubled(trace))
		if len(one.Groups) != len(two.Groups) {
			t.Fatalf("%d groups, of one process %d", len(two.Groups), len(one.Groups))
		}
		for i, g := range append(two.Groups, two.Total) {
			h := append(one.Groups, one.Total)[i]
			if g.By != h.By || g.Name != h.Name || g.Count != 2*h.Count || g.Censored != 2*h.Censored ||
				g.Broken != 2*h.Broken || g.SumNS != 2*h.SumNS || g.CensoredSumNS != 2*h.CensoredSumNS {
				t.Errorf("%s %q: %d delays of %d ns; of one process %s %q: %d of %d", g.By, g.Name, g.Count, g.SumNS,
					h.By,
					h.Name, h.Count, h.SumNS)
			}
		}
	})
}
