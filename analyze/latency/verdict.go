package latency

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// suspended says whether any delay was because the process was stopped.
func (r *Result) suspended() bool {
	return r.Total.Parts != nil && r.Total.Parts[replay.PartSuspended] > 0
}

// partsShown are the columns of the breakdown: that of a suspended process only where it is not
// nothing.
func (r *Result) partsShown() []replay.Part {
	return slices.DeleteFunc(replay.Parts(), func(p replay.Part) bool {
		return p == replay.PartSuspended && !r.suspended()
	})
}

// verdicts say what it means when some parts are most of all delay.
var verdicts = []struct {
	parts   []replay.Part
	meaning string
}{
	{[]replay.Part{replay.PartSuspended}, "the process was stopped from outside, by SIGSTOP, a debugger or a frozen " +
		"cgroup"},
	{[]replay.Part{replay.PartOffCPU, replay.PartStarved}, "a thread waited for a CPU: other threads or " +
		"processes had them, or a quota"},
	{[]replay.Part{replay.PartAllBusy, replay.PartSyscall}, "more goroutines wanted to run than " +
		"GOMAXPROCS lets"},
	{[]replay.Part{replay.PartSTW}, "see the ranges in gosched info"},
	{[]replay.Part{replay.PartWakeUp}, "the process was not short of anything"},
	{[]replay.Part{replay.PartUnknown}, "what the threads did then is not in the trace"},
}

// verdict is the sentence for the parts that are more than half of all delay; empty where none are.
func (r *Result) verdict() string {
	if r.Total.Parts == nil || r.Total.SumNS == 0 {
		return ""
	}
	for _, v := range verdicts {
		if ns := r.Total.Parts.Of(v.parts...); 2*ns > r.Total.SumNS {
			return fmt.Sprintf("%s of all delay is %s: %s.", report.FormatShare(float64(ns)/float64(r.Total.SumNS)),
				joined(v.parts), v.meaning)
		}
	}
	return ""
}

func joined(parts []replay.Part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.String()
	}
	return strings.Join(names, " + ")
}

// partsNotes are what a reader of the breakdown should know.
func (r *Result) partsNotes() []string {
	var notes, legend []string
	if v := r.verdict(); v != "" {
		notes = append(notes, v)
	}
	for _, p := range r.partsShown() {
		legend = append(legend, p.String()+": "+p.Meaning())
	}
	return append(notes, strings.Join(legend, "; ")+".")
}
