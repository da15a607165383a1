package summary

import (
	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// info is what the passes found, without what is counted while groups are made.
func (p *Passes) info(sum *replay.Summary, waits *blocking.Result) Info {
	found, alive := p.rules.Result(sum), p.goroutines.Result(sum, nil)
	census, delayed := p.goroutines.Census(sum), p.latency.Result(sum)
	info := Info{
		Meta: *sum.Metadata(), DurationNS: sum.DurationNS(), Events: sum.Events, GapNS: sum.GapNS,
		GapShare:     sum.GapShare(),
		NetworkWakes: p.blocking.NetworkWakes(), Goroutines: census.End, AtStart: census.Start,
		Leaks: leaks(alive.Groups), LeaksJudged: p.goroutines.LeaksJudged(sum), Findings: []Finding{},
		Causes:   causes(waits.Causes),
		Delay:    p.latency.Parts(sum),
		Limits:   p.limits.result(sum),
		Warnings: mergeWarnings(delayed.Warnings, waits.Warnings, alive.Warnings),
	}
	if w := sum.Windows; w.Count > 0 {
		for _, p := range delayed.Total.Percentiles {
			info.DelayPercentiles = append(info.DelayPercentiles, p.Percentile)
		}
		info.Windows, info.WatchedNS, info.BudgetShare = w.Count, w.WatchedNS, sum.GapShare()-sum.LostShare()
	}
	for _, f := range found.Findings {
		info.Findings = append(info.Findings, Finding{Name: f.Name, Title: f.Title, Where: plain(f.Where),
			At: plain(f.At), Severity: f.Severity, ExplainedNS: f.ExplainedNS, Sentence: plain(f.Sentence)})
	}
	return info
}

func leaks(groups []goroutines.Group) []Leak {
	out := []Leak{}
	for i := range groups {
		g := &groups[i]
		if g.Verdict != goroutines.Leaked {
			continue
		}
		frame := stack.Culprit(g.Stack)
		out = append(out, Leak{
			Where: plain(stack.Function(frame)), Entry: plain(g.Entry), Reason: plain(g.Reason),
			Stack: functions(g.Stack), Frame: plain(frame), Count: g.Count,
			Evidence: plain(g.Evidence),
		})
	}
	return out
}

func causes(list []blocking.Cause) []Cause {
	out := []Cause{}
	for _, c := range list[:min(len(list), maxCauses)] {
		name := c.Name
		if c.Syscall != "" {
			name = c.Syscall + " in " + name
		}
		out = append(out, Cause{
			Kind: c.Kind.String(), Name: plain(name), NS: c.BlockedNS + c.IdleNS, Count: c.Count, DirectNS: c.DirectNS,
			IdleNS: c.IdleNS,
			Frame:  plain(c.Frame),
			Root:   plain(stack.Root(c.Stack)),
		})
	}
	return out
}

// mergeWarnings lists the warnings of several answers, each once.
func mergeWarnings(lists ...[]report.Warning) []report.Warning {
	out := caveat.Merge(lists...)
	for i := range out {
		out[i].Text = plain(out[i].Text)
	}
	return out
}
