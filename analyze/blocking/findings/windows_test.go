package findings_test

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

// TestLittleIsOfTheWatchedTime: two goroutines wait for a mutex through all of a short window, which is
// much of the window and little of the recording.
func TestLittleIsOfTheWatchedTime(t *testing.T) {
	text := `gosched text trace 1
metadata {"schema_version":4,"source":"ebpf","start_ns":1000000000,"end_ns":2000000000,"processes":[{"pid":1}]}
covered all
base 1000000000
0 snapshot g1 _->running pid=1 tid=11 proc=0 stack="main.hold /m.go:1"
0 g2 notexist->runnable pid=1 tid=11 proc=0 by_goid=1
0 g3 notexist->runnable pid=1 tid=11 proc=0 by_goid=1
10 g2 runnable->running pid=1 tid=12 proc=1
20 g2 running->waiting pid=1 tid=12 proc=1 reason=sync.Mutex.Lock stack="main.take /m.go:4;sync.(*Mutex).Lock /l.go:1"
30 g3 runnable->running pid=1 tid=12 proc=1
40 g3 running->waiting pid=1 tid=12 proc=1 reason=sync.Mutex.Lock stack="main.take /m.go:4;sync.(*Mutex).Lock /l.go:1"
10000000 g2 waiting->runnable pid=1 tid=11 proc=0 by_goid=1 by_stack="main.hold /m.go:2;sync.(*Mutex).Unlock /l.go:2"
10000000 g3 waiting->runnable pid=1 tid=11 proc=0 by_goid=1 by_stack="main.hold /m.go:2;sync.(*Mutex).Unlock /l.go:2"
10000010 gap pid=1 end_ns=1000000000 reason=budget
`
	trace, err := format.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r := found(t, trace)
	if len(r.Verdict) == 0 || strings.HasPrefix(r.Verdict[0], "Little is blocked") {
		t.Error(r.Verdict)
	}
}
