package info

import (
	"fmt"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// whole is the share of the time, and of the events, from which on a trace answers for all of it.
const whole = 0.99

// askSeen lowers the answers to what was seen: of no process there is none, and a trace that was
// watched for a part of the time, or lost many of its events, answers for the rest alone.
func (r *Result) askSeen(sum *replay.Summary) {
	none := len(r.Metadata.Processes) == 0
	r.limits = seenLimits(sum)
	for i := range r.Questions {
		q := &r.Questions[i]
		if none {
			q.Answer, q.Why = No, "the trace has no process"
		}
		if q.Answer == No {
			continue
		}
		r.lesser = r.lesser || q.Answer == Partly
		for _, text := range r.limits {
			q.Answer, q.Why = Partly, also(q.Why, text)
		}
	}
}

// seenLimits are what keeps all answers from being of the whole recording.
func seenLimits(sum *replay.Summary) (out []string) {
	if caveat.Sampled(sum.Metadata()) {
		return nil
	}
	if seen := 1 - sum.GapShare(); seen < whole {
		out = append(out, fmt.Sprintf("for %s of the time", report.FormatShare(seen)))
	}
	lost := sum.Metadata().Lost
	if all := lost + sum.Events; all > 0 && float64(lost) > (1-whole)*float64(all) {
		out = append(out, fmt.Sprintf("without the %s of events that were lost",
			report.FormatShare(float64(lost)/float64(all))))
	}
	return out
}

// askUnwatched lowers the answers that need a class which was not watched all the time.
func (r *Result) askUnwatched(sum *replay.Summary) {
	for _, u := range sum.Unwatched {
		share := float64(u.NS) / float64(max(1, sum.DurationOf(u.PID)))
		if share < 1-whole {
			continue
		}
		for i := range questions {
			if q := &r.Questions[i]; q.Answer != No && questions[i].needsClass(u.Class) {
				q.Answer = Partly
				q.Why = also(q.Why, fmt.Sprintf("%s not recorded during %s of the time", u.Class,
					report.FormatShare(share)))
			}
		}
	}
}

func also(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
