package goroutines

import (
	"fmt"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

func warnings(r *Result, p *Pass, sum *replay.Summary) []report.Warning {
	out := []report.Warning{}
	if r.Goroutines == 0 {
		out = append(out, report.Warning{Code: "empty", Text: "no goroutine was left at the end of the trace"})
	}
	out = append(out, caveat.Of(caveat.Goroutines, sum)...)
	if p.sites.beyond > 0 || p.origins.beyond > 0 {
		out = append(out, report.Warning{Code: "bound", Count: p.sites.beyond + p.origins.beyond, Text: fmt.Sprintf(
			"too many places or entry functions to tell all apart: %s and %s were left out",
			report.FormatNumber(p.sites.beyond, "wait"), report.FormatNumber(p.origins.beyond, "ended goroutine"))})
	}
	if r.Profile != nil {
		out = append(out, r.Profile.warnings(r)...)
	}
	return out
}

func (p *ProfileSummary) warnings(r *Result) []report.Warning {
	var out []report.Warning
	if p.Strangers > 0 {
		out = append(out, report.Warning{Code: "strangers", Count: p.Strangers, Text: fmt.Sprintf(
			"%s of the profile have the id of one in the trace that does something else: the profile may be of "+
				"another process or run", report.FormatNumber(p.Strangers, "goroutine"))})
	}
	if p.Goroutines > 0 && p.Matched*2 < p.Goroutines {
		out = append(out, report.Warning{Code: "unmatched", Count: p.Matched, Text: fmt.Sprintf(
			"only %s of the profile's %s are in the trace: it was taken at another time or of another process",
			report.FormatCount(p.Matched), report.FormatNumber(p.Goroutines, "goroutine"))})
	}
	return out
}
