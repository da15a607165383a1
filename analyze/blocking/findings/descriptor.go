package findings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

const (
	maxAtStack = 256     // descriptors that are told apart at a stack
	maxAtAll   = 1 << 14 // and at all of them together
	maxNamed   = 3       // of those at a stack that are named
)

// descriptors are what goroutines were seen to wait for, or to have system calls on.
type descriptors struct {
	open map[format.GoID]format.Descriptor // of those that wait still
	at   map[format.StringID]map[format.Descriptor]int64
	n    int // how many are told apart
}

func newDescriptors() descriptors {
	return descriptors{at: map[format.StringID]map[format.Descriptor]int64{}}
}

// Descriptor implements replay.DescriptorPass.
func (p *Pass) Descriptor(d replay.Descriptor) {
	q := &p.process(d.PID).descriptors
	if q.open == nil {
		q.open = map[format.GoID]format.Descriptor{}
	}
	q.open[d.GoID] = d.What
}

// ended notes where the goroutine of a span was that waited for a descriptor.
func (d *descriptors) ended(s *replay.Span) {
	if len(d.open) == 0 {
		return
	}
	what, seen := d.open[s.GoID]
	if !seen {
		return
	}
	delete(d.open, s.GoID)
	if d.at[s.Stack] == nil && len(d.at) < maxStacks {
		d.at[s.Stack] = map[format.Descriptor]int64{}
	}
	switch at := d.at[s.Stack]; {
	case at[what] > 0:
		at[what]++
	case at != nil && len(at) < maxAtStack && d.n < maxAtAll:
		at[what] = 1
		d.n++
	}
}

// ranked are the descriptors that were seen at a stack, the most frequent first.
func (l *look) ranked(text string) (list []format.Descriptor, seen map[format.Descriptor]int64, all int64) {
	seen = map[format.Descriptor]int64{}
	for id, at := range l.descriptors.at {
		if l.names.Stack(id) != text {
			continue
		}
		for what, n := range at {
			seen[what] += n
			all += n
		}
	}
	list = slices.SortedFunc(maps.Keys(seen), func(a, b format.Descriptor) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a.String(), b.String()))
	})
	return list, seen, all
}

// mostAt is the descriptor that was seen most at a stack, if that is most of what was.
func (l *look) mostAt(text string) string {
	list, seen, all := l.ranked(text)
	if len(list) == 0 || 2*seen[list[0]] <= all {
		return ""
	}
	return list[0].Text()
}

// seenAt names the descriptors that were seen at a stack; nothing where none was.
func (l *look) seenAt(text string) []string {
	list, seen, all := l.ranked(text)
	if all == 0 {
		return nil
	}
	var texts []string
	for _, what := range list[:min(len(list), maxNamed)] {
		texts = append(texts, fmt.Sprintf("%s (%s×)", what, report.FormatCount(seen[what])))
	}
	if more := len(list) - len(texts); more > 0 {
		texts = append(texts, report.FormatNumber(int64(more), "other"))
	}
	return []string{"Seen there at " + report.FormatNumber(all, "look") + ": " + strings.Join(texts, ", ") + "."}
}

// transferSayings is what can be said of waits for the poller that move data, by direction, beside what
// package net does for one that reads.
var transferSayings = map[stack.Direction]general{
	stack.DirectionWrite: {"", "is blocked in a write{on} in {code}", "blocked write in {code}",
		"Find out why the other end reads so slowly; write less, or do not have others wait meanwhile."},
	stack.DirectionRead: {"", "waits to read{on} in {code}", "read in {code}",
		"Find out why the other end writes so slowly, or do not have others wait meanwhile."},
}

// saying is what can be said of a root cause, with the descriptor that was seen there most.
func (l *look) saying(c *blocking.Leaf) general {
	say, on := generalOf(c), l.mostAt(c.Stack)
	t := stack.TransferOf(c.Stack)
	if c.Kind == blocking.KindNetwork && t.Transfers() && (t.File || t.Direction == stack.DirectionWrite) {
		say = transferSayings[t.Direction]
	}
	if on != "" {
		on = prepositions[t.Direction] + on
	}
	say.direct = strings.ReplaceAll(say.direct, "{on}", on)
	say.awaited = strings.ReplaceAll(say.awaited, "{on}", on)
	return say
}

var prepositions = map[stack.Direction]string{
	stack.DirectionNone: " on ", stack.DirectionRead: " from ", stack.DirectionWrite: " to ",
}

// writes says whether a root cause is a write that its descriptor does not take.
func writes(c *blocking.Leaf) bool {
	return stack.TransferOf(c.Stack).Writes()
}
