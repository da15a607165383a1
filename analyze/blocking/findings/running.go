package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// taker is a thread's name and how long ready threads waited for it.
type taker struct {
	name string
	ns   int64
}

// isOthers says whether a root cause is that the thread of another program had the CPU.
func isOthers(c *blocking.Leaf) bool {
	return c.Kind == blocking.KindOffCPU && c.Name != "" && !c.Own &&
		format.ParseReason(c.Name) != format.ReasonSwapper
}

// others are the threads of other programs that had the CPU of ready threads, the worst first.
func (l *look) others() (list []taker) {
	by := map[string]int64{}
	for i := range l.account.chains {
		if c := &l.account.chains[i]; c.Direct() && isOthers(c.Cause) {
			by[c.Cause.Name] += c.NS
		}
	}
	for name, ns := range by {
		list = append(list, taker{name, ns})
	}
	slices.SortFunc(list, func(a, b taker) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.name, b.name)) })
	return list
}

// who is the taker's name. That of the recorder is explained: it is no neighbour that could be
// moved.
func (t *taker) who() string {
	if t.name == "gosched" {
		return t.name + " (the recorder)"
	}
	return t.name
}

// maxTakers is how many names are given.
const maxTakers = 8

func cpuContention(l *look) []hit {
	list := l.others()
	if len(list) == 0 {
		return nil
	}
	var had []string
	var sumNS int64
	for i, t := range list {
		if sumNS += t.ns; i < maxTakers {
			had = append(had, fmt.Sprintf("%s (%s)", t.name, report.FormatDuration(t.ns)))
		}
	}
	if n := len(list) - len(had); n > 0 {
		had = append(had, fmt.Sprintf("%d more", n))
	}
	who := list[0].who()
	h := hit{code: code{function: who}, behind: who, explains: l.account.causedBy(isOthers),
		clause: fmt.Sprintf("threads with a goroutine on them had no CPU for %s, because other programs had it, %s "+
			"the most (%s)", report.FormatDuration(sumNS), who, report.FormatDuration(list[0].ns)),
		evidence: []string{
			fmt.Sprintf("Threads with a goroutine on them were ready for %s while threads of other processes had the "+
				"CPU: %s.", report.FormatDuration(sumNS), strings.Join(had, ", ")),
		}}
	if len(throttled(l)) > 0 {
		h.evidence = append(h.evidence, "Some of it may be the quota's: a thread that the quota stops leaves its "+
			"CPU to others.")
	}
	return []hit{h}
}

// throttling is the times in which ready threads had no CPU although theirs was idle, and the
// limits then.
type throttling struct {
	waits
	leastQuota, mostQuota float64
	leastProcs, mostProcs float64
}

func (t *throttling) take(ns int64, procs, quota float64) {
	if t.count == 0 {
		t.leastQuota, t.leastProcs = quota, procs
	}
	t.waits.take(ns)
	t.leastQuota, t.mostQuota = min(t.leastQuota, quota), max(t.mostQuota, quota)
	t.leastProcs, t.mostProcs = min(t.leastProcs, procs), max(t.mostProcs, procs)
}

func (t *throttling) text() string {
	const text = "A thread with a goroutine on it was ready for 2 ms or more while its CPU was idle: " +
		"%s, %s in all, %s at most."
	return fmt.Sprintf(text, report.FormatNumber(t.count, "time"),
		report.FormatDuration(t.sumNS), report.FormatDuration(t.maxNS))
}

// fromTo is a value that changed, or did not.
func fromTo(least, most float64) string {
	if least == most {
		return fmt.Sprintf("%.3g", least)
	}
	return fmt.Sprintf("%.3g to %.3g", least, most)
}

// withoutCPU are the delays that a quota can be the reason of.
func (l *look) withoutCPU(ns int64) explained {
	return l.account.which(func(c *blocking.Chain) bool {
		return c.Cause.Kind == blocking.KindOffCPU || c.Cause.Kind == blocking.KindWakeUp
	}).atMost(ns)
}

func throttled(l *look) []hit {
	t := &l.throttled
	if t.count < 3 {
		return nil
	}
	quota := fromTo(t.leastQuota, t.mostQuota)
	return []hit{{explains: l.withoutCPU(t.sumNS), behind: "the CPU quota",
		clause: fmt.Sprintf("the quota of %s CPUs stops the process's threads (%s, %s in all)", quota,
			report.FormatNumber(t.count, "time"), report.FormatDuration(t.sumNS)),
		evidence: []string{
			t.text(),
			fmt.Sprintf("The quota is %s CPUs.", quota),
		}}}
}

