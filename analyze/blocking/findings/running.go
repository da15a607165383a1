package findings

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// maxCommand is how long a thread's name can be (Linux v6.18 include/linux/sched.h, TASK_COMM_LEN
// less the final zero).
const maxCommand = 15

// own says whether a thread's name is that of the process's own threads: the executable's, cut.
func (q *process) own(name string) bool {
	if q.meta == nil {
		return false
	}
	for _, file := range []string{q.meta.Command, q.meta.Executable} {
		base := path.Base(file)
		if base[:min(len(base), maxCommand)] == name {
			return true
		}
	}
	return false
}

// taker is a thread's name and how long ready threads waited for it.
type taker struct {
	name string
	ns   int64
}

// others are the threads of other processes that had the CPU of ready threads, the worst first.
func (l *look) others() (list []taker, sumNS int64) {
	for id, ns := range l.takers {
		if name := l.names.Reason(id); name != "" && format.ParseReason(name) != format.ReasonSwapper && !l.own(name) {
			list = append(list, taker{name, ns})
			sumNS += ns
		}
	}
	slices.SortFunc(list, func(a, b taker) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.name, b.name)) })
	return list, sumNS
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
	list, sumNS := l.others()
	if len(list) == 0 {
		return nil
	}
	var had []string
	for _, t := range list[:min(len(list), maxTakers)] {
		had = append(had, fmt.Sprintf("%s (%s)", t.name, report.FormatDuration(t.ns)))
	}
	if n := len(list) - len(had); n > 0 {
		had = append(had, fmt.Sprintf("%d more", n))
	}
	h := hit{where: list[0].who(), lostNS: sumNS, evidence: []string{
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

func throttled(l *look) []hit {
	t := &l.throttled
	if t.count < 3 {
		return nil
	}
	return []hit{{lostNS: t.sumNS, evidence: []string{
		t.text(),
		fmt.Sprintf("The quota is %s CPUs.", fromTo(t.leastQuota, t.mostQuota)),
	}}}
}

func procsOverQuota(l *look) []hit {
	t := &l.overQuota
	if t.count < 3 {
		return nil
	}
	return []hit{{lostNS: t.sumNS, evidence: []string{
		fmt.Sprintf("GOMAXPROCS is %s and the quota %s CPUs.",
			fromTo(t.leastProcs, t.mostProcs), fromTo(t.leastQuota, t.mostQuota)),
		t.text(),
	}}}
}

func processStopped(sum *replay.Summary) []hit {
	text := sum.SuspensionText(report.FormatDuration)
	if text == "" {
		return nil
	}
	share := float64(sum.SuspendedNS) / float64(max(1, sum.DurationNS()))
	return []hit{{share: share, evidence: []string{
		fmt.Sprintf("%s: %s of the recorded time.", strings.ToUpper(text[:1])+text[1:], report.FormatShare(share)),
	}}}
}

func longRun(l *look) []hit {
	if l.long.count < 3 {
		return nil
	}
	place := "The place is where the longest ended, which may be after the code that could not be preempted."
	if l.longStack == format.NullString {
		place = "The longest ended with its goroutine: the place is its entry function."
	}
	return []hit{{where: l.codeOr(l.longStack, l.longEntry), lostNS: l.long.sumNS, evidence: []string{
		fmt.Sprintf("A goroutine ran on a CPU for 40 ms or more without a break: %s, %s at most.",
			report.FormatNumber(l.long.count, "time"), report.FormatDuration(l.long.maxNS)),
		place,
	}}}
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
	return []hit{{where: l.codeOr(h.hogsStack, replay.EntryID(most)), lostNS: others.readyNS, evidence: []string{
		fmt.Sprintf("Goroutines of %s had %s of 5 ms or more, %s at most: %s of all running time.",
			l.names.Entry(replay.EntryID(most)), report.FormatNumber(h.hogs, "run"), report.FormatDuration(h.longest),
			part(h.hoggedNS, l.ranNS)),
		fmt.Sprintf("Others waited 1 ms or more to run: %s, %s in all, %s at most.",
			report.FormatNumber(others.delays, "time"), report.FormatDuration(others.readyNS),
			report.FormatDuration(others.maxNS)),
	}}}
}

func handoff(l *look) []hit {
	if l.perSecond(l.backFromOS.count) < 100 {
		return nil
	}
	return []hit{{lostNS: l.backFromOS.sumNS, evidence: []string{
		fmt.Sprintf("Of %[2]s system calls a second, %[1]s ended without a P; goroutines then waited for one: "+
			"%[3]s in all, %[4]s at most.",
			report.FormatCount(l.perSecond(l.backFromOS.count)), report.FormatCount(l.perSecond(l.calls)),
			report.FormatDuration(l.backFromOS.sumNS), report.FormatDuration(l.backFromOS.maxNS)),
	}}}
}

func stopTheWorld(l *look) []hit {
	share := float64(l.stops.sumNS) / float64(max(1, l.end-l.begin))
	return []hit{{share: share, evidence: []string{
		fmt.Sprintf("The world was stopped %s: for %s in all (%s of the time), %s at most.",
			report.FormatNumber(l.stops.count, "time"), report.FormatDuration(l.stops.sumNS), report.FormatShare(share),
			report.FormatDuration(l.stops.maxNS)),
	}}}
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
	return []hit{{share: float64(sum) / float64(max(1, l.goroutines)), evidence: []string{
		fmt.Sprintf("%s were created and %s ended; their number grew by %d, %d, %d and %d in the quarters of the "+
			"recording.",
			report.FormatNumber(l.alive.created, "goroutine"), report.FormatCount(l.alive.exited), quarters[0],
			quarters[1], quarters[2], quarters[3]),
	}}}
}

func gaps(sum *replay.Summary) []hit {
	return []hit{{share: sum.GapShare(), evidence: []string{
		fmt.Sprintf("Events were lost or not looked for during %s of the time, in %s.",
			report.FormatShare(sum.GapShare()), report.FormatNumber(sum.Gaps, "gap")),
	}}}
}
