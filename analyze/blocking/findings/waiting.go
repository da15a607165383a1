package findings

import (
	"fmt"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

func part(n, of int64) string { return report.FormatShare(float64(n) / float64(max(1, of))) }

func herd(l *look) (hits []hit) {
	for _, at := range l.places {
		if at.bursts < 10 || 2*at.futile.count < at.herd {
			continue
		}
		hits = append(hits, hit{code: l.code(at.stack), extent: l.ofRun(at.futile.sumNS),
			explains: l.account.delays().atMost(at.futile.delayNS), evidence: []string{
				fmt.Sprintf("One goroutine woke %[2]d or more within a millisecond %[1]s: %[3]s in all.",
					report.FormatNumber(at.bursts, "time"), minBurst, report.FormatNumber(at.herd, "wake-up")),
				fmt.Sprintf("%s of those woken waited there again after running for less than 50 µs; that took %s.",
					part(at.futile.count, at.herd), report.FormatDuration(at.futile.sumNS)),
			}})
	}
	return hits
}

func timerStorm(l *look) []hit {
	if l.perSecond(l.timer.count) < 1000 {
		return nil
	}
	var most *site
	for _, at := range l.places {
		if most == nil || at.timers > most.timers {
			most = at
		}
	}
	h := hit{extent: l.ofRun(l.timer.sumNS), evidence: []string{
		fmt.Sprintf("Timers began %s runs of less than 50 µs a second for nothing; with their delays they took %s.",
			report.FormatCount(l.perSecond(l.timer.count)), report.FormatDuration(l.timer.sumNS)),
	}}
	if most != nil {
		h.code = l.code(most.stack)
		h.evidence = append(h.evidence, fmt.Sprintf("%s of them at the place with the most.",
			report.FormatCount(l.perSecond(most.timers))+" a second"))
	}
	return []hit{h}
}

// leaked are the classes of waits that only another goroutine can end.
var leaked = map[replay.Class]bool{replay.ClassChannel: true, replay.ClassSelect: true, replay.ClassMutex: true,
	replay.ClassSync:    true,
	replay.ClassForever: true}

const minLeft = 20

func leak(l *look) (hits []hit) {
	for _, at := range l.places {
		if !leaked[at.class] || at.woken > 0 || at.leftAt < l.end || len(at.left) < minLeft || !l.allThrough(at.left) {
			continue
		}
		n := int64(len(at.left))
		hits = append(hits, hit{code: l.code(at.stack), extent: float64(n) / float64(max(1, l.goroutines)),
			evidence: []string{
				fmt.Sprintf("%s began to wait (%s) and were still waiting when the recording ended; nobody was woken "+
					"there.", report.FormatNumber(n, "goroutine"), l.names.Reason(at.reason)),
			}})
	}
	return hits
}

// allThrough says whether some of the times lie in each quarter of the recording.
func (l *look) allThrough(times []int64) bool {
	var quarters [4]bool
	for _, t := range times {
		quarters[min(3, max(0, 4*(t-l.begin)/max(1, l.end-l.begin)))] = true
	}
	return quarters == [4]bool{true, true, true, true}
}
