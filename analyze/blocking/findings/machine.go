package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// What the machine is to blame for is a finding where it is this much of the time in which goroutines
// could run and did not, on a machine that is as busy as that. Else it is a line below the findings.
const (
	minMachine = 0.2
	minBusy    = 0.5
	minLine    = 0.005 // of that time; less is not worth a line
)

// recorder is the name of gosched's own threads.
const recorder = "gosched"

// isForeign says whether a root cause is that the thread of another program had the CPU.
func isForeign(c *blocking.Leaf) bool {
	return c.Kind == blocking.KindOffCPU && c.Name != "" && !c.Own && !isQuota(c)
}

// isRecorder says whether a root cause is that gosched itself had the CPU.
func isRecorder(c *blocking.Leaf) bool { return isForeign(c) && c.Name == recorder }

// isOthers says whether a root cause is that another program had the CPU that is not gosched itself.
func isOthers(c *blocking.Leaf) bool { return isForeign(c) && c.Name != recorder }

// isQuota says whether a root cause is that nobody had the CPU, and the thread was kept from it.
func isQuota(c *blocking.Leaf) bool {
	return c.Kind == blocking.KindOffCPU && format.ParseReason(c.Name) == format.ReasonSwapper
}

// ofMachine says whether a root cause is the machine's, for which there are rules.
func ofMachine(c *blocking.Leaf) bool { return isForeign(c) || isQuota(c) }

// taker is a thread's name and how long ready threads waited for it.
type taker struct {
	name string
	ns   int64
}

// delayed is the time in which goroutines could run and did not, and what of it others had the CPU.
type delayed struct {
	ns, recorderNS, othersNS int64
	others                   []taker // the worst first
	quotaNS                  int64
}

func (l *look) delayed() delayed {
	var d delayed
	by := map[string]int64{}
	for _, i := range l.account.delays().chains {
		c := &l.account.chains[i]
		d.ns += c.NS
		switch {
		case isRecorder(c.Cause):
			d.recorderNS += c.NS
		case isForeign(c.Cause):
			by[c.Cause.Name] += c.NS
			d.othersNS += c.NS
		}
	}
	// a thread that the quota stops leaves its CPU to others
	d.quotaNS = min(l.throttled.sumNS, d.ns)
	d.othersNS = max(0, d.othersNS-d.quotaNS)
	if d.othersNS == 0 {
		return d
	}
	for name, ns := range by {
		d.others = append(d.others, taker{name, ns})
	}
	slices.SortFunc(d.others, func(a, b taker) int {
		return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.name, b.name))
	})
	return d
}

// share is a part of the time in which goroutines could run and did not.
func (d *delayed) share(ns int64) float64 { return float64(ns) / float64(max(1, d.ns)) }

// contended says whether other programs are to blame. A machine that has CPUs to spare is not
// contended, whoever had one of them at times.
func (l *look) contended(d *delayed) bool {
	return d.share(d.othersNS) >= minMachine && (l.busy < 0 || l.busy >= minBusy)
}

// throttles says whether the quota is to blame.
func (l *look) throttles(d *delayed) bool {
	return l.throttled.count >= minThrottled && d.share(d.quotaNS) >= minMachine
}

const (
	minThrottled = 3 // times: fewer may have been something else
	maxTakers    = 8 // programs that are named in the evidence
	namedTakers  = 2 // and in the line below the findings
)

func cpuContention(l *look) []hit {
	d := l.delayed()
	if !l.contended(&d) {
		return nil
	}
	var had []string
	for _, t := range d.others[:min(len(d.others), maxTakers)] {
		had = append(had, fmt.Sprintf("%s (%s)", t.name, report.FormatDuration(t.ns)))
	}
	if n := len(d.others) - len(had); n > 0 {
		had = append(had, fmt.Sprintf("%d more", n))
	}
	who := d.others[0]
	text := fmt.Sprintf("other programs had the CPUs while goroutines could run, for %s of that time (%s), %s the "+
		"most (%s)", percent(d.share(d.othersNS)), report.FormatDuration(d.othersNS), who.name,
		report.FormatDuration(who.ns))
	if own := d.share(d.recorderNS); own >= minLine {
		text += fmt.Sprintf("; gosched itself had them for %s more, which is not counted", percent(own))
	}
	evidence := fmt.Sprintf("Threads that could have run goroutines were ready while threads of other programs had "+
		"the CPU: %s.", strings.Join(had, ", "))
	return []hit{{code: code{function: who.name}, behind: who.name, explains: l.account.causedBy(isOthers),
		clause: text, evidence: []string{evidence}}}
}

// closing says what of the delays the machine is to blame for where that is no finding, as a line;
// empty where that is next to nothing.
func (l *look) closing() string {
	d := l.delayed()
	var parts []string
	if part := d.share(d.othersNS); part >= minLine && !l.contended(&d) {
		var names []string
		for _, t := range d.others[:min(len(d.others), namedTakers)] {
			names = append(names, t.name)
		}
		parts = append(parts, fmt.Sprintf("other programs (%s) had the CPUs for %s", strings.Join(names, ", "),
			percent(part)))
	}
	if part := d.share(d.recorderNS); part >= minLine {
		parts = append(parts, fmt.Sprintf("gosched itself had the CPUs for %s", percent(part)))
	}
	if part := d.share(d.quotaNS); part >= minLine && !l.throttles(&d) {
		parts = append(parts, fmt.Sprintf("the CPU quota stopped the threads for %s", percent(part)))
	}
	if len(parts) == 0 {
		return ""
	}
	text := fmt.Sprintf("Of the time in which goroutines could run and did not (%s), %s", report.FormatDuration(d.ns),
		strings.Join(parts, ", "))
	if l.busy >= 0 {
		text += fmt.Sprintf("; the machine was %s busy", report.FormatShare(l.busy))
	}
	return text + "."
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
	t, d := &l.throttled, l.delayed()
	if !l.throttles(&d) {
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
	t, d := &l.overQuota, l.delayed()
	if !l.throttles(&d) || t.count < minThrottled {
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
