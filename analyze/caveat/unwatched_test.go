package caveat

import (
	"context"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// TestAClassIsMissingFromAShareOfWhatWasWatched: the class was left out for 60 ns of the 100 in windows.
func TestAClassIsMissingFromAShareOfWhatWasWatched(t *testing.T) {
	trace, err := format.ParseText(strings.NewReader(`gosched text trace 1
metadata {"schema_version":4,"source":"ebpf","start_ns":1000000,"end_ns":1001000,` +
		`"processes":[{"pid":1,"gomaxprocs":1,"coverage":[]}]}
covered all
base 1000000
0 thread _->running pid=1 tid=11
40 gap end_ns=100 reason="not watched: kernel"
100 gap end_ns=1000 reason=budget
`))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := replay.Run(context.Background(), trace, everything{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range Of(Latency, sum) {
		if w.Transition == format.TransitionKernel.String() {
			if !strings.Contains(w.Text, "during 60.0% of the time in windows") {
				t.Error(w.Text)
			}
			return
		}
	}
	t.Error("nothing is said of the kernel's class")
}
