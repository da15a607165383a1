package referee

import (
	"fmt"
	"slices"
	"sort"

	"github.com/gosched/gosched/format"
)

// edgeNS is how far from the tracer's first and last event a move of ours may be unmatched because
// the tracer was not on yet or not any more.
const edgeNS = 100e6

// maxShown is how many differences a Report describes.
const maxShown = 12

// Options says what to compare. The zero value compares everything.
type Options struct {
	// WaitReasons are the runtime's own names for reasons to wait; nil: not checked.
	WaitReasons map[string]bool
}

// Compare aligns our recording with the tracer's, goroutine by goroutine. A tracer's recording of
// Go 1.21 or earlier has its clock set to ours, and both have the ends of their system calls made
// alike.
func Compare(tracer, ours *Recording, opt Options) *Report {
	c := comparison{report: newReport(), tracer: tracer, ours: ours, opt: opt}
	if tracer.V1() {
		alignClocks(tracer, ours)
		mergeSyscallExits(ours)
	}
	for id, n := range tracer.Differences {
		c.report.Differences[id] += n
	}
	for id, n := range ours.Differences {
		c.report.Differences[id] += n
	}
	c.report.Lost = ours.Lost
	for _, g := range ours.Gaps {
		if g.From <= tracer.End && g.To >= tracer.Begin {
			c.report.Gaps = append(c.report.Gaps, g.Why)
		}
	}
	for _, goid := range goroutines(tracer, ours) {
		c.goroutine(goid, tracer.Moves[goid], c.cut(ours.Moves[goid]))
	}
	if !tracer.V1() {
		c.ranges()
		c.report.Met["range GC mark assist"] = tracer.Assists
	}
	c.report.finish()
	return c.report
}

type comparison struct {
	report *Report
	tracer *Recording
	ours   *Recording
	opt    Options
}

