package goroutines

import (
	"fmt"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// needed are the transitions without which counts are missing, and what their absence does to them.
var needed = []struct {
	transition format.Transition
	effect     string
}{
	{format.TransitionCreate, "new goroutines are found late, and leaks are not called so"},
	{format.TransitionExit, "goroutines that ended are listed, and leaks are not called so"},
	{format.TransitionReady, "wake-ups and wakers are missing, and leaks are not called so"},
	{format.TransitionPark, "waits and where they happen are missing"},
	{format.TransitionStacks, "goroutines are told apart by their reasons alone"},
}

func warnings(r *Result, p *Pass, sum *replay.Summary) []report.Warning {
	out := []report.Warning{}
	add := func(code, text string, args ...any) {
		out = append(out, report.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	if r.Goroutines == 0 {
		add("empty", "no goroutine was left at the end of the trace")
	}
	if sum.Gaps > 0 {
		add("gaps", "events were lost or not looked for during %s of the time (%s); leaks are not called so, "+
			"because wake-ups may be among them",
			report.FormatShare(sum.GapShare()), report.FormatNumber(sum.Gaps, "gap"))
	}
	if n := sum.Counts.Total(); n > 0 {
		add("problems", "%s against the scheduler model; some states may be wrong", report.FormatNumber(n, "event"))
	}
	if n := sum.Metadata().Unread(); n > 0 {
		add("unread", "up to %s that never moved may be missing: there was no time to read them all from memory",
			report.FormatNumber(n, "goroutine"))
	}
	for _, proc := range sum.Metadata().Processes {
		for _, n := range needed {
			if why, missing := proc.Missing(n.transition); missing {
				if why != "" {
					why = " (" + why + ")"
				}
				add("coverage", "%s: %s not recorded%s: %s", replay.ProcessText(proc.PID), n.transition, why, n.effect)
			}
		}
	}
	if p.sites.beyond > 0 || p.kinds.beyond > 0 {
		add("bound", "too many places or sorts of goroutines to tell all apart: %s and %s were left out",
			report.FormatNumber(p.sites.beyond, "wait"), report.FormatNumber(p.kinds.beyond, "ended goroutine"))
	}
	if r.Profile != nil {
		out = append(out, r.Profile.warnings(r)...)
	}
	return out
}

func (p *ProfileSummary) warnings(r *Result) []report.Warning {
	var out []report.Warning
	if p.Strangers > 0 {
		out = append(out, report.Warning{Code: "strangers", Text: fmt.Sprintf(
			"%s of the profile have the id of one in the trace that does something else: the profile may be of "+
				"another process or run", report.FormatNumber(p.Strangers, "goroutine"))})
	}
	if p.Goroutines > 0 && p.Matched*2 < p.Goroutines {
		out = append(out, report.Warning{Code: "unmatched", Text: fmt.Sprintf(
			"only %s of the profile's %s are in the trace: it was taken at another time or of another process",
			report.FormatCount(p.Matched), report.FormatNumber(p.Goroutines, "goroutine"))})
	}
	return out
}
