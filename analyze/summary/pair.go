package summary

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
)

// pairKey tells pairs apart.
type pairKey struct{ reason, stack, waker string }

func (p *Pair) key() pairKey { return pairKey{p.Reason, p.Stack, p.Waker} }

func comparePairs(a, b *Pair) int {
	return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.Waker, b.Waker))
}

// pairsOf are the heaviest pairs, those that become equal merged; of wakers that are given from the
// largest sum down.
func pairsOf(wakers []blocking.Waker) []Pair {
	merged := map[pairKey]*Pair{}
	for i := range wakers {
		next := pairOf(&wakers[i])
		if known := merged[next.key()]; known != nil {
			known.Count += next.Count
			known.NS += next.NS
			continue
		}
		merged[next.key()] = next
	}
	list := slices.SortedFunc(maps.Values(merged), func(a, b *Pair) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS),
			comparePairs(a, b))
	})
	list = list[:min(len(list), maxPairs)]
	slices.SortFunc(list, comparePairs)
	var out []Pair
	for _, p := range list {
		out = append(out, *p)
	}
	return out
}

func pairOf(w *blocking.Waker) *Pair {
	p := &Pair{
		Reason: plain(w.Reason), Stack: functions(w.Stack), Waker: functions(w.WakerStack),
		WakerFrame: plain(w.WakerFrame), Count: w.Count, NS: w.SumNS,
	}
	if p.Reason == "" {
		p.Reason = UnknownReason
	}
	switch {
	case p.Waker != "":
	case w.WakerReason != "":
		p.Waker = "<" + plain(w.WakerReason) + ">"
	default:
		p.Waker = "<unknown>"
	}
	return p
}
