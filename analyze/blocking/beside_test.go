package blocking_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/internal/golden"
)

// TestWaitsBesideAnotherByHand repeats the numbers that the comment in beside.trace derives.
func TestWaitsBesideAnotherByHand(t *testing.T) {
	const ms = 1_000_000
	r := blocked(t, golden.Trace(t, "testdata/beside.trace"))
	want := map[[2]string]int64{
		{"class", "mutex"}: 60 * ms, {"class", "syscall"}: 70 * ms, {"class", "network"}: 0,
		{"folded", "net/http.(*connReader).backgroundRead"}: 100 * ms,
		{"folded", "os/exec.(*Cmd).Start.func2"}:            70 * ms,
	}
	got := map[[2]string]int64{}
	for _, s := range r.Spent {
		got[[2]string{s.By, s.Name}] += s.SumNS + s.CensoredSumNS
	}
	for key, ns := range want {
		if got[key] != ns {
			t.Errorf("%v: %d ns, want %d", key, got[key], ns)
		}
	}
	var calls int64
	for _, c := range r.Causes {
		if c.Kind == blocking.KindSyscall {
			calls += c.BlockedNS
		}
	}
	if calls != 70*ms {
		t.Errorf("system calls blocked goroutines for %d ns, want %d", calls, 70*ms)
	}
}
