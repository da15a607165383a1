package info

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Sampling is what rounds there are of a process: readings of its goroutines without probes.
type Sampling struct {
	PID       int32   `json:"pid"`
	RatePerS  float64 `json:"rate_per_s"` // that was asked for; 0: not known
	Rounds    int64   `json:"rounds"`
	SampledNS int64   `json:"sampled_ns"` // the time in which there were rounds at random
	Rows      int64   `json:"rows"`       // goroutines that they read, added up
	Average   float64 `json:"average"`    // goroutines alive in a round
	Least     int64   `json:"least"`
	Most      int64   `json:"most"`
	MaxWeight int64   `json:"max_weight"` // the most goroutines that one that was read stands for
	Late      int64   `json:"late"`       // rounds that came too late to be quite at random
	Skipped   int64   `json:"skipped"`    // rounds that were not made, at random
}

// found is what the rounds of a process found.
type found struct{ rounds, rows, alive, least, most, weight int64 }

// Round implements replay.RoundPass.
func (p *Pass) Round(r *replay.Round) {
	f, alive := p.found[r.PID], r.Alive()
	if f == nil {
		f = &found{least: alive}
		p.found[r.PID] = f
	}
	f.rounds++
	f.rows += int64(len(r.Goroutines))
	f.alive += alive
	f.least, f.most = min(f.least, alive), max(f.most, alive)
	for i := range r.Goroutines {
		f.weight = max(f.weight, r.Goroutines[i].Weight)
	}
}

// sampling are the rounds of each process that has some.
func (p *Pass) sampling(sum *replay.Summary) []Sampling {
	out := []Sampling{}
	meta := sum.Metadata()
	for _, s := range sum.Sampled {
		x := Sampling{PID: s.PID, Rounds: s.Rounds, SampledNS: s.NS}
		if meta.GoroutineSampling != nil {
			x.RatePerS = meta.GoroutineSampling.RatePerS
		}
		if f := p.found[s.PID]; f != nil {
			x.Rows, x.Least, x.Most, x.MaxWeight = f.rows, f.least, f.most, f.weight
			x.Average = float64(f.alive) / float64(f.rounds)
		}
		for i := range meta.Processes {
			if q := &meta.Processes[i]; q.PID == s.PID && q.Rounds != nil {
				x.Late, x.Skipped = q.Rounds.Late, q.Rounds.Skipped+q.Rounds.LeftOut
			}
		}
		out = append(out, x)
	}
	return out
}

// text says what rounds there are, in a line.
func (s *Sampling) text() string {
	parts := []string{fmt.Sprintf("%s in %s", report.FormatNumber(s.Rounds, "round"),
		report.FormatDuration(s.SampledNS))}
	if s.RatePerS > 0 {
		parts = append(parts, report.FormatRate(s.RatePerS)+" asked for")
	}
	parts = append(parts, fmt.Sprintf("%s late", report.FormatCount(s.Late)),
		fmt.Sprintf("%s not made", report.FormatCount(s.Skipped)),
		fmt.Sprintf("%s goroutines alive in a round, from %s to %s", report.FormatAverage(s.Average, ""),
			report.FormatCount(s.Least), report.FormatCount(s.Most)))
	if s.MaxWeight > 1 {
		parts = append(parts, fmt.Sprintf("one that was read stands for up to %s", report.FormatCount(s.MaxWeight)))
	}
	return strings.Join(parts, ", ")
}

// roundsText says what rounds there are, of each process.
func (r *Result) roundsText() string {
	var parts []string
	for i := range r.Rounds {
		of := ""
		if len(r.Metadata.Processes) > 1 {
			of = replay.ProcessText(r.Rounds[i].PID) + ": "
		}
		parts = append(parts, of+r.Rounds[i].text())
	}
	return strings.Join(parts, "; ")
}

// bySampling is why a trace without probes does not answer.
const bySampling = "sampled without probes"

// fromRounds are the questions that rounds answer partly.
var fromRounds = map[string]string{
	waitedFor:  "estimated from rounds: shares of time, not how long each wait took",
	whoCreated: "of the goroutines that rounds found",
	inSyscalls: "estimated from rounds, with the time in C",
}

// askRounds adds what rounds answer to the questions, and says of a trace that has nothing else why
// the others have no answer.
func (r *Result) askRounds(meta *format.Metadata) {
	sampled := caveat.Sampled(meta) || meta.Source == format.SourceMemory
	if len(r.Rounds) == 0 && !sampled {
		return
	}
	for i := range r.Questions {
		if q := &r.Questions[i]; sampled && (q.Answer == No || len(r.Rounds) == 0) {
			q.Answer, q.Why = No, bySampling
			if why := fromRounds[q.Name]; why != "" && len(r.Rounds) > 0 {
				q.Answer, q.Why = Partly, why
			}
		}
	}
	where := Question{Name: "where the time of goroutines goes", Answer: Yes, Why: "estimated from rounds"}
	if len(r.Rounds) == 0 {
		where.Answer, where.Why = No, "no round was read"
	}
	r.Questions = append(r.Questions, where)
}
