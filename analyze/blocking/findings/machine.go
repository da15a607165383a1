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
	d.quotaNS = min(l.stops().ns(l.account.delays(), l.account), d.ns)
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
	return l.stops().enough() && d.share(d.quotaNS) >= minMachine
}

const (
	minThrottled = 3 // times that a CPU was idle: fewer may have been something else
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
	return []hit{{code: code{function: who.name}, behind: who.name, explains: l.tookCPU(),
		clause: text, evidence: []string{evidence}}}
}

// tookCPU is the time in which other programs had the CPU, without what the quota answers for.
func (l *look) tookCPU() explained {
	e := l.account.causedBy(isOthers)
	if share := l.stops().share(); share > 0 {
		return e.atMost(int64((1 - share) * float64(l.account.all(e))))
	}
	return e
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
