package goroutines

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// isAwaited says whether others wait for goroutines of the group, or did for long.
func (s *suspect) isAwaited() bool {
	a := &s.all
	return a.now > 0 || lived(a.life, s.durationNS()*s.Count) && share(a.awaited, a.life) >= awaitedShare
}

// keepsOthers holds for goroutines that others wait for.
func keepsOthers(s *suspect) string {
	a := &s.bottlenecks
	n := len(a.ids)
	if n == 0 {
		return ""
	}
	s.Awaited = &Awaited{Now: a.now, Average: share(a.awaited, s.durationNS()), Spent: a.spent(s.pass.names)}
	text := awaitedText(s.Awaited, n) + "; " + spentText(s.Awaited.Spent)
	if int64(n) == s.Count {
		return text
	}
	var ids []string
	for _, id := range a.ids[:min(namedMembers, n)] {
		ids = append(ids, strconv.FormatInt(int64(id), 10))
	}
	if n > namedMembers {
		ids = append(ids, "…")
	}
	return fmt.Sprintf("%s of them (%s): %s", report.FormatCount(int64(n)), strings.Join(ids, ", "), text)
}

// namedMembers is how many goroutines of a group are named by their ids.
const namedMembers = 3

// queuedBehind holds for goroutines that spend their time waiting for others.
func queuedBehind(s *suspect) string {
	waited := share(s.all.blocked, s.all.life)
	if !lived(s.all.life, s.durationNS()*s.Count) || waited < queuedShare {
		return ""
	}
	name, part := s.holder()
	if name == "" {
		return ""
	}
	text := fmt.Sprintf("waits %s of the time", report.FormatShare(waited))
	if part < sole {
		text += fmt.Sprintf(", %s of that", report.FormatShare(part))
	}
	return text + " behind " + name
}

// sole is the share of a wait from which on it is as good as all of it.
const sole = 0.95

// holder names who a group's goroutines waited for most, and for which part of their waits.
func (s *suspect) holder() (name string, part float64) {
	type sum struct {
		ns   int64
		last format.GoID
		same bool // goroutines of the same function
		one  bool
	}
	sums, all := map[string]*sum{}, int64(0)
	for _, entry := range s.entries() {
		for _, h := range s.pass.queue.Holders(s.PID, entry) {
			name := stack.Function(stack.Culprit(s.pass.names.Stack(h.Stack)))
			if name == "" && h.Entry != replay.UnknownEntry {
				name = s.pass.names.Entry(h.Entry)
			}
			k := sums[name]
			if k == nil {
				k = &sum{last: h.Last, same: h.Entry == entry, one: true}
				sums[name] = k
			}
			k.ns += h.NS
			k.one = k.one && k.last == h.Last
			all += h.NS
		}
	}
	best := ""
	for n, k := range sums {
		if n != "" && (best == "" || k.ns > sums[best].ns || k.ns == sums[best].ns && n < best) {
			best = n
		}
	}
	if best == "" {
		return "", 0
	}
	k := sums[best]
	name = stack.Local(best)
	if g := s.now.find(replay.GoroutineID{PID: s.PID, GoID: k.last}); g != nil && k.one && !k.same {
		s.Behind = k.last
	}
	if k.same {
		name = "another of these, in " + name
	}
	return name, share(k.ns, all)
}

func (s *suspect) entries() (out []replay.EntryID) {
	for _, m := range s.members {
		if !slices.Contains(out, m.entry) {
			out = append(out, m.entry)
		}
	}
	return out
}

// writes says whether the group waits to write.
func (s *suspect) writes() bool {
	t := stack.TransferOf(s.Stack)
	return s.class == replay.ClassNetwork && t.Direction == stack.DirectionWrite && !t.Connects
}

// cannotWrite holds for who has waited to write as long as no reader leaves anybody waiting.
func cannotWrite(s *suspect) string {
	if !s.writes() || s.YoungestNS < leastNS || s.site != nil && s.YoungestNS <= growthFactor*s.site.longestNS {
		return ""
	}
	return fmt.Sprintf("%s for %s: nobody reads the other end", transfer(s.Stack), report.FormatDuration(s.YoungestNS))
}

// slowReader holds for who spends its time waiting to write.
func slowReader(s *suspect) string {
	if !s.writes() {
		return ""
	}
	for _, x := range s.all.spent(s.pass.names) {
		if x.What == transfer(s.Stack) && x.Share >= queuedShare {
			return fmt.Sprintf("%s for %s of the time: the reader at the other end is slow", x.What,
				report.FormatShare(x.Share))
		}
	}
	return ""
}
