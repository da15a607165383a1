package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// From where on waits are those for a section.
const (
	minWaiting  = 0.1 // goroutines on average: fewer cost nobody anything
	minUsed     = 0.2 // of the time somebody waits, or manyWaiting wait on average
	manyWaiting = 1
	minHanded   = 0.75
	minHandsOff = 20 // waits: fewer do not tell a semaphore from a coincidence
)

// average is how many goroutines waited in the section at a time, over the recording.
func (l *look) average(ns int64) float64 { return float64(ns) / float64(max(1, l.end-l.begin)) }

// isSemaphore says whether those who wait are let through by those who had been let through: a
// channel is used as a semaphore.
func (c *section) isSemaphore() bool {
	return c.known == nil && !strings.Contains(c.reason, "WaitGroup") && c.woken >= minHandsOff &&
		float64(c.handed) >= minHanded*float64(c.woken)
}

// isShared says whether those who wait are let through by one who is where they wait: it makes a result
// for all.
func (c *section) isShared() bool {
	return c.known == nil && c.woken >= minHandsOff && float64(c.same) >= minHanded*float64(c.woken) && !c.isSemaphore()
}

// isSerial says whether goroutines let one another through.
func (c *section) isSerial() bool {
	return c.woken > 0 && (c.known != nil || c.isSemaphore() || c.isShared())
}

// serial is sections that are one: several functions may wait for one lock.
type serial struct {
	parts     []*section
	most      *section // of them the one with the most waits
	explains  explained
	inside    []inside
	queue     waits
	semaphore bool
}

// serials are the sections in which goroutines let one another through.
func (l *look) serials() (out []*serial) {
	of := map[*section]*serial{}
	for _, c := range l.inOrder {
		if !c.isSerial() {
			continue
		}
		s := of[l.partner(c, of)]
		if s == nil {
			s = &serial{most: c, semaphore: c.isSemaphore() || c.known != nil && !c.known.One}
			out = append(out, s)
		}
		of[c] = s
		s.parts = append(s.parts, c)
		if c.waits.sumNS > s.most.waits.sumNS {
			s.most = c
		}
	}
	for _, s := range out {
		s.explains = l.throughSections(func(c *section) bool { return of[c] == s })
		s.inside = l.inside(s.explains)
		for _, c := range s.parts {
			s.queue.count += c.waits.count
			s.queue.sumNS += c.waits.sumNS
			s.queue.maxNS = max(s.queue.maxNS, c.waits.maxNS)
		}
	}
	return out
}

// partner is a section known already that is for the same lock: the code that mostly ends the waits in
// one waits in the other.
func (l *look) partner(c *section, known map[*section]*serial) *section {
	for _, d := range l.inOrder {
		if known[d] != nil && d != c && c.known != nil && d.known != nil && c.known.One && d.known.One &&
			shareWord(c.known, d.known) && (l.holder(c).function == d.function || l.holder(d).function == c.function) {
			return d
		}
	}
	return nil
}

// shareWord says whether two sections can be for the same lock: one to read and one to write.
func shareWord(a, b *blocking.Section) bool {
	return a == b || a.Readers != b.Readers && a.Pair == b.Pair
}

// holder is the code that held the section for the most time while others waited.
func (l *look) holder(c *section) code {
	list := l.holders(c)
	if len(list) == 0 {
		return code{}
	}
	return list[0].code
}

// held is how long code held a section while others waited.
type held struct {
	code
	ns int64
}

// holders are those who held a section, by function, the longest first.
func (l *look) holders(c *section) (list []held) {
	at := map[string]int{}
	var all []held
	for id, w := range c.releases.by {
		all = append(all, held{waiter(l.names.Stack(id), c.known), w.sumNS})
	}
	byTime := func(a, b held) int {
		return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.function, b.function), cmp.Compare(a.at, b.at))
	}
	slices.SortFunc(all, byTime)
	for _, h := range all {
		if i, ok := at[h.function]; ok {
			list[i].ns += h.ns
			continue
		}
		at[h.function] = len(list)
		list = append(list, h)
	}
	slices.SortStableFunc(list, byTime)
	return list
}

