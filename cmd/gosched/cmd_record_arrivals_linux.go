package main

import (
	"cmp"
	"fmt"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
)

// missedProcesses are those that were picked and not recorded for one reason.
type missedProcesses struct {
	Why   string `json:"why"`
	Count int    `json:"count"`
	PID   int    `json:"pid,omitempty"` // the first of them
}

func (d *recordDocument) addArrivals(s *record.Summary) {
	for _, m := range s.Missed {
		d.Missed = append(d.Missed, missedProcesses(m))
	}
	if n := len(s.Attached); n > 0 {
		d.AttachMedianNS = s.Attached[n/2].Nanoseconds()
	}
}

// maxListed is how many processes have a line.
const maxListed = 20

func processesText(n int) string {
	if n == 1 {
		return "1 process"
	}
	return report.FormatCount(int64(n)) + " processes"
}

// eventsOf is how many events the trace has of a process.
func eventsOf(s *record.Summary, i int) int64 {
	if i >= len(s.OfProcess) {
		return 0
	}
	return s.OfProcess[i].Events
}

// eventsText says it of one that was picked by a rule, as there may be many.
func eventsText(s *record.Summary, i int) string {
	if s.Metadata.Processes[i].Chosen == "" {
		return ""
	}
	return report.FormatNumber(eventsOf(s, i), "event") + ", "
}

// containerText names a process's container.
func containerText(p *format.Process) string {
	if p.Container == nil {
		return ""
	}
	return " in container " + containerName(p.Container)
}

// containerName is short; empty without a container.
func containerName(c *format.Container) string {
	if c == nil {
		return ""
	}
	name := cmp.Or(c.Name, c.ID[:min(len(c.ID), 12)])
	if c.Pod != "" {
		name = c.Namespace + "/" + c.Pod + "/" + name
	}
	return name
}

// beginOf says when a process's part of the recording began, if that was later than the recording.
func beginOf(s *record.Summary, p *format.Process) string {
	if p.BeginNS <= s.Metadata.StartNS {
		return ""
	}
	return ", came after " + report.FormatDuration(p.BeginNS-s.Metadata.StartNS)
}

// arrivalsText says how late processes were recorded that came, and which were not.
func arrivalsText(s *record.Summary) (lines []string) {
	if n := len(s.Attached); n > 0 {
		const text = "those that came were recorded from %s after their program began, in the median"
		lines = append(lines, fmt.Sprintf(text, report.FormatDuration(s.Attached[n/2].Nanoseconds())))
	}
	for _, m := range s.Missed {
		line := fmt.Sprintf("not recorded: %s: %s", processesText(m.Count), m.Why)
		if m.PID != 0 {
			line += fmt.Sprintf(" (the first: %d)", m.PID)
		}
		lines = append(lines, line)
	}
	return lines
}
