package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

func processStopped(l *look) []hit {
	t := &l.suspended
	if t.count == 0 {
		return nil
	}
	share := float64(t.sumNS) / float64(max(1, l.watchedNS))
	by := strings.Join(l.suspenders, ", ")
	clause := fmt.Sprintf("the process was stopped from outside by %s for %s (%s, %s of the recorded time)", by,
		report.FormatDuration(t.sumNS), report.FormatNumber(t.count, "time"), report.FormatShare(share))
	return []hit{{behind: by, extent: share, clause: clause, evidence: []string{capital(clause) + "."},
		explains: l.account.causedBy(func(c *blocking.Leaf) bool { return c.Kind == blocking.KindStopped })}}
}

// ofRun is a time as a share of that and of how long goroutines ran, for the extent of notes. A
// process that ran for less than a tenth of the recording counts as if it had run for a tenth.
func (l *look) ofRun(ns int64) float64 {
	return float64(ns) / float64(max(1, ns+max(l.ranNS, l.watchedNS/minRan)))
}

// minLong is how many runs must not have been preempted: one may be the runtime's own delay.
const minLong = 3

// refuses says whether the goroutines go on when the runtime asks for the P. Where most of them heed
// it, the others were asked late, as on a machine that has too few CPUs.
func (k *entryTime) refuses() bool { return k.long.count >= minLong && 2*k.long.sumNS >= k.askedNS }

func longRun(l *look) (hits []hit) {
	for id := range l.entries.Len() {
		if k := l.entries.At(uint32(id)); k.refuses() {
			hits = append(hits, l.refused(replay.EntryID(id), k))
		}
	}
	return hits
}

// refused says it of the goroutines with an entry function.
func (l *look) refused(entry replay.EntryID, k *entryTime) hit {
	j := job{k, l.names.Entry(entry)}
	at, place := l.codeOr(k.longStack, entry), ""
	switch {
	case sum(k.sampled) >= minSamples:
		at, place = l.jobCode(j), "The place is the one with the most on-CPU samples."
	case k.longStack == format.NullString:
		place = "The longest ended with its goroutine: the place is its entry function."
	default:
		place = "The place is where the longest ended, which may be after the code that could not be preempted."
	}
	ran := fmt.Sprintf("ran on a CPU for 40 ms or more at a time: %s, %s at most",
		report.FormatNumber(k.long.count, "time"), report.FormatDuration(k.long.maxNS))
	asked := fmt.Sprintf("Such runs are %s of the time in runs of 10 ms or more: the runtime asks in vain.",
		part(k.long.sumNS, k.askedNS))
	return hit{code: at, extent: l.ofRun(k.long.sumNS - k.long.count*sliceNS), clause: named(at) + " " + ran,
		explains: l.account.causedBy(func(c *blocking.Leaf) bool {
			return c.Kind == blocking.KindQueued && entryOf(c) == j.entry
		}).atMost(k.behindLong),
		evidence: []string{"A goroutine " + ran + ".", asked, place}}
}

// hog looks for the entry function with the most time in long runs. Background work and runs that
// cannot be preempted have rules of their own.
func hog(l *look) []hit {
	most := -1
	for id := range l.entries.Len() {
		if k := l.entries.At(uint32(id)); k.hoggedNS > 0 &&
			(most < 0 || k.hoggedNS > l.entries.At(uint32(most)).hoggedNS) {
			most = id
		}
	}
	if most < 0 || l.entries.At(uint32(most)).refuses() {
		return nil
	}
	h, entry := *l.entries.At(uint32(most)), l.names.Entry(replay.EntryID(most))
	if slices.ContainsFunc(l.background(), func(j job) bool { return j.entry == entry }) {
		return nil
	}
	others := l.otherDelays(most)
	if 2*h.hoggedNS < l.ranNS || others.delays < 20 {
		return nil
	}
	at := l.codeOr(h.hogsStack, replay.EntryID(most))
	runs := fmt.Sprintf("%s of 5 ms or more, %s at most", report.FormatNumber(h.hogs, "run"),
		report.FormatDuration(h.longest))
	return []hit{{code: at, behind: entry, explains: l.delaysBehind([]job{{&h, entry}}),
		clause: fmt.Sprintf("goroutines that could run wait for a P that goroutines of %s have, running until %s (%s)",
			stack.Local(entry), named(at), runs),
		evidence: []string{
			fmt.Sprintf("Goroutines of %s had %s: %s of all running time.", entry, runs, part(h.hoggedNS, l.ranNS)),
			fmt.Sprintf("Others waited 1 ms or more to run: %s, %s in all, %s at most.",
				report.FormatNumber(others.delays, "time"), report.FormatDuration(others.readyNS),
				report.FormatDuration(others.maxNS)),
		}}}
}

