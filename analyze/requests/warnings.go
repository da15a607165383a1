package requests

import (
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

func warnings(r *Result, sum *replay.Summary, percentiles []stats.Quantile) []report.Warning {
	out := []report.Warning{}
	if len(r.Groups) == 0 {
		out = append(out, report.Warning{Code: "empty", Text: "no goroutine came back to where it had " +
			"waited, nor was one seen from creation to exit"})
	} else if w, few := caveat.TooFew(r.Groups[0].Count, "cycle", percentiles); few {
		out = append(out, w)
	}
	return append(out, caveat.Of(caveat.Requests, sum)...)
}
