package findings

import (
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
)

// account is what blocked the goroutines of a process: the chains of package blocking. Rules explain
// parts of it, and so their findings can be compared.
type account struct {
	chains    []blocking.Chain // the longest first
	blockedNS int64            // the sum of all
	idle      []blocking.Chain // those of goroutines that may have been waiting for work
}

// accounts are those of all processes, by PID.
func accounts(b *blocking.Pass) map[int32]*account {
	out := map[int32]*account{}
	of := func(pid int32) *account {
		if out[pid] == nil {
			out[pid] = new(account)
		}
		return out[pid]
	}
	for _, c := range b.Chains() {
		a := of(c.PID)
		a.chains = append(a.chains, c)
		a.blockedNS += c.NS
	}
	for _, c := range b.IdleChains() {
		a := of(c.PID)
		a.idle = append(a.idle, c)
	}
	return out
}

// explained is a part of an account: some chains, and how much of their time, at most.
type explained struct {
	chains   []int // in account.chains, ascending, each once
	atMostNS int64 // 0: all of it
}

// which are the chains that match.
func (a *account) which(match func(*blocking.Chain) bool) explained {
	var out explained
	for i := range a.chains {
		if match(&a.chains[i]) {
			out.chains = append(out.chains, i)
		}
	}
	return out
}

// causedBy are the chains whose root cause matches, direct or through waits.
func (a *account) causedBy(match func(*blocking.Leaf) bool) explained {
	return a.which(func(c *blocking.Chain) bool { return match(c.Cause) })
}

// delays are the chains of goroutines that could run themselves, or whose thread lacked a CPU.
func (a *account) delays() explained {
	return a.which(func(c *blocking.Chain) bool { return c.Direct() && c.Cause.Kind != blocking.KindSyscall })
}

// atMost is the part with a bound: of the time of these chains the rule can answer for so much.
func (e explained) atMost(ns int64) explained {
	e.atMostNS = ns
	if ns <= 0 {
		e.chains = nil
	}
	return e
}

// all is the time of the chains.
func (a *account) all(e explained) (ns int64) {
	for _, i := range e.chains {
		ns += a.chains[i].NS
	}
	return ns
}

// withSome adds chains that match, of which ns nanoseconds at most are explained.
func (a *account) withSome(certain explained, ns int64, match func(*blocking.Chain) bool) explained {
	more := a.which(match)
	more.chains = slices.DeleteFunc(more.chains, func(i int) bool {
		_, known := slices.BinarySearch(certain.chains, i)
		return known
	})
	if ns = min(ns, a.all(more)); ns <= 0 {
		return certain
	}
	both := explained{chains: append(slices.Clone(certain.chains), more.chains...)}
	slices.Sort(both.chains)
	return both.atMost(a.all(certain) + ns)
}

// ns is the time that is explained.
func (a *account) ns(e explained) int64 {
	ns := a.all(e)
	if e.atMostNS > 0 {
		ns = min(ns, e.atMostNS)
	}
	return ns
}

// beyond is the time that is explained and not in chains that are told already. Where only a part of
// the chains' time is explained, that part counts in proportion.
func (a *account) beyond(e explained, told map[int]bool) int64 {
	var left int64
	for _, i := range e.chains {
		if !told[i] {
			left += a.chains[i].NS
		}
	}
	all := a.all(e)
	if all == 0 {
		return 0
	}
	return int64(float64(left) * (float64(a.ns(e)) / float64(all)))
}

// starved is the share of the time of chains in which other programs had the CPU.
func (a *account) starved(e explained) float64 {
	var ns int64
	for _, i := range e.chains {
		if isForeign(a.chains[i].Cause) {
			ns += a.chains[i].NS
		}
	}
	return float64(ns) / float64(max(1, a.all(e)))
}

// share is a part of all blocked time.
func (a *account) share(ns int64) float64 { return float64(ns) / float64(max(1, a.blockedNS)) }