// otherDelays are those of goroutines with other entry functions.
func (l *look) otherDelays(than int) (others entryTime) {
	for id := range l.entries.Len() {
		if k := l.entries.At(uint32(id)); id != than {
			others.readyNS += k.readyNS
			others.delays += k.delays
			others.maxNS = max(others.maxNS, k.maxNS)
		}
	}
	return others
}

func handoff(l *look) []hit {
	if l.perSecond(l.backFromOS.count) < 100 {
		return nil
	}
	text := fmt.Sprintf("of %[2]s system calls a second, %[1]s ended without a P; goroutines then waited for one: "+
		"%[3]s in all, %[4]s at most",
		report.FormatCount(l.perSecond(l.backFromOS.count)), report.FormatCount(l.perSecond(l.calls)),
		report.FormatDuration(l.backFromOS.sumNS), report.FormatDuration(l.backFromOS.maxNS))
	return []hit{{explains: l.account.delays().atMost(l.backFromOS.sumNS), clause: text,
		evidence: []string{capital(text) + "."}}}
}

// stopTheWorld looks for stops of the world that neither the collector nor a call that is known
// makes.
func stopTheWorld(l *look) []hit {
	stops := l.stopsOf(isOtherStop)
	if stops.count == 0 {
		return nil
	}
	share := float64(stops.sumNS) / float64(max(1, l.watchedNS))
	text := fmt.Sprintf("the world was stopped %s: for %s in all (%s of the time), %s at most",
		report.FormatNumber(stops.count, "time"), report.FormatDuration(stops.sumNS), report.FormatShare(share),
		report.FormatDuration(stops.maxNS))
	return []hit{{extent: share, clause: text, evidence: []string{capital(text) + "."},
		explains: l.account.causedBy(func(c *blocking.Leaf) bool {
			return c.Kind == blocking.KindSTW && isOtherStop(c.Name)
		})}}
}

func growth(l *look) []hit {
	var quarters []int64
	var sum int64
	for i := range int64(4) {
		length := (l.end - l.begin) / 4
		quarters = append(quarters, l.alive.between(l.begin+i*length, l.begin+(i+1)*length))
		sum += quarters[i]
	}
	if sum < 100 || slices.Min(quarters) < 10 {
		return nil
	}
	return []hit{{extent: float64(sum) / float64(max(1, l.goroutines)), evidence: []string{
		fmt.Sprintf("%s were created and %s ended; their number grew by %d, %d, %d and %d in the quarters of the "+
			"recording.",
			report.FormatNumber(l.alive.created, "goroutine"), report.FormatCount(l.alive.exited), quarters[0],
			quarters[1], quarters[2], quarters[3]),
	}}}
}

func gaps(sum *replay.Summary) []hit {
	return []hit{{extent: sum.LostShare(), evidence: []string{
		fmt.Sprintf("Events were lost or not looked for during %s of the time, in %s.",
			report.FormatShare(sum.LostShare()), report.FormatNumber(sum.Gaps-sum.BudgetGaps, "gap")),
	}}}
}
