package blocking

import (
	"fmt"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// needed are the transitions without which times are missing or wrong, and what their absence does
// to them.
var needed = []struct {
	transition format.Transition
	effect     string
}{
	{format.TransitionPark, "no wait is seen"},
	{format.TransitionReady, "waits have no known waker, and no cause"},
	{format.TransitionRun, "waits for a P have no end"},
	{format.TransitionSyscalls, "system calls count as running"},
	{format.TransitionStacks, "waits at different places look alike"},
	{format.TransitionKernel, "running goroutines whose thread had no CPU count as running"},
}

// Above these shares of all blamed time something is worth a warning.
const (
	muchUnknown  = 0.1
	muchEstimate = 0.01
)

func warnings(r *Result, sum *replay.Summary) []report.Warning {
	out := []report.Warning{}
	add := func(code, text string, args ...any) {
		out = append(out, report.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	if len(r.Spent) <= 1 {
		add("empty", "the trace has no goroutine that waited")
	}
	if sum.Gaps > 0 {
		add("gaps", "events were lost or not looked for during %s of the time (%s); waits that reach into it are cut",
			report.FormatShare(sum.GapShare()), report.FormatNumber(sum.Gaps, "gap"))
	}
	if text := sum.SuspensionText(report.FormatDuration); text != "" {
		add("suspended", "%s; what that held up has it as its cause", text)
	}
	if n := sum.Counts.Total(); n > 0 {
		add("problems", "%s against the scheduler model; the waits that they end are left out",
			report.FormatNumber(n, "event"))
	}
	if share := r.unknownShare(); share > muchUnknown {
		add("unknown", "the causes of %s of the time that goroutines were held up are unknown",
			report.FormatShare(share))
	}
	if share := float64(r.EstimatedNS) / float64(max(1, r.BlamedNS)); share > muchEstimate {
		add("estimated", "%s of the time that goroutines were held up is shared out by estimate: the wakers had "+
			"done too much meanwhile to be remembered one by one", report.FormatShare(share))
	}
	for _, p := range sum.Metadata().Processes {
		for _, n := range needed {
			if why, missing := p.Missing(n.transition); missing {
				if why != "" {
					why = " (" + why + ")"
				}
				add("coverage", "%s: %s not recorded%s: %s", replay.ProcessText(p.PID), n.transition, why, n.effect)
			}
		}
	}
	return out
}

func (r *Result) unknownShare() float64 {
	var ns int64
	for i := range r.Causes {
		if r.Causes[i].Kind == KindUnknown {
			ns += r.Causes[i].NS
		}
	}
	return float64(ns) / float64(max(1, r.BlamedNS))
}
