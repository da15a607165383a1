package blocking_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/format"
)

// TestTwoProcessesHaveTwiceTheCauses asks of a trace with a second process that does the same, with
// the same ids: what blocked goroutines is the same, twice as long. A waker of one process mistaken
// for the other's goroutine with its id would have another past.
func TestTwoProcessesHaveTwiceTheCauses(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		one := passtest.Ask(t, trace, audited).Result.(*blocking.Result)
		two := passtest.Ask(t, passtest.Doubled(trace), audited).Result.(*blocking.Result)
		if two.BlockedNS != 2*one.BlockedNS || two.IdleNS != 2*one.IdleNS || two.ApproximateNS != 2*one.ApproximateNS ||
			len(one.Causes) == 0 || len(two.Causes) != len(one.Causes) || len(two.Spent) != len(one.Spent) ||
			len(two.Wakers) != len(one.Wakers) {
			t.Fatalf("%d ns in %d causes, %d rows of time, %d wakers; of one process %d, %d, %d, %d", two.BlockedNS,
				len(two.Causes), len(two.Spent), len(two.Wakers), one.BlockedNS, len(one.Causes), len(one.Spent),
				len(one.Wakers))
		}
		for i, c := range two.Causes {
			if d := one.Causes[i]; c.Kind != d.Kind || c.Name != d.Name || c.BlockedNS != 2*d.BlockedNS ||
				c.Count != 2*d.Count ||
				c.DirectNS != 2*d.DirectNS || c.IdleNS != 2*d.IdleNS {
				t.Errorf("%s %q: %d ns; of one process %s %q: %d ns", c.Kind, c.Name, c.BlockedNS, d.Kind, d.Name,
					d.BlockedNS)
			}
		}
		for i, s := range two.Spent {
			if u := one.Spent[i]; s.By != u.By || s.Name != u.Name || s.SumNS != 2*u.SumNS || s.Count != 2*u.Count {
				t.Errorf("%s %q: %d ns; of one process %s %q: %d ns", s.By, s.Name, s.SumNS, u.By, u.Name, u.SumNS)
			}
		}
		for i, w := range two.Wakers {
			if v := one.Wakers[i]; w.Stack != v.Stack || w.WakerStack != v.WakerStack || w.SumNS != 2*v.SumNS {
				t.Errorf("%q: %d ns; of one process %q: %d ns", w.Stack, w.SumNS, v.Stack, v.SumNS)
			}
		}
	})
}
