package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// sampledText says how the goroutines of a process were sampled, and what of that was not as it was
// asked for.
func sampledText(r *format.Rounds, lasted time.Duration) string {
	if r == nil || r.Made == 0 {
		return "no round was read"
	}
	parts := []string{fmt.Sprintf("%s of %s goroutines, %s of a CPU", report.FormatNumber(r.Made, "round"),
		report.FormatCount(r.Goroutines/r.Made), cpuShare(r, lasted))}
	if r.Weighted > 0 {
		parts = append(parts, fmt.Sprintf("in %s only some of them, at least every %s",
			report.FormatCount(r.Weighted), ordinal(int64(r.MaxWeight))))
	}
	if r.LeftOut > 0 {
		parts = append(parts, fmt.Sprintf("%s left out at random to keep to --sample-cpu",
			report.FormatCount(r.LeftOut)))
	}
	if r.Skipped > 0 {
		parts = append(parts, report.FormatCount(r.Skipped)+" skipped because another was being read")
	}
	if r.Late > 0 {
		parts = append(parts, fmt.Sprintf("%s late, by up to %s", report.FormatCount(r.Late),
			report.FormatDuration(r.MaxLateNS)))
	}
	return strings.Join(parts, "; ")
}

// cpuShare is what rounds took of a CPU.
func cpuShare(r *format.Rounds, lasted time.Duration) string {
	return report.FormatShare(float64(r.CPUNS) / float64(max(1, lasted.Nanoseconds())))
}

// ordinal is "2nd", "3rd", "11th".
func ordinal(n int64) string {
	suffix := "th"
	if n/10%10 != 1 && n%10 < 4 {
		suffix = []string{"th", "st", "nd", "rd"}[n%10]
	}
	return report.FormatCount(n) + suffix
}
