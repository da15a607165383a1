package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// callKey is a call that the program made of a function in the table, by the caller's stack.
type callKey struct {
	call  int
	stack format.StringID
}

// askable is what a program can ask of the runtime that has all goroutines pay, the outer ones first.
var askable = []struct {
	function string
	cycle    bool // it is a cycle of the collector
	// what the runtime calls its stops of the world, or how that begins (go1.22–1.27
	// src/runtime/proc.go, stwReasonStrings)
	stop   string
	advice string
}{
	{"runtime/debug.FreeOSMemory", true, "", "Leave it to the scavenger (GOMEMLIMIT), or do it much less often."},
	{"runtime.GC", true, "", "Leave it to the collector (GOGC, GOMEMLIMIT), or do it much less often."},
	{"runtime.ReadMemStats", false, "read mem stats",
		"Read runtime/metrics instead, which stops nothing, or less often."},
	{"runtime.GoroutineProfile", false, "goroutine profile", "Take profiles of goroutines less often."},
	{"runtime/pprof.runtime_goroutineProfileWithLabels", false, "goroutine profile",
		"Take profiles of goroutines less often."},
	{"runtime.Stack", false, "all goroutines stack trace", "Print the stacks of all goroutines less often."},
	{"runtime.GOMAXPROCS", false, "GOMAXPROCS", "Set GOMAXPROCS once; asking for it with 0 stops nothing."},
	{"runtime/debug.WriteHeapDump", false, "write heap dump", "Write heap dumps less often."},
}

// callIn is the row of the table whose function is on a stack, −1 for none.
func callIn(text string) int {
	for i := range askable {
		if calls(text, askable[i].function) {
			return i
		}
	}
	return -1
}

const minCalls = 3 // of a function, and as many a second: less hurts nobody

// explicitGC looks for cycles that the program asks for.
func explicitGC(l *look) (hits []hit) {
	for i := range askable {
		if !askable[i].cycle {
			continue
		}
		sum, at := l.callsOf(i)
		if sum.count < minCalls || l.perSecond(sum.count) < 1 {
			continue
		}
		text := fmt.Sprintf("%s calls %s %s (%.3g a second), which takes %s in all, %s at most, and collects garbage "+
			"on the Ps that others wait for", named(at), short(i), report.FormatNumber(sum.count, "time"),
			float64(sum.count)/l.seconds(), report.FormatDuration(sum.sumNS), report.FormatDuration(sum.maxNS))
		all := l.gc.owned()
		within := l.through(func(text string) bool { return calls(text, askable[i].function) })
		explains := l.account.which(within)
		if all {
			explains = l.forCollector(within)
		}
		hits = append(hits, hit{code: at, behind: askable[i].function, explains: explains, clause: text,
			advice: askable[i].advice, evidence: []string{
				fmt.Sprintf("There were %s of the collector.", report.FormatNumber(l.gc.cycles, "cycle"))}})
	}
	return hits
}

// short is a function's name without the folders of its package.
func short(i int) string { return stack.Local(askable[i].function) }

// callsOf are the calls of a function and the place with the most.
func (l *look) callsOf(call int) (sum waits, at code) {
	by := map[format.StringID]int64{}
	for key, k := range l.gc.calls {
		if key.call == call {
			sum.sum(*k)
			by[key.stack] += k.sumNS + 1
		}
	}
	return sum, l.heaviest(by)
}

// through says of chains whether a stack on the way matches.
func (l *look) through(match func(stack string) bool) func(*blocking.Chain) bool {
	places, leaves := map[*blocking.Place]bool{}, map[*blocking.Leaf]bool{}
	return func(c *blocking.Chain) bool {
		for _, w := range c.Waits {
			if _, known := places[w]; !known {
				places[w] = match(w.Stack)
			}
			if places[w] {
				return true
			}
		}
		if _, known := leaves[c.Cause]; !known {
			leaves[c.Cause] = match(c.Cause.Stack)
		}
		return leaves[c.Cause]
	}
}

// explicitStop looks for stops of the world that the program asks for.
func explicitStop(l *look) (hits []hit) {
	done := map[string]bool{}
	for i := range askable {
		name := askable[i].stop
		if name == "" || done[name] {
			continue
		}
		done[name] = true
		if h, ok := l.asked(name); ok {
			hits = append(hits, h)
		}
	}
	return hits
}

// asked are the stops of a name.
func (l *look) asked(name string) (hit, bool) {
	stops := l.stopsOf(func(reason string) bool { return strings.Contains(reason, "("+name) })
	if stops.count < minCalls || l.perSecond(stops.count) < 1 {
		return hit{}, false
	}
	first, at := -1, code{}
	for i := range askable {
		if askable[i].stop != name {
			continue
		}
		if _, by := l.callsOf(i); first < 0 || at.function == "" && by.function != "" {
			first, at = i, by
		}
	}
	who := short(first)
	if at.function != "" {
		who = named(at) + " calls " + who + ", which"
	}
	share := float64(stops.sumNS) / float64(max(1, l.watchedNS))
	text := fmt.Sprintf("%s stopped the world %s (%.3g a second), %s in all, %s at most", who,
		report.FormatNumber(stops.count, "time"), float64(stops.count)/l.seconds(), report.FormatDuration(stops.sumNS),
		report.FormatDuration(stops.maxNS))
	within := l.through(func(text string) bool {
		i := callIn(text)
		return i >= 0 && askable[i].stop == name
	})
	return hit{code: at, behind: askable[first].function, extent: share, clause: text, advice: askable[first].advice,
		evidence: []string{fmt.Sprintf("The world was stopped for %s of the time.", report.FormatShare(share))},
		explains: l.account.which(func(c *blocking.Chain) bool {
			return c.Cause.Kind == blocking.KindSTW && strings.Contains(c.Cause.Name, "("+name) || within(c)
		})}, true
}

// stopsOf are the stops of the world whose reasons match.
func (l *look) stopsOf(match func(reason string) bool) (out waits) {
	for id, w := range l.gc.stops {
		if match(l.names.Reason(id)) {
			out.sum(w)
		}
	}
	return out
}

// isOtherStop says whether a stop of the world is neither the collector's nor one that the table of
// what can be asked knows.
func isOtherStop(reason string) bool {
	return !strings.Contains(reason, "(GC ") && !slices.ContainsFunc(askableStops(), func(name string) bool {
		return strings.Contains(reason, "("+name)
	})
}

func askableStops() (names []string) {
	for i := range askable {
		if name := askable[i].stop; name != "" {
			names = append(names, name)
		}
	}
	return names
}
