package blocking

import (
	"context"
	"testing"

	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
)

// NewAudited makes a pass that fails the test where the causes of a wait do not add up to the wait.
// What it returns beside says at the end whether the totals add up to all waits.
func NewAudited(t testing.TB) (p *Pass, finish func()) {
	t.Helper()
	p = New()
	var all int64
	p.check = func(wait *replay.Span, parts []cause.Part) {
		var sum int64
		for _, part := range parts {
			if part.NS < 0 || part.NS == 0 && wait.Len() > 0 {
				t.Fatalf("a cause of %d ns in %+v", part.NS, wait)
			}
			sum += part.NS
		}
		if sum != wait.Len() {
			t.Fatalf("the causes of %+v are %d ns; the wait is %d ns", wait, sum, wait.Len())
		}
		if wait.Flags&replay.EndUnseen == 0 {
			all += sum
		}
	}
	return p, func() {
		t.Helper()
		var total int64
		for id, sum := range (&blame{Pass: p}).totals() {
			if p.nodes.At(cause.ID(id)).Kind == cause.Wait {
				total += sum.ns
			}
		}
		if total != all {
			t.Errorf("the totals of all waits are %d ns; the waits are %d ns", total, all)
		}
	}
}

// audit runs an audited pass over a trace.
func audit(t testing.TB, trace replay.Source) *Pass {
	t.Helper()
	p, finish := NewAudited(t)
	if _, err := replay.Run(context.Background(), trace, p); err != nil {
		t.Fatal(err)
	}
	finish()
	return p
}
