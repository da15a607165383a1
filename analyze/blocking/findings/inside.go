package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay/stack"
)

// inside is what those do that others wait for: the root causes at the ends of some chains, the most
// first. Shares are of the time of these chains.
type inside struct {
	leaf  *blocking.Leaf // the heaviest of its cause
	say   general
	ns    int64
	share float64
}

// inside are the root causes of what is explained.
func (l *look) inside(e explained) (list []inside) {
	at := map[cause]int{}
	var all int64
	for _, i := range e.chains {
		c := &l.account.chains[i] // the longest first: the first of a cause has its heaviest leaf
		key := cause{c.Cause.Kind, c.Cause.Name, c.Cause.Syscall}
		if _, ok := at[key]; !ok {
			at[key] = len(list)
			list = append(list, inside{leaf: c.Cause, say: l.saying(c.Cause)})
		}
		list[at[key]].ns += c.NS
		all += c.NS
	}
	slices.SortStableFunc(list, func(a, b inside) int { return cmp.Compare(b.ns, a.ns) })
	for i := range list {
		list[i].share = float64(list[i].ns) / float64(max(1, all))
	}
	return list
}

// kinds are the root causes by kind alone, the most first: many small ones may be of one sort.
func kinds(list []inside) (most blocking.Kind, share float64) {
	by := map[blocking.Kind]float64{}
	for _, x := range list {
		if by[x.leaf.Kind] += x.share; by[x.leaf.Kind] > share {
			most, share = x.leaf.Kind, by[x.leaf.Kind]
		}
	}
	return most, share
}

// does says what it does in words that go on after "it".
func (x *inside) does() string { return fill(x.leaf, x.say.awaited) }

// behind names it.
func (x *inside) behind() string { return fill(x.leaf, x.say.behind) }

// without are kinds of causes that many small ones may be of: who has the CPU or the P differs from one
// time to the next.
var without = map[blocking.Kind]string{
	blocking.KindOffCPU: "has no CPU, which other threads have, %s the most",
	blocking.KindQueued: "could run and waits for a P, which others have, %s the most",
}

// minOwn is the share from which on what somebody does himself is said first, and is what the advice
// is about: that he lacked a CPU or a P meanwhile is often the machine's affair.
const minOwn = 0.2

// itself is the first of the causes that is neither want of a CPU nor of a P, nil where there is none.
func itself(list []inside) *inside {
	for i := range list {
		if without[list[i].leaf.Kind] == "" {
			return &list[i]
		}
	}
	return nil
}

// mostly says what goes on inside for the largest part, and how large that is.
func mostly(list []inside, who string) string {
	kind, share := kinds(list)
	text, ok := without[kind]
	first, own := &list[0], itself(list)
	if !ok || share <= first.share && first == own {
		return fmt.Sprintf("%s of it while %s %s", percent(first.share), who, first.does())
	}
	i := slices.IndexFunc(list, func(x inside) bool { return x.leaf.Kind == kind })
	lacks := fmt.Sprintf("%s of it while %s "+text, percent(share), who, list[i].whose())
	switch {
	case own == nil:
		return lacks
	case own.share >= minOwn:
		return fmt.Sprintf("%s of it while %s %s, and %s", percent(own.share), who, own.does(), lacks)
	}
	return fmt.Sprintf("%s, and %s while %s %s", lacks, percent(own.share), who, own.does())
}

// whose names who had the CPU or the P.
func (x *inside) whose() string {
	if x.leaf.Kind == blocking.KindOffCPU && x.leaf.Own {
		return "this program's own"
	}
	return code{function: x.leaf.Name}.local()
}

// minElsewhere is the share of waits from which on it is said that those who hold a section wait
// themselves.
const minElsewhere = 0.3

// elsewhere says where those that others wait for wait themselves, nearest to the root cause. It is
// empty where they hardly do.
func (l *look) elsewhere(e explained, parts []*section) string {
	by := map[code]int64{}
	var all int64
	var most code
	for _, i := range e.chains {
		c := &l.account.chains[i]
		all += c.NS
		last := c.Waits[len(c.Waits)-1]
		at := l.sectionAt(last)
		if at == nil || slices.Contains(parts, at) {
			continue
		}
		who := waiter(last.Stack, at.known)
		if by[who] += c.NS; by[who] > by[most] || by[who] == by[most] && who.function < most.function {
			most = who
		}
	}
	if share := float64(by[most]) / float64(max(1, all)); share >= minElsewhere {
		return fmt.Sprintf("%s of it waiting in %s itself, ", percent(share), named(most))
	}
	return ""
}

// insideNamed is how many of them evidence names.
const insideNamed = 4

// insideText lists the largest.
func insideText(list []inside) string {
	var out []string
	for i := range list[:min(len(list), insideNamed)] {
		out = append(out, percent(list[i].share)+" "+list[i].behind())
	}
	return strings.Join(out, ", ")
}

// throughSections are the chains that lead through waits in sections. What the process was stopped from
// outside is left out: it is a finding of its own.
func (l *look) throughSections(match func(*section) bool) explained {
	return l.account.which(func(c *blocking.Chain) bool {
		return c.Cause.Kind != blocking.KindStopped && slices.ContainsFunc(c.Waits, func(w *blocking.Place) bool {
			at := l.sectionAt(w)
			return at != nil && match(at)
		})
	})
}

// sectionAt is the section of a place, nil where it belongs to none.
func (l *look) sectionAt(w *blocking.Place) *section {
	if at, ok := l.known[w]; ok {
		return at
	}
	at := l.process.sections[keyOf(w.Reason, w.Stack)]
	l.known[w] = at
	return at
}

// waiter is the code that waits at a stack: not a frame of what it waits with.
func waiter(text string, known *blocking.Section) code {
	if known == nil {
		return codeOf(text)
	}
	return frame(stack.Caller(text, known.Package))
}
