package goroutines_test

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

// TestASavedTraceSaysSinceWhenGoroutinesWait has what a flight recorder saved: two minutes of waiting
// before it, of one that still waits and of one that is woken and waits again.
func TestASavedTraceSaysSinceWhenGoroutinesWait(t *testing.T) {
	trace, err := format.ParseText(strings.NewReader("gosched text trace 1\n" +
		`metadata {"schema_version":4,"source":"ebpf","start_ns":120000000000,"end_ns":120000001000,"processes":` +
		`[{"pid":1,"command":"p","executable":"/p","go_version":"go1.26.8","gomaxprocs":1,"coverage":[]}]}` +
		"\ncovered all\nbase 120000000000\n" +
		"0 snapshot g2 _->waiting pid=1 reason=\"chan receive\" stack=\"main.f /m.go:1\" since_ns=1000\n" +
		"0 snapshot g3 _->waiting pid=1 reason=select stack=\"main.g /m.go:2\" since_ns=60000000000\n" +
		"0 snapshot g4 _->waiting pid=1 reason=sleep stack=\"main.h /m.go:3\"\n" +
		"100 g3 waiting->runnable pid=1\n" +
		"200 g3 runnable->running pid=1 tid=7 proc=0\n" +
		"300 g3 running->waiting pid=1 tid=7 proc=0 reason=select stack=\"main.g /m.go:2\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := analyze(t, trace, nil)
	want := map[string]struct {
		oldest, longest int64
		atLeast         bool
	}{
		"main.f /m.go:1": {120_000_000_000, 0, false},
		"main.g /m.go:2": {700, 60_000_000_100, false},
		"main.h /m.go:3": {1000, 0, true},
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		w := want[g.Stack]
		if g.OldestNS != w.oldest || g.AtLeast != w.atLeast || g.Here.MaxNS != w.longest {
			t.Errorf("%s for %d ns (at least: %t), the longest that ended %d ns; want %+v", g.Stack, g.OldestNS,
				g.AtLeast, g.Here.MaxNS, w)
		}
	}
	if len(r.Groups) != len(want) {
		t.Errorf("%d groups", len(r.Groups))
	}
	prof, _ := at(t, trace, 120_000_000_050)
	text := dumped(t, prof)
	for _, line := range []string{"goroutine 2 [chan receive, 1 minutes]", "goroutine 3 [select, 1 minutes]"} {
		if !strings.Contains(text, line) {
			t.Errorf("at the beginning %q is not in\n%s", line, text)
		}
	}
}
