package findings

import (
	"fmt"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/report"
)

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

// fromTo is a value that changed, or did not.
func fromTo(least, most float64) string {
	if least == most {
		return fmt.Sprintf("%.3g", least)
	}
	return fmt.Sprintf("%.3g to %.3g", least, most)
}

// stops is what shows that the CPU quota stopped the process. Ready threads whose CPU was idle show
// it where nobody else wants the CPU. Where others do, only the kernel's own count does: of the time
// in which threads were ready, so much as the kernel says is the quota's, and that part of each
// delay that a thread off its CPU is the cause of counts, however many goroutines waited for the
// thread. It is a lower bound: of several threads that were stopped on one CPU the kernel counts one.
type stops struct {
	idle   *throttling // ready threads whose CPU was idle
	ready  *throttling // ready threads
	told   bool        // the kernel's count is known: of all of the recording
	seen   float64     // the share of the recording in which threads were seen
	stopNS int64       // that
	times  int64       // the quota's periods in which it stopped the cgroup
}

func (l *look) stops() stops {
	s := stops{idle: &l.throttled, ready: &l.ready, seen: l.seen}
	if m := l.meta; m != nil && m.ThrottledNS != nil && m.Throttled != nil {
		s.told, s.stopNS, s.times = true, *m.ThrottledNS, *m.Throttled
	}
	return s
}

// share is the part of the time in which threads were ready that the kernel says is the quota's.
func (s stops) share() float64 {
	if s.stopNS <= 0 {
		return 0
	}
	return min(1, s.seen*float64(s.stopNS)/float64(max(1, s.ready.sumNS)))
}

// enough says whether it is certain that the quota stopped the process: the kernel says so, or what
// shows it was seen so often.
func (s stops) enough() bool {
	if s.told {
		return s.times > 0
	}
	return s.idle.count >= minThrottled
}

// ns is the quota's part of the time of chains.
func (s stops) ns(e explained, a *account) int64 {
	if s.told && s.times == 0 {
		return 0
	}
	var without int64
	for _, i := range e.chains {
		if c := a.chains[i].Cause; ofMachine(c) {
			without += a.chains[i].NS
		}
	}
	return max(s.idle.sumNS, int64(s.share()*float64(without)))
}

// evidence says what shows it.
func (s stops) evidence() (list []string) {
	if s.idle.count > 0 {
		list = append(list, fmt.Sprintf("A thread with a goroutine on it was ready for 2 ms or more while its CPU was "+
			"idle: %s, %s in all, %s at most.", report.FormatNumber(s.idle.count, "time"),
			report.FormatDuration(s.idle.sumNS), report.FormatDuration(s.idle.maxNS)))
	}
	if s.told {
		list = append(list, fmt.Sprintf("The kernel stopped the cgroup in %s of the quota, for %s summed over CPUs; "+
			"threads with a goroutine were ready for %s.", report.FormatNumber(s.times, "period"),
			report.FormatDuration(s.stopNS), report.FormatDuration(s.ready.sumNS)))
	}
	return list
}

// clause says how often and how long.
func (s stops) clause() string {
	if s.told {
		return fmt.Sprintf("%s, %s summed over CPUs", report.FormatNumber(s.times, "time"),
			report.FormatDuration(s.stopNS))
	}
	return fmt.Sprintf("%s, %s in all", report.FormatNumber(s.idle.count, "time"),
		report.FormatDuration(s.idle.sumNS))
}

// withoutCPU are the delays that a quota can be the reason of, up to what shows that it was.
func (l *look) withoutCPU(s stops) explained {
	e := l.account.which(func(c *blocking.Chain) bool {
		return c.Cause.Kind == blocking.KindOffCPU || c.Cause.Kind == blocking.KindWakeUp
	})
	return e.atMost(s.ns(e, l.account))
}

func throttled(l *look) []hit {
	s, d := l.stops(), l.delayed()
	if !l.throttles(&d) {
		return nil
	}
	t := s.limits()
	quota := fromTo(t.leastQuota, t.mostQuota)
	return []hit{{explains: l.withoutCPU(s), behind: "the CPU quota",
		clause:   fmt.Sprintf("the quota of %s CPUs stops the process's threads (%s)", quota, s.clause()),
		evidence: append(s.evidence(), fmt.Sprintf("The quota is %s CPUs.", quota)),
	}}
}

// limits are those at the times that show it.
func (s stops) limits() *throttling {
	if s.told {
		return s.ready
	}
	return s.idle
}

func procsOverQuota(l *look) []hit {
	s, d := l.stops(), l.delayed()
	shown := s
	shown.idle = &l.overQuota
	// what the kernel counted is shared out evenly over the times at which threads were ready
	part := float64(l.readyOver.sumNS) / float64(max(1, l.ready.sumNS))
	s.idle, s.ready = &l.overQuota, &l.readyOver
	s.stopNS, s.times = int64(part*float64(s.stopNS)), int64(part*float64(s.times))
	if !l.throttles(&d) || !s.enough() {
		return nil
	}
	t := s.limits()
	procs, quota := fromTo(t.leastProcs, t.mostProcs), fromTo(t.leastQuota, t.mostQuota)
	clause := fmt.Sprintf("GOMAXPROCS is %s and the CPU quota, which stops the process's threads, %s CPUs", procs,
		quota)
	return []hit{{explains: l.withoutCPU(s), behind: "the CPU quota", clause: clause, evidence: append([]string{
		fmt.Sprintf("GOMAXPROCS is %s and the quota %s CPUs.", procs, quota),
	}, shown.evidence()...)}}
}
