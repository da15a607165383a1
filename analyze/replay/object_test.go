package replay_test

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// TestSpansSayWhatIsWaitedFor has a goroutine wait for something, then for what is not known.
func TestSpansSayWhatIsWaitedFor(t *testing.T) {
	trace, err := format.ParseText(strings.NewReader(`gosched text trace 1
metadata {"source":"ebpf","start_ns":1,"end_ns":100}
covered all
0 g1 runnable->running pid=1 tid=2 proc=0
10 g1 running->waiting pid=1 tid=2 proc=0 reason="chan receive" object=824633720832
20 g1 waiting->runnable pid=1 tid=3 proc=1 by_goid=2
30 g1 runnable->running pid=1 tid=2 proc=0
40 g1 running->waiting pid=1 tid=2 proc=0 reason=select
50 g1 waiting->runnable pid=1 tid=3 proc=1 by_goid=2
`))
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{states: replay.AllStates}
	if _, err := replay.Run(t.Context(), trace, c); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.spans {
		want := int64(0)
		if s.State == format.StateWaiting && s.Begin == 10 {
			want = 824633720832
		}
		if s.Object != want {
			t.Errorf("%v from %d waits for %d, want %d", s.State, s.Begin, s.Object, want)
		}
	}
	if len(c.spans) < 5 {
		t.Errorf("%d spans", len(c.spans))
	}
}
