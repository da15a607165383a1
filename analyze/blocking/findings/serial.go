package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
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
func (l *look) average(ns int64) float64 { return float64(ns) / float64(max(1, l.watchedNS)) }

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

// serials are the sections in which goroutines let one another through. They are worked out once for
// the rules that ask.
func (l *look) serials() []*serial {
	if l.serial == nil {
		l.serial = l.findSerials()
	}
	return l.serial
}

func (l *look) findSerials() []*serial {
	out, of := []*serial{}, map[*section]*serial{}
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

// From where on one of several locks of a function is one too many goroutines want.
const (
	minShards = 3
	hotShare  = 0.5 // of the time of the waits
	hotFactor = 2   // times the part that it had if all were alike
)

// isHot says whether most of the waits are for one of several locks.
func (s *serial) isHot() bool {
	t := &s.most.objects
	n, share := len(t.sums), t.most()
	return !s.sleeps() && n >= minShards && share >= hotShare && share*float64(n) >= hotFactor
}

func serialSections(l *look) []hit {
	return l.serialHits(func(s *serial) bool { return !s.sleeps() && !s.isHot() })
}

func sleepsUnderLock(l *look) []hit { return l.serialHits((*serial).sleeps) }

func hotShards(l *look) []hit { return l.serialHits((*serial).isHot) }

// what names the thing that they wait for.
func (s *serial) what() string {
	c := s.most
	what := "a place in a semaphore (" + c.reason + ")"
	if c.known != nil {
		what = c.known.What
	}
	switch n := len(c.objects.sums); {
	case s.isHot():
		return fmt.Sprintf("%s (one of %s there, with %s of the waits)", what, atLeast(n), percent(c.objects.most()))
	case n > 1:
		return fmt.Sprintf("%s (one of %s there)", what, atLeast(n))
	}
	return what
}

// atLeast is a number of what is tallied.
func atLeast(n int) string {
	if n == maxTallied {
		return fmt.Sprintf("%d or more", n)
	}
	return fmt.Sprint(n)
}

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
	util := percent(float64(c.busy.ns()) / float64(max(1, l.watchedNS)))
	doing := l.elsewhere(s.explains, s.parts) + mostly(s.inside, "it")
	what := s.what()
	if c.known == nil && c.isShared() {
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
		percent(float64(c.busy.ns())/float64(max(1, l.watchedNS))), c.holdTimes(), strings.Join(times, ", "),
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
	if own := itself(s.inside); own != nil && own.share >= minOwn {
		kind = own.leaf.Kind
	}
	if s.isHot() {
		return "Spread what is behind that lock over more of them (another key), or make it cheaper."
	}
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
	if kind == blocking.KindNetwork && writes(s.inside[0].leaf) {
		return "Do not write with the lock in hand: have one goroutine write for all, from a channel."
	}
	return cmp.Or(underLock[kind], "Hold the lock for less, or split it.")
}
