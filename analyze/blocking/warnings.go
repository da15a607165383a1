package blocking

import (
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// Above these shares of all blocked time something is worth a warning.
const (
	muchUnknown     = 0.1
	muchApproximate = 0.01
)

func (p *Pass) warnings(r *Result, sum *replay.Summary) []report.Warning {
	out := []report.Warning{}
	if len(r.Spent) <= 1 {
		out = append(out, report.Warning{Code: "empty", Text: "the trace has no goroutine that waited"})
	}
	if p.Percentiles != nil {
		if w, few := caveat.TooFew(r.waits(), "wait", p.Percentiles); few {
			out = append(out, w)
		}
	}
	out = append(out, caveat.Of(caveat.Blocking, sum)...)
	if share := r.unknownShare(); share > muchUnknown {
		out = append(out, report.Warning{Code: "unknown",
			Text: "the root causes of " + report.FormatShare(share) + " of blocked time are unknown"})
	}
	if share := float64(r.ApproximateNS) / float64(max(1, r.BlockedNS+r.IdleNS)); share > muchApproximate {
		out = append(out, report.Warning{Code: "approximate", Text: report.FormatShare(share) +
			" of blocked time is divided among its causes by estimate: long waits saw more changes than are " +
			"kept one by one"})
	}
	return out
}

// waits is how many waits and system calls there are to make percentiles of.
func (r *Result) waits() (n int64) {
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "reason" {
			n += s.Count + s.Censored
		}
	}
	return n
}

func (r *Result) unknownShare() float64 {
	var ns int64
	for i := range r.Causes {
		if r.Causes[i].Kind == KindUnknown {
			ns += r.Causes[i].BlockedNS
		}
	}
	return float64(ns) / float64(max(1, r.BlockedNS))
}