// sleeps says whether most of the time in which a lock is held is slept.
func (s *serial) sleeps() bool {
	kind, share := kinds(s.inside)
	return s.most.known != nil && s.most.known.Lock && kind == blocking.KindTimer && share >= 0.5
}

func serialSections(l *look) []hit { return l.serialHits(func(s *serial) bool { return !s.sleeps() }) }

func sleepsUnderLock(l *look) []hit { return l.serialHits((*serial).sleeps) }

func (l *look) serialHits(match func(*serial) bool) (hits []hit) {
	for _, s := range l.serials() {
		waiting, used := l.average(s.queue.sumNS), l.average(min(s.most.busy.ns(), s.queue.sumNS))
		matters := waiting >= manyWaiting || waiting >= minWaiting && used >= minUsed
		if len(s.explains.chains) > 0 && matters && match(s) {
			hits = append(hits, l.serialHit(s))
		}
	}
	return hits
}

func (l *look) serialHit(s *serial) hit {
	who := l.whoWaits(s.parts)
	first, h := s.inside[0], hit{code: who, explains: s.explains}
	h.behind, h.clause = first.behind(), l.serialClause(s, who)
	h.advice = s.advice()
	h.evidence = []string{
		fmt.Sprintf("%s of %s in all, %s at most; %.1f goroutines waited on average.",
			report.FormatNumber(s.queue.count, "wait"), report.FormatDuration(s.queue.sumNS),
			report.FormatDuration(s.queue.maxNS), l.average(s.queue.sumNS)),
	}
	if text := l.holdsText(s); text != "" {
		h.evidence = append(h.evidence, text)
	}
	h.evidence = append(h.evidence, "Meanwhile: "+insideText(s.inside)+".")
	if n := len(s.parts); n > 1 {
		var names []string
		for _, c := range s.parts {
			names = append(names, c.function)
		}
		h.evidence = append(h.evidence, "Code that waits for it: "+strings.Join(names, ", ")+".")
	}
	return h
}

// whoWaits is the code with the most time in sections.
func (l *look) whoWaits(parts []*section) code {
	by := map[code]int64{}
	for i := range l.account.chains {
		c := &l.account.chains[i]
		for _, w := range c.Waits {
			if at := l.sectionAt(w); at != nil && slices.Contains(parts, at) {
				by[waiter(w.Stack, at.known)] += c.NS
				break
			}
		}
	}
	var best code
	for c, ns := range by {
		if ns > by[best] || ns == by[best] && cmp.Or(cmp.Compare(c.function, best.function),
			cmp.Compare(c.at, best.at)) < 0 {
			best = c
		}
	}
	return best
}

// serialClause says who waits for what, and what stands behind it.
func (l *look) serialClause(s *serial, who code) string {
	c := s.most
	util := percent(float64(c.busy.ns()) / float64(max(1, l.end-l.begin)))
	doing := l.elsewhere(s.explains, s.parts) + mostly(s.inside, "it")
	what := "a place in a semaphore (" + c.reason + ")"
	switch {
	case c.known != nil:
		what = c.known.What
	case c.isShared():
		return fmt.Sprintf("%s waits (%s) for a result that another goroutine there makes for all, %s of the "+
			"time (%s×), %s", named(who), c.reason, util, report.FormatCount(c.waits.count), doing)
	}
	if s.semaphore {
		doing = l.elsewhere(s.explains, s.parts) + mostly(s.inside, "who has one")
		return fmt.Sprintf("%s waits for %s: none is free %s of the time (%s), %s", named(who), what, util,
			c.holdTimes(), doing)
	}
	holder := "another goroutine there"
	if h := l.holder(c); h.function != who.function && h.function != "" {
		holder = h.local()
	}
	return fmt.Sprintf("%s queues for %s that %s holds %s of the time (%s), %s%s", named(who), what, holder, util,
		c.holdTimes(), doing, l.writerWaits(s))
}

// holdTimes is how often a section was held while others waited, and for how long.
func (c *section) holdTimes() string {
	h := &c.releases.holds
	if h.Count() == 0 {
		return report.FormatNumber(c.waits.count, "wait")
	}
	return fmt.Sprintf("%s×, %s each", report.FormatCount(h.Count()), report.FormatDuration(h.Sum()/h.Count()))
}

