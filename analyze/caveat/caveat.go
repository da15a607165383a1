package caveat

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Of are the warnings for a question to the trace that was walked: what the answer needs and the
// trace lacks, with what is wrong with the answer. Of several processes each warning of one names
// it.
func Of(q Question, sum *replay.Summary) []report.Warning {
	out := []report.Warning{}
	for i := range needs {
		n := &needs[i]
		if !n.concerns(q) {
			continue
		}
		for _, l := range n.lacks(sum) {
			out = append(out, l.warning(n.code, n.effects[q], len(sum.Metadata().Processes) > 1))
		}
	}
	return out
}

func (n *need) concerns(q Question) bool {
	if q == Trace {
		return n.weight > tabled
	}
	return n.effects[q] != ""
}

// Whole says whether nothing is missing from a trace that should be there.
func Whole(sum *replay.Summary) bool {
	return !slices.ContainsFunc(needs, func(n need) bool { return n.weight == spoils && len(n.lacks(sum)) > 0 })
}

// warning is the lack as a warning; several says that it is one process of several.
func (l *lack) warning(code, effect string, several bool) report.Warning {
	w := report.Warning{Code: code, Count: l.count, Text: l.text}
	if l.transition != format.TransitionNone {
		w.Transition = l.transition.String()
	}
	if l.process != nil {
		if l.process.PID != format.Unknown {
			w.PID = l.process.PID
		}
		if several {
			w.Text = replay.ProcessText(l.process.PID) + ": " + w.Text
		}
	}
	if effect != "" {
		w.Text += ": " + effect
	}
	return w
}

// TooFew is the warning that so few durations cannot tell the highest of the percentiles from the
// longest duration; false where they can. What is counted is called noun.
func TooFew(n int64, noun string, percentiles []stats.Quantile) (report.Warning, bool) {
	highest := slices.MaxFunc(percentiles, func(a, b stats.Quantile) int { return cmp.Compare(a.PPM, b.PPM) })
	least := highest.LeastCount()
	return report.Warning{Code: "few", Count: n, Text: "only " + report.FormatNumber(n, noun) + ": " + highest.Name +
		" needs at least " + report.FormatCount(least) + " to differ from the longest"}, n < least
}

// subject is what a warning is about, whatever the question was.
type subject struct {
	code, transition string
	pid              int32
}

func subjectOf(w *report.Warning) subject { return subject{w.Code, w.Transition, w.PID} }

// Merge lists the warnings of several answers about one trace, those about the same once: the
// first, which says what it does to its own answer.
func Merge(lists ...[]report.Warning) []report.Warning {
	out := []report.Warning{}
	seen := map[subject]bool{}
	for _, w := range slices.Concat(lists...) {
		if id := subjectOf(&w); !seen[id] {
			seen[id] = true
			out = append(out, w)
		}
	}
	return out
}

// Repeated is a warning that several recordings have, of whatever process.
type Repeated struct {
	report.Warning
	Recordings []int // how many recordings have it, by group
}

// Repeat counts in how many recordings of each group there are warnings of the same sort. The
// warning is the first of them.
func Repeat(groups ...[][]report.Warning) []Repeated {
	var out []Repeated
	at := map[subject]int{}
	for g, recordings := range groups {
		for _, list := range recordings {
			counted := map[subject]bool{}
			for _, w := range list {
				id := subjectOf(&w)
				id.pid = 0
				i, ok := at[id]
				if !ok {
					i = len(out)
					at[id] = i
					out = append(out, Repeated{w, make([]int, len(groups))})
				}
				if !counted[id] {
					counted[id] = true
					out[i].Recordings[g]++
				}
			}
		}
	}
	return out
}
