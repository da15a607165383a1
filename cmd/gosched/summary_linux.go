package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
)

// recordDocument is what record --json prints.
type recordDocument struct {
	Version    int               `json:"version"`
	Output     string            `json:"output"`
	PID        int               `json:"pid"`
	GoVersion  string            `json:"go_version"`
	Events     int64             `json:"events"`
	Lost       int64             `json:"lost"`
	LostStacks int64             `json:"lost_stacks"`
	DurationNS int64             `json:"duration_ns"`
	Bytes      int64             `json:"bytes"`
	EndReason  string            `json:"end_reason"`
	Coverage   []format.Coverage `json:"coverage"`
}

func newRecordDocument(s *record.Summary, path string, pid int) recordDocument {
	process := firstProcess(&s.Metadata)
	return recordDocument{
		Version:    documentVersion,
		Output:     path,
		PID:        pid,
		GoVersion:  process.GoVersion,
		Events:     s.Events,
		Lost:       s.Lost,
		LostStacks: s.LostStacks,
		DurationNS: s.Elapsed.Nanoseconds(),
		Bytes:      s.Bytes,
		EndReason:  s.EndReason,
		Coverage:   process.Coverage,
	}
}

func firstProcess(meta *format.Metadata) format.Process {
	if len(meta.Processes) == 0 {
		return format.Process{}
	}
	return meta.Processes[0]
}

// writeSummary says in three lines what was recorded, what is missing from it, and
// where it is.
func writeSummary(out io.Writer, s *record.Summary, path string) error {
	process := firstProcess(&s.Metadata)
	pid := strconv.Itoa(s.PIDs[0])
	if int(process.PID) != s.PIDs[0] {
		pid += fmt.Sprintf(", in the trace %d as the root PID namespace has it", process.PID)
	}
	recorded := fmt.Sprintf("recorded %s (pid %s, %s) for %s: %s events%s; ended: %s",
		filepath.Base(process.Executable), pid, process.GoVersion, report.FormatDuration(s.Elapsed.Nanoseconds()),
		report.FormatCount(s.Events), perSecond(s), s.EndReason)
	written := "nothing was written"
	if s.Bytes > 0 {
		written = fmt.Sprintf("wrote %s, %s%s: gosched latency %s", path, report.FormatBytes(s.Bytes), perEvent(s),
			path)
	}
	_, err := fmt.Fprintf(out, "%s%s\n%s\n%s\n", recorded, library(process.Modules), missing(s, &process), written)
	return err
}

// library says where the Go code is if it is not in the executable.
func library(modules []format.Module) string {
	for _, m := range modules {
		if m.Runtime {
			return "; its executable is not Go, its Go code is in " + m.Path
		}
	}
	return ""
}

func perSecond(s *record.Summary) string {
	if s.Elapsed <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s/s", report.FormatCount(int64(float64(s.Events)/s.Elapsed.Seconds())))
}

func perEvent(s *record.Summary) string {
	if s.Events == 0 {
		return ""
	}
	return fmt.Sprintf(", %.2f bytes an event", float64(s.Bytes)/float64(s.Events))
}

// longReadingNS is from when on it is said how long the goroutines were read.
const longReadingNS = 250e6

// missing says what was lost and which transitions are not in the trace.
func missing(s *record.Summary, process *format.Process) string {
	var lines []string
	switch {
	case !s.Whole:
		lines = append(lines, "the last of them could not be written")
	case s.Lost == 0 && s.LostStacks == 0 && s.Gaps > 0:
		lines = append(lines, "nothing lost, but not everything was looked for in "+report.FormatNumber(s.Gaps, "gap"))
	case s.Lost == 0 && s.LostStacks == 0:
		lines = append(lines, "nothing lost")
	}
	if s.Lost > 0 || s.LostStacks > 0 {
		lines = append(lines, fmt.Sprintf("lost %s events and %s stacks", report.FormatCount(s.Lost),
			report.FormatCount(s.LostStacks)))
	}
	for _, snapshot := range s.Metadata.Snapshots {
		if snapshot.Unread > 0 || snapshot.Unsure > 0 || snapshot.EndNS-snapshot.BeginNS > longReadingNS {
			lines = append(lines, "read from memory "+info.SnapshotText(&snapshot))
		}
	}
	lines = append(lines, withoutModules(process.Modules)...)
	return strings.Join(append(lines, withoutTransitions(process)...), ", ")
}

// withoutModules says of which Go code of the process not all is known.
func withoutModules(modules []format.Module) []string {
	var lines []string
	for _, m := range modules {
		if m.Other {
			lines = append(lines, "without the goroutines of another Go runtime in "+m.Path)
		}
		if m.Why != "" {
			lines = append(lines, fmt.Sprintf("%s with unknown functions of %s (%s)",
				report.FormatNumber(m.Stacks, "event"), m.Path, m.Why))
		}
	}
	return lines
}

// withoutTransitions says which transitions are not in the trace, each reason once.
func withoutTransitions(process *format.Process) []string {
	var lines, reasons []string
	names := map[string][]string{}
	for _, t := range format.Transitions() {
		why, missing := process.Missing(t)
		if !missing {
			continue
		}
		if names[why] == nil {
			reasons = append(reasons, why)
		}
		names[why] = append(names[why], t.String())
	}
	for _, why := range reasons {
		lines = append(lines, fmt.Sprintf("without %s (%s)", strings.Join(names[why], ", "), why))
	}
	return lines
}
