package blocking_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// TestChainByHand repeats the numbers that the comment in chain.trace derives.
func TestChainByHand(t *testing.T) {
	r := blocked(t, golden.Trace(t, "testdata/chain.trace"))
	sites := map[string]string{
		"sync.Mutex.Lock": "syscall fsync in main.holder 60, running main.holder 40",
		"chan receive": "syscall fsync in main.holder 60, running main.holder 40, queued behind main.other 25, " +
			"running main.client 20, unknown what the threads did then is not in the trace 5",
	}
	for _, s := range r.Spent {
		want, ok := sites[s.Name]
		if s.By != "site" || !ok || s.Count == 0 {
			continue
		}
		var parts []string
		for _, c := range s.Causes {
			parts = append(parts, c.Kind.String()+" "+c.Name+" "+report.FormatCount(c.NS))
		}
		if got := strings.Join(parts, ", "); got != want {
			t.Errorf("%s: %s; want %s", s.Name, got, want)
		}
		delete(sites, s.Name)
	}
	if len(sites) > 0 {
		t.Errorf("no such sites: %v", sites)
	}
	var busy, idle int64
	for _, c := range r.Causes {
		busy, idle = busy+c.BlockedNS, idle+c.IdleNS
		if c.Syscall == "fsync" && (c.Name != "main.holder" || c.BlockedNS != 120 || c.DirectNS != 60 ||
			c.IdleNS != 60 || len(c.Chain) == 0) {
			t.Errorf("fsync: %+v", c)
		}
		if c.Name == "main.idle" || c.Name == "main.stuck" {
			t.Errorf("somebody who blocked nobody is a cause: %+v", c)
		}
	}
	if want := int64(100 + 150 + 60 + 205); busy+idle != want || r.BlockedNS != busy || r.IdleNS != idle {
		t.Errorf("the causes are %d ns and %d ns idle, said to be %d and %d; want %d in all", busy, idle, r.BlockedNS,
			r.IdleNS, want)
	}
}

// TestASuspensionByHand repeats the numbers that the comment in suspended.trace derives.
func TestASuspensionByHand(t *testing.T) {
	r := blocked(t, golden.Trace(t, "testdata/suspended.trace"))
	ns := map[blocking.Kind]int64{}
	for _, c := range r.Causes {
		ns[c.Kind] += c.BlockedNS + c.IdleNS
	}
	// g1 itself, which had no CPU, and g2, g3, g5 and g7, which waited for it. Reads: 299 and 595
	// ms, less 200 of the first.
	for kind, want := range map[blocking.Kind]int64{blocking.KindStopped: 5 * 200_000_000,
		blocking.KindSyscall: 694_000_000, blocking.KindAsleep: 0} {
		if ns[kind] != want {
			t.Errorf("%v blocked goroutines for %d ns, want %d", kind, ns[kind], want)
		}
	}
	if r.Threads.RunningStoppedNS != 200_000_000 || r.Threads.RunningAsleepNS != 0 {
		t.Errorf("threads of running goroutines: %+v", r.Threads)
	}
}

func blocked(t *testing.T, trace format.Trace) *blocking.Result {
	t.Helper()
	p, finish := blocking.NewAudited(t)
	sum, err := replay.Run(context.Background(), trace, p)
	if err != nil {
		t.Fatal(err)
	}
	finish()
	if sum.Counts.Total() != 0 {
		t.Errorf("the trace contradicts the scheduler model: %+v", sum.Problems)
	}
	r := p.Result(sum)
	if len(r.Causes) == 0 {
		t.Fatal("there is no cause")
	}
	return r
}
