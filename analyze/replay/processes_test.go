package replay_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// TestProcessesDoNotMix replays every trace with a second process in it whose goroutines, threads
// and Ps have the same numbers: what comes out of each is what comes out of it alone.
func TestProcessesDoNotMix(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		if slices.Contains(trace.Events.PID, format.Unknown) {
			t.Skip("rows that hold for all processes are not one process's")
		}
		alone, both := replayed(t, trace), replayed(t, passtest.Doubled(trace))
		for _, twin := range []bool{false, true} {
			if got := both.of(trace, twin); !slices.Equal(got, alone.spans) {
				t.Errorf("beside another process (twin: %v) %d spans, alone %d, or other ones", twin, len(got),
					len(alone.spans))
				for i := range min(len(got), len(alone.spans)) {
					if got[i] != alone.spans[i] {
						t.Errorf("the first that differs: %+v, alone %+v", got[i], alone.spans[i])
						break
					}
				}
			}
		}
		if len(both.limits) != 2*len(alone.limits) || len(both.suspensions) != 2*len(alone.suspensions) ||
			len(both.ranges) != 2*len(alone.ranges) {
			t.Errorf("%d limits, %d suspensions, %d ranges of two processes; of one %d, %d, %d", len(both.limits),
				len(both.suspensions), len(both.ranges), len(alone.limits), len(alone.suspensions), len(alone.ranges))
		}
	})
}

func replayed(t *testing.T, trace *format.Memory) *collector {
	t.Helper()
	all := everything()
	if _, err := replay.Run(context.Background(), trace, all); err != nil {
		t.Fatal(err)
	}
	return all
}

// of are the spans of a trace's own processes, or of their twins as if they were those.
func (c *collector) of(trace *format.Memory, twins bool) []replay.Span {
	var out []replay.Span
	for _, s := range c.spans {
		for _, p := range trace.Meta.Processes {
			switch {
			case !twins && s.PID == p.PID:
				out = append(out, s)
			case twins && s.PID == passtest.Twin(p.PID):
				s.PID = p.PID
				out = append(out, s)
			}
		}
	}
	return out
}