func goroutines(recs ...*Recording) []format.GoID {
	seen := map[format.GoID]bool{}
	var ids []format.GoID
	for _, r := range recs {
		for id := range r.Moves {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// cut leaves the moves between the edges of the tracer's time.
func (c *comparison) cut(moves []Move) []Move {
	lo := sort.Search(len(moves), func(i int) bool { return moves[i].TimeNS >= c.tracer.Begin-edgeNS })
	hi := sort.Search(len(moves), func(i int) bool { return moves[i].TimeNS > c.tracer.End+edgeNS })
	return moves[lo:max(lo, hi)]
}

func kinds(moves []Move) []kind {
	ks := make([]kind, len(moves))
	for i := range moves {
		ks[i] = moves[i].kind()
	}
	return ks
}

// goroutine compares the moves of one goroutine.
func (c *comparison) goroutine(goid format.GoID, theirs, ours []Move) {
	before := c.head(ours)
	pairs := align(kinds(theirs), kinds(ours[before:]))
	for c.straddles(pairs, theirs, ours[:before]) {
		before--
		pairs = align(kinds(theirs), kinds(ours[before:]))
		if c.report.Differences[EdgeOfTrace]++; !c.tracer.V1() {
			break
		}
	}
	ours = ours[before:]
	tail := c.tail(pairs, ours)
	c.report.Differences[EdgeOfTrace] += tail
	shown := false
	for i, p := range pairs {
		switch {
		case p.a >= 0 && p.b >= 0:
			c.matched(goid, &theirs[p.a], &ours[p.b])
			continue
		case p.a >= 0:
			c.report.missing(&theirs[p.a])
		case p.b >= len(ours)-tail:
			continue
		default:
			c.report.extra(&ours[p.b])
		}
		if !shown {
			c.report.show(describe(goid, theirs, ours, pairs, i))
			shown = true
		}
	}
	c.continuity(ours[:len(ours)-tail])
}

// head is how many of the first moves happened before the tracer was on.
func (c *comparison) head(ours []Move) int {
	return sort.Search(len(ours), func(i int) bool { return ours[i].TimeNS >= c.tracer.Begin+c.slack() })
}

// slack is by how much the two recordings' clocks may differ.
func (c *comparison) slack() int64 {
	if c.tracer.V1() {
		return oldClockNS
	}
	return 0
}

// straddles reports whether the tracer's first move is our last one before the tracer was on: our
// probe saw it before the tracer was on, and the runtime asked whether it is on only after. That
// can be one move of a goroutine, not more, for the next one begins later.
func (c *comparison) straddles(pairs []pair, theirs, before []Move) bool {
	if len(pairs) == 0 || pairs[0] != (pair{0, -1}) || len(before) == 0 {
		return false
	}
	missing := 0 // of the tracer's first moves
	for missing < len(pairs) && pairs[missing].b < 0 {
		missing++
	}
	last := &before[len(before)-1]
	return last.kind() == theirs[missing-1].kind() && last.TimeNS >= c.tracer.Begin-straddleNS
}

// tail is how many of the last moves, all without a partner, happened when the tracer was off: all
// that are later than its last event, and one at most that is older, whose probe came before the
// end and whose event would have come after. Where the tracer has moves that we lack, there is no
// such excuse.
func (c *comparison) tail(pairs []pair, ours []Move) int {
	n := 0
	for i := len(pairs) - 1; i >= 0; i-- {
		p := pairs[i]
		if p.a >= 0 {
			break
		}
		if t := ours[p.b].TimeNS; t >= c.tracer.End-c.slack() {
			n++
			continue
		}
		if ours[p.b].TimeNS >= c.tracer.End-straddleNS && (i == 0 || pairs[i-1].b >= 0) {
			n++
		}
		break
	}
	return n
}

// straddleNS bounds the time between our probe of a move and the runtime's event for it, should its
// thread be off the CPU in between.
const straddleNS = 20e6

// matched compares what else is known of two moves of one kind.
func (c *comparison) matched(goid format.GoID, theirs, ours *Move) {
	r := c.report
	k := ours.kind()
	r.kind(k).Matched++
	r.Met[k.String()+" "+ours.Reason]++
	r.skew(ours.TimeNS - theirs.TimeNS)
	if hasReason(k) {
		agree, by := reasonsAgree(ours, theirs, c.tracer.V1())
		if by != "" {
			r.Differences[by]++
		}
		r.check(&r.Reasons, agree, goid, "reason", theirs, ours)
		c.vocabulary(ours)
	}
	if hasCause(k) {
		which := &r.Wakers
		if wasCreated(k) {
			which = &r.Creators
		}
		r.check(which, ours.By == theirs.By, goid, "cause", theirs, ours)
	}
	c.stacks(goid, theirs, ours)
}

// vocabulary checks that the reason is a string of the runtime's.
func (c *comparison) vocabulary(ours *Move) {
	if c.opt.WaitReasons != nil && ours.kind() == park && !c.opt.WaitReasons[ours.Reason] {
		c.report.Strangers[ours.Reason]++
	}
}

func (c *comparison) stacks(goid format.GoID, theirs, ours *Move) {
	r := c.report
	count := map[kind]*Tally{park: &r.ParkStacks, syscallIn: &r.SyscallStacks, yield: &r.YieldStacks,
		create: &r.CreateStacks, createCoro: &r.CreateStacks}[ours.kind()]
	if count == nil {
		return
	}
	if theirs.Stack != nil {
		c.stack(count, goid, theirs, ours, theirs.Stack, ours.Stack)
	}
	if wasCreated(ours.kind()) && theirs.ByStack != nil {
		c.stack(&r.CreatorStacks, goid, theirs, ours, theirs.ByStack, ours.ByStack)
	}
}

func (c *comparison) stack(count *Tally, goid format.GoID, theirs, ours *Move, want, got Stack) {
	rules := stackRules{depth: c.ours.Depth, oldSafePoint: c.tracer.Format < "go 1.25"}
	agree, by := rules.agree(ours.kind(), got, want)
	if agree && by != "" {
		c.report.Differences[by]++
	}
	count.Compared++
	if agree {
		count.Equal++
		return
	}
	c.report.showStack(fmt.Sprintf("g%d %s %q\n  tracer: %s\n  ours:   %s", goid, ours.kind(), ours.Reason, want, got))
}

// continuity counts moves that do not begin where the one before ended.
func (c *comparison) continuity(ours []Move) {
	for i := 1; i < len(ours); i++ {
		if ours[i].From != ours[i-1].To {
			c.report.Broken++
		}
	}
}
