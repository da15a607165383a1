package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record"
)

// progressText says how far a recording is: events, their rate since last, what was lost, the
// trace's size so far, and the time left of duration; 0: until Ctrl-C.
func progressText(pids []int, duration time.Duration, now, last record.Progress) string {
	rate := int64(0)
	if d := now.Elapsed - last.Elapsed; d > 0 {
		rate = int64(float64(now.Events-last.Events) / d.Seconds())
	}
	left := now.Elapsed.Round(time.Second).String() + ", Ctrl-C to end"
	if duration > 0 {
		left = max(0, duration-now.Elapsed).Round(time.Second).String() + " left"
	}
	if r := now.Rounds; r != nil && r.Made > 0 {
		return fmt.Sprintf("sampling %s: %s of %s goroutines, %s of a CPU, %s, %s", pidsText(pids),
			report.FormatNumber(r.Made, "round"), report.FormatCount(r.Goroutines/r.Made), cpuShare(r, now.Elapsed),
			report.FormatBytes(now.Bytes), left)
	}
	return fmt.Sprintf("recording %s: %s events, %s/s, %s lost, %s, %s", pidsText(pids), report.FormatCount(now.Events),
		report.FormatCount(rate), report.FormatCount(now.Lost), report.FormatBytes(now.Bytes), left)
}

// maxNamed is how many processes are named in a line; more are only counted.
const maxNamed = 4

// pidsText names processes by their numbers.
func pidsText(pids []int) string {
	if len(pids) == 0 || len(pids) > maxNamed {
		return report.FormatCount(int64(len(pids))) + " processes"
	}
	var names []string
	for _, pid := range pids {
		names = append(names, strconv.Itoa(pid))
	}
	return strings.Join(names, ", ")
}