// holdsText is what is known of the times for which a section was held, and by whom.
func (l *look) holdsText(s *serial) string {
	c := s.most
	h := &c.releases.holds
	if h.Count() == 0 {
		return ""
	}
	var by []string
	for _, x := range l.holders(c) {
		if len(by) < insideNamed {
			by = append(by, percent(float64(x.ns)/float64(max(1, h.Sum())))+" by "+named(x.code))
		}
	}
	var times []string
	for _, p := range h.Percentiles([]stats.Quantile{stats.P50, stats.P99}) {
		if p.NS != nil {
			times = append(times, p.Name+" "+report.FormatDuration(*p.NS))
		}
	}
	return fmt.Sprintf("Held while others waited for %s of the time: %s, %s; %s.",
		percent(float64(c.busy.ns())/float64(max(1, l.end-l.begin))), c.holdTimes(), strings.Join(times, ", "),
		strings.Join(by, ", "))
}

// writerWaits says, of readers of an RWMutex, whether the writer that they wait for waits itself, for
// readers that came earlier.
func (l *look) writerWaits(s *serial) string {
	if s.most.known == nil || !s.most.known.Readers {
		return ""
	}
	var behind, all int64
	for _, i := range s.explains.chains {
		c := &l.account.chains[i]
		all += c.NS
		for k := 1; k < len(c.Waits); k++ {
			a, b := l.sectionAt(c.Waits[k-1]), l.sectionAt(c.Waits[k])
			if a != nil && b != nil && a.known != nil && b.known != nil && a.known.Readers && !b.known.Readers &&
				a.known.Pair == b.known.Pair {
				behind += c.NS
				break
			}
		}
	}
	if 4*behind < all {
		return ""
	}
	return "; " + percent(float64(behind)/float64(max(1, all))) + " of it behind a writer that itself waits for readers"
}

// underLock is what to do about a lock, by what its holder does.
var underLock = map[blocking.Kind]string{
	blocking.KindSyscall: "Do that outside of the lock, or gather several into one call.",
	blocking.KindNetwork: "Do not wait for the network with the lock in hand.",
	blocking.KindTimer:   "Do not sleep with the lock in hand: unlock before and lock again after.",
	blocking.KindRunning: "Do less under the lock, split it, or let one goroutine do the work for all.",
	blocking.KindGC:      "Allocate outside of the lock, and less.",
	blocking.KindQueued:  "Hold the lock for less: who has it waits for a P meanwhile.",
	blocking.KindOffCPU:  "Hold the lock for less: who has it lacks a CPU meanwhile.",
	blocking.KindWakeUp:  "Hold the lock for less, or take it less often: it is handed on to goroutines that sleep.",
}

func (s *serial) advice() string {
	kind, _ := kinds(s.inside)
	if s.semaphore {
		limit := ""
		if s.most.known != nil {
			limit = " (" + s.most.known.Limit + ")"
		}
		return "Hold a place for less, or let more through at a time" + limit + "."
	}
	if s.most.known == nil || !s.most.known.Lock {
		return "Make what they wait for shorter, or let fewer need it at a time."
	}
	return cmp.Or(underLock[kind], "Hold the lock for less, or split it.")
}

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
	by := map[replay.EntryID]*queue{}
	for _, c := range l.inOrder {
		o := &c.others
		if c.isSerial() || !l.isWaitedFor(c) || float64(o.entry.sum) < mostOfOutsiders*float64(o.sumNS) ||
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

// isWaitedFor says whether several goroutines wait in a section, themselves or for one that does.
func (l *look) isWaitedFor(c *section) bool {
	var own, all int64
	e := l.throughSections(func(d *section) bool { return d == c })
	for _, i := range e.chains {
		x := &l.account.chains[i]
		all += x.NS
		if l.sectionAt(x.Waits[0]) == c {
			own += x.NS
		}
	}
	return all > 0 && (c.waiters.n > 1 || 2*own < all)
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