func procsOverQuota(l *look) []hit {
	t := &l.overQuota
	if t.count < 3 {
		return nil
	}
	clause := fmt.Sprintf("GOMAXPROCS is %s and the CPU quota, which stops the process's threads, %s CPUs",
		fromTo(t.leastProcs, t.mostProcs), fromTo(t.leastQuota, t.mostQuota))
	return []hit{{explains: l.withoutCPU(t.sumNS), behind: "the CPU quota", clause: clause, evidence: []string{
		fmt.Sprintf("GOMAXPROCS is %s and the quota %s CPUs.",
			fromTo(t.leastProcs, t.mostProcs), fromTo(t.leastQuota, t.mostQuota)),
		t.text(),
	}}}
}

func processStopped(l *look) []hit {
	t := &l.suspended
	if t.count == 0 {
		return nil
	}
	share := float64(t.sumNS) / float64(max(1, l.end-l.begin))
	by := strings.Join(l.suspenders, ", ")
	clause := fmt.Sprintf("the process was stopped from outside by %s for %s (%s, %s of the recorded time)", by,
		report.FormatDuration(t.sumNS), report.FormatNumber(t.count, "time"), report.FormatShare(share))
	return []hit{{behind: by, extent: share, clause: clause, evidence: []string{capital(clause) + "."},
		explains: l.account.causedBy(func(c *blocking.Leaf) bool { return c.Kind == blocking.KindStopped })}}
}

// ofRun is a time as a share of that and of how long goroutines ran, for the extent of notes. A
// process that ran for less than a tenth of the recording counts as if it had run for a tenth.
func (l *look) ofRun(ns int64) float64 {
	return float64(ns) / float64(max(1, ns+max(l.ranNS, (l.end-l.begin)/minRan)))
}

func longRun(l *look) []hit {
	if l.long.count < 3 {
		return nil
	}
	place := "The place is where the longest ended, which may be after the code that could not be preempted."
	if l.longStack == format.NullString {
		place = "The longest ended with its goroutine: the place is its entry function."
	}
	at := l.codeOr(l.longStack, l.longEntry)
	ran := fmt.Sprintf("ran on a CPU for 40 ms or more without a break: %s, %s at most",
		report.FormatNumber(l.long.count, "time"), report.FormatDuration(l.long.maxNS))
	return []hit{{code: at, extent: l.ofRun(l.long.sumNS), clause: named(at) + " " + ran,
		evidence: []string{"A goroutine " + ran + ".", place}}}
}

// hog looks for the entry function with the most time in long runs.
func hog(l *look) []hit {
	most := -1
	for id := range l.entries.Len() {
		if k := l.entries.At(uint32(id)); k.hoggedNS > 0 &&
			(most < 0 || k.hoggedNS > l.entries.At(uint32(most)).hoggedNS) {
			most = id
		}
	}
	if most < 0 {
		return nil
	}
	h := *l.entries.At(uint32(most))
	var others entryTime
	for id := range l.entries.Len() {
		if k := l.entries.At(uint32(id)); id != most {
			others.readyNS += k.readyNS
			others.delays += k.delays
			others.maxNS = max(others.maxNS, k.maxNS)
		}
	}
	if 2*h.hoggedNS < l.ranNS || others.delays < 20 {
		return nil
	}
	entry, at := l.names.Entry(replay.EntryID(most)), l.codeOr(h.hogsStack, replay.EntryID(most))
	runs := fmt.Sprintf("%s of 5 ms or more, %s at most", report.FormatNumber(h.hogs, "run"),
		report.FormatDuration(h.longest))
	behind := l.account.causedBy(func(c *blocking.Leaf) bool {
		return c.Kind == blocking.KindQueued && (c.Name == entry || stack.Root(c.Stack) == entry)
	})
	return []hit{{code: at, behind: entry, explains: behind,
		clause: fmt.Sprintf("goroutines that could run wait for a P that goroutines of %s have at %s (%s)",
			stack.Local(entry), named(at), runs),
		evidence: []string{
			fmt.Sprintf("Goroutines of %s had %s: %s of all running time.", entry, runs, part(h.hoggedNS, l.ranNS)),
			fmt.Sprintf("Others waited 1 ms or more to run: %s, %s in all, %s at most.",
				report.FormatNumber(others.delays, "time"), report.FormatDuration(others.readyNS),
				report.FormatDuration(others.maxNS)),
		}}}
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
	share := float64(stops.sumNS) / float64(max(1, l.end-l.begin))
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
	return []hit{{extent: sum.GapShare(), evidence: []string{
		fmt.Sprintf("Events were lost or not looked for during %s of the time, in %s.",
			report.FormatShare(sum.GapShare()), report.FormatNumber(sum.Gaps, "gap")),
	}}}
}
