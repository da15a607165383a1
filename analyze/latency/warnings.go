package latency

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// needed are the transitions without which delays are missing or wrong, and what their absence does
// to them.
var needed = []struct {
	transition format.Transition
	effect     string
}{
	{format.TransitionCreate, "delays of new goroutines are missing"},
	{format.TransitionReady, "delays of woken goroutines are missing"},
	{format.TransitionRun, "no delay has an end"},
	{format.TransitionYield, "delays after preemption are missing"},
	{format.TransitionSyscalls, "delays after system calls are missing"},
	{format.TransitionKernel, "there is no latency breakdown"},
}

func warnings(r *Result, sum *replay.Summary, percentiles []stats.Quantile) []report.Warning {
	out := []report.Warning{}
	add := func(code, text string, args ...any) {
		out = append(out, report.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	finest := slices.MaxFunc(percentiles, func(a, b stats.Quantile) int { return cmp.Compare(a.PPM, b.PPM) })
	if n := r.Total.Count + r.Total.Censored; n == 0 {
		add("empty", "the trace has no goroutine that became runnable")
	} else if n < finest.LeastCount() {
		add("few", "only %s: %s needs at least %s to differ from the longest", report.FormatNumber(n, "delay"),
			finest, report.FormatCount(finest.LeastCount()))
	}
	if sum.Gaps > 0 {
		add("gaps", "events were lost or not looked for during %s of the time (%s); delays that reach into it are "+
			"censored",
			report.FormatShare(sum.GapShare()), report.FormatNumber(sum.Gaps, "gap"))
	}
	if text := sum.SuspensionText(report.FormatDuration); text != "" {
		where := "it made no delay longer"
		if r.suspended() {
			where = "the breakdown shows it as suspended"
		}
		add("suspended", "%s; %s", text, where)
	}
	if n := sum.Counts.Total(); n > 0 {
		add("problems", "%s against the scheduler model; the delays that they end are left out",
			report.FormatNumber(n, "event"))
	}
	if undefined := unknownPercentiles(&r.Total); len(undefined) > 0 && r.Total.Count > 0 {
		add("censored", "%s unknown: too many of the longest delays are censored", strings.Join(undefined, ", "))
	}
	out = append(out, coverageWarnings(sum.Metadata())...)
	for _, pid := range sum.BeyondProcs {
		if r.Total.Parts != nil {
			add("gomaxprocs", "%s: GOMAXPROCS was raised while recording: \"%s\" and \"%s\" are too large",
				replay.ProcessText(pid), replay.PartAllBusy, replay.PartSyscall)
		}
	}
	if r.Total.Broken > 0 {
		add("broken", "%s left out because moves are missing from the trace", report.FormatNumber(r.Total.Broken,
			"delay"))
	}
	return out
}

func unknownPercentiles(e *Row) []string {
	var out []string
	for _, p := range e.Percentiles {
		if p.NS == nil {
			out = append(out, p.Name)
		}
	}
	return out
}

func coverageWarnings(meta *format.Metadata) []report.Warning {
	var out []report.Warning
	for _, p := range meta.Processes {
		for _, n := range needed {
			if why, missing := p.Missing(n.transition); missing {
				if why != "" {
					why = " (" + why + ")"
				}
				out = append(out, report.Warning{Code: "coverage", Text: fmt.Sprintf("%s: %s not recorded%s: %s",
					replay.ProcessText(p.PID), n.transition, why, n.effect)})
			}
		}
	}
	return out
}
