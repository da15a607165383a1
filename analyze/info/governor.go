package info

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// GovernorText says what a recording was allowed to cost, what it cost, and what was left out for
// that; "" where nothing was bounded.
func GovernorText(g *format.Governor) string {
	if g == nil {
		return ""
	}
	parts := []string{budgetText(g)}
	switch {
	case len(g.Off) == 0:
		parts = append(parts, "everything was watched all the time")
	default:
		parts = append(parts, fmt.Sprintf("watched for %s of the time, in %s", report.FormatShare(g.DutyCycle),
			report.FormatNumber(g.Windows, "window")))
	}
	for _, off := range g.Off {
		if off.Reason != format.ReasonBudget.String() {
			parts = append(parts, fmt.Sprintf("off %s for %s: %s", timesText(off.Times),
				report.FormatDuration(off.OffNS), off.Reason))
		}
	}
	for _, d := range g.Dropped {
		parts = append(parts, fmt.Sprintf("without %s for %s", d.Transition, report.FormatDuration(d.OffNS)))
	}
	return strings.Join(parts, "; ")
}

// budgetText says what it cost beside what it was allowed to. Of processes that do nothing that is no
// share of their CPU time, but less than what may always be spent.
func budgetText(g *format.Governor) string {
	share := report.FormatShare(g.Overhead) + " of the recorded CPU time"
	whole := fmt.Sprintf("%s in probes, %s in the recorder", report.FormatDuration(g.HitsNS),
		report.FormatDuration(g.RecorderNS))
	switch {
	case g.MaxOverhead > 0 && g.CPUs > 0 && g.Overhead > g.MaxOverhead:
		return fmt.Sprintf("cost %s CPU a second (%s), %s", cpus(g.CPUs), whole, againstFloor(g))
	case g.MaxOverhead > 0:
		may := report.FormatShare(g.MaxOverhead)
		if g.FloorCPUs > 0 {
			may += fmt.Sprintf(", or %s CPU", cpus(g.FloorCPUs))
		}
		return fmt.Sprintf("cost %s (%s), allowed %s", share, whole, may)
	case g.MaxCPUs > 0:
		return fmt.Sprintf("cost %s (%s), allowed %s CPU", share, whole, cpus(g.MaxCPUs))
	}
	return fmt.Sprintf("cost %s (%s)", share, whole)
}

// againstFloor compares what it cost with what may always be spent, where it is more than the share.
func againstFloor(g *format.Governor) string {
	allowed := report.FormatShare(g.MaxOverhead) + " of the recorded CPU time, or the " + cpus(g.FloorCPUs) +
		" that may always be spent"
	switch {
	case g.CPUs > g.AllowedCPUs:
		return "more than " + allowed
	case g.CPUs > g.FloorCPUs:
		return "within " + allowed + ", and what the start may take"
	}
	return "within the " + cpus(g.FloorCPUs) + " that may always be spent"
}

// cpus is CPU-seconds a second with two digits.
func cpus(n float64) string { return strconv.FormatFloat(n, 'g', 2, 64) }

func timesText(n int64) string {
	if n == 1 {
		return "once"
	}
	return report.FormatCount(n) + " times"
}
