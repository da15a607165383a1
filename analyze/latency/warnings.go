package latency

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

func warnings(r *Result, sum *replay.Summary, percentiles []stats.Quantile) []report.Warning {
	out := []report.Warning{}
	n := r.Total.Count + r.Total.Censored
	if w, few := caveat.TooFew(n, "delay", percentiles); n == 0 {
		out = append(out, report.Warning{Code: "empty", Text: "the trace has no goroutine that became runnable"})
	} else if few {
		out = append(out, w)
	}
	if undefined := unknownPercentiles(&r.Total); len(undefined) > 0 && r.Total.Count > 0 {
		out = append(out, report.Warning{Code: "censored", Count: r.Total.Censored, Text: fmt.Sprintf(
			"%s unknown: too many of the longest delays are censored%s", strings.Join(undefined, ", "),
			map[bool]string{true: ", as the windows were too short for them"}[sum.Windows.Count > 0])})
	}
	out = append(out, caveat.Of(caveat.Latency, sum)...)
	if n := r.Total.Broken; n > 0 {
		out = append(out, report.Warning{Code: "broken", Count: n,
			Text: report.FormatNumber(n, "delay") + " left out because moves are missing from the trace"})
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
