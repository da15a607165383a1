package caveat

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// sampled is what there is to say of a recording without probes, whatever it is asked.
const (
	sampled     = "this trace was sampled without probes"
	tellsTime   = "it tells where the time of goroutines goes, "
	recordMoves = "record without --sample"
)

// refusals are for the questions that rounds do not answer: the effect of there being no moves.
var refusals = effects{
	Trace:      tellsTime + "not how long each wait took or who ended it",
	Latency:    tellsTime + "not how long each of them waited to run; " + recordMoves,
	Lengths:    tellsTime + "not how long each wait took, so that there are no percentiles; " + recordMoves,
	Requests:   tellsTime + "not when work began and ended, or who ended a wait; " + recordMoves,
	Comparison: tellsTime + "and has no delays and waits to compare; " + recordMoves,
}

// Refusal is the error that a recording cannot answer a question at all, whatever is in it.
type Refusal struct{ Why string }

// Error is why, as a sentence.
func (r *Refusal) Error() string { return r.Why }

// Refuse is a *Refusal where a recording cannot answer a question at all.
func Refuse(q Question, meta *format.Metadata) error {
	if !Sampled(meta) || refusals[q] == "" || q == Trace {
		return nil
	}
	return &Refusal{sampled + ": " + refusals[q]}
}

// Sampled says whether all that a recording has of goroutines is rounds.
func Sampled(meta *format.Metadata) bool {
	if meta.GoroutineSampling == nil {
		return false
	}
	for i := range meta.Processes {
		p := &meta.Processes[i]
		for _, t := range []format.Transition{format.TransitionRun, format.TransitionPark} {
			if _, missing := p.Missing(t); !missing {
				return false
			}
		}
	}
	return true
}

func noMoves(s *replay.Summary) []lack {
	if !Sampled(s.Metadata()) {
		return nil
	}
	return []lack{{text: sampled}}
}

// enoughRounds is how many rounds estimates should have.
const enoughRounds = 30

func fewRounds(s *replay.Summary) (out []lack) {
	for _, p := range s.Sampled {
		if p.Rounds < enoughRounds {
			out = append(out, lack{process: &format.Process{PID: p.PID}, count: p.Rounds,
				text: "only " + report.FormatNumber(p.Rounds, "round")})
		}
	}
	return out
}

// someRounds are the parts of the rounds from which on something of them is worth a word.
const someRounds = 0.02

// roundsWhere are the processes of which enough rounds were so.
func roundsWhere(s *replay.Summary, count func(*format.Rounds) int64, text func(n, all string) string) (out []lack) {
	for _, p := range processes(s) {
		r := p.Rounds
		if r == nil {
			continue
		}
		if n := count(r); n > 0 && float64(n) >= someRounds*float64(r.Made) {
			out = append(out, lack{process: p, count: n, text: text(report.FormatCount(n),
				report.FormatNumber(r.Made, "round"))})
		}
	}
	return out
}

func lateRounds(s *replay.Summary) []lack {
	return roundsWhere(s, func(r *format.Rounds) int64 { return r.Late }, func(n, all string) string {
		return fmt.Sprintf("%s of %s were late, because the recorder had no CPU", n, all)
	})
}

// skippedRounds are the rounds that were not made, by why.
func skippedRounds(s *replay.Summary) (out []lack) {
	for _, p := range processes(s) {
		r := p.Rounds
		if r == nil {
			continue
		}
		n := r.LeftOut + r.Skipped
		if n == 0 || float64(n) < someRounds*float64(r.Made) {
			continue
		}
		var parts []string
		if r.LeftOut > 0 {
			parts = append(parts, report.FormatNumber(r.LeftOut, "round")+
				" left out at random, to keep within what they may cost")
		}
		if r.Skipped > 0 {
			parts = append(parts, report.FormatNumber(r.Skipped, "round")+
				" skipped, because another was being read")
		}
		out = append(out, lack{process: p, count: n, text: strings.Join(parts, ", and ") + ", beside " +
			report.FormatNumber(r.Made, "round")})
	}
	return out
}

func weightedRounds(s *replay.Summary) []lack {
	return roundsWhere(s, func(r *format.Rounds) int64 { return r.Weighted }, func(n, all string) string {
		return fmt.Sprintf("%s of %s read only some of the goroutines, which stand for the others", n, all)
	})
}
