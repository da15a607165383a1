package findings

import (
	"fmt"
	"slices"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// queue is sections in which goroutines wait for those of one entry function, who do not wait there.
type queue struct {
	entry    replay.EntryID
	one      bool // it is one goroutine
	workers  few
	parts    []*section
	waiters  few
	waits    waits
	explains explained
	inside   []inside
}

// From where on it is one that others wait for.
const (
	mostOfOutsiders = 0.8
	mostOfOne       = 0.9
	leastOutside    = 0.2 // of the time of the waits is ended by who does not wait there
)

// queues are those with at least two who wait.
func (l *look) queues() (out []*queue) {
	by, times := map[replay.EntryID]*queue{}, l.sectionTimes()
	for _, c := range l.inOrder {
		o := &c.others
		if c.isSerial() || !c.isWaitedFor(times[c]) || float64(o.entry.sum) < mostOfOutsiders*float64(o.sumNS) ||
			float64(o.sumNS) < leastOutside*float64(c.waits.sumNS) || o.sumNS == 0 {
			continue
		}
		entry := replay.EntryID(o.entry.id)
		q := by[entry]
		if q == nil {
			q = &queue{entry: entry, one: true}
			by[entry] = q
			out = append(out, q)
		}
		q.join(c)
	}
	for _, q := range out {
		q.explains = l.throughSections(func(c *section) bool { return slices.Contains(q.parts, c) })
		q.inside = l.inside(q.explains)
	}
	return slices.DeleteFunc(out, func(q *queue) bool {
		waiting := l.average(q.waits.sumNS)
		return len(q.explains.chains) == 0 || waiting < minWaiting || !q.one && waiting < float64(q.workers.n)
	})
}

// sectionTime is the time of the chains through a section, and of those that begin in it.
type sectionTime struct{ allNS, ownNS int64 }

// sectionTimes are those of all sections. What the process was stopped from outside is left out.
func (l *look) sectionTimes() map[*section]sectionTime {
	by := map[*section]sectionTime{}
	var through []*section
	for i := range l.account.chains {
		c := &l.account.chains[i]
		if c.Cause.Kind == blocking.KindStopped {
			continue
		}
		through = through[:0]
		for k, w := range c.Waits {
			at := l.sectionAt(w)
			if at == nil || slices.Contains(through, at) {
				continue
			}
			through = append(through, at)
			x := by[at]
			if x.allNS += c.NS; k == 0 {
				x.ownNS += c.NS
			}
			by[at] = x
		}
	}
	return by
}

// isWaitedFor says whether several goroutines wait in a section, themselves or for one that does.
func (c *section) isWaitedFor(x sectionTime) bool {
	return x.allNS > 0 && (c.waiters.n > 1 || 2*x.ownNS < x.allNS)
}

func (q *queue) join(c *section) {
	o := &c.others
	q.parts = append(q.parts, c)
	q.one = q.one && float64(o.one.sum) >= mostOfOne*float64(o.entry.sum)
	for _, id := range o.some.ids[:o.some.n] {
		q.workers.add(id)
	}
	q.workers.more = q.workers.more || o.some.more
	for _, id := range c.waiters.ids[:c.waiters.n] {
		q.waiters.add(id)
	}
	q.waiters.more = q.waiters.more || c.waiters.more
	q.waits.count += c.waits.count
	q.waits.sumNS += c.waits.sumNS
	q.waits.maxNS = max(q.waits.maxNS, c.waits.maxNS)
}

func queuedBehind(l *look) (hits []hit) {
	for _, q := range l.queues() {
		if q.one && !l.uneven(q) {
			hits = append(hits, l.queueHit(q, "one goroutine, "+l.local(q.entry)))
		}
	}
	return hits
}

func workerPools(l *look) (hits []hit) {
	for _, q := range l.queues() {
		if q.one || q.workers.more {
			continue
		}
		h := l.queueHit(q, fmt.Sprintf("%d goroutines of %s, which are all busy", q.workers.n, l.local(q.entry)))
		h.advice = "Let more goroutines do it, or make each piece of work shorter."
		hits = append(hits, h)
	}
	return hits
}

func fanInImbalance(l *look) (hits []hit) {
	for _, q := range l.queues() {
		if q.one && l.uneven(q) {
			n := l.entries.At(uint32(q.entry)).most
			h := l.queueHit(q, fmt.Sprintf("one of %d goroutines of %s, which has nearly all of the work", n,
				l.local(q.entry)))
			hits = append(hits, h)
		}
	}
	return hits
}

// minPeers is how many goroutines of one entry function share work at least.
const minPeers = 3

// uneven says whether the one that others wait for is one of several that do the same, of whom the
// others wait for work: in the function in which this one ends the waits.
func (l *look) uneven(q *queue) bool {
	entry := l.entries.At(uint32(q.entry))
	if entry.most < minPeers {
		return false
	}
	return slices.ContainsFunc(l.inOrder, func(c *section) bool {
		return c.entry == q.entry && c.waiters.n >= minPeers-1 && replay.Receives(c.reason)
	})
}

func (l *look) local(id replay.EntryID) string { return code{function: l.names.Entry(id)}.local() }

func (l *look) queueHit(q *queue, behind string) hit {
	who := l.whoWaits(q.parts)
	first := q.inside[0]
	h := hit{code: who, explains: q.explains, behind: l.names.Entry(q.entry) + ": " + first.behind()}
	h.clause = fmt.Sprintf("%s waits for %s (%s×, %.1f goroutines on average), %s", named(who), behind,
		report.FormatCount(q.waits.count), l.average(q.waits.sumNS), mostly(q.inside, "it"))
	h.evidence = []string{
		fmt.Sprintf("%s of %s in all, %s at most; %.1f goroutines waited on average.",
			report.FormatNumber(q.waits.count, "wait"), report.FormatDuration(q.waits.sumNS),
			report.FormatDuration(q.waits.maxNS), l.average(q.waits.sumNS)),
		"Meanwhile: " + insideText(q.inside) + ".",
	}
	return h
}
