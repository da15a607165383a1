package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
)

// recordDocument is what record --json prints.
type recordDocument struct {
	Version    int               `json:"version"`
	Output     string            `json:"output"`
	Processes  []recordedProcess `json:"processes"`
	Events     int64             `json:"events"`
	Lost       int64             `json:"lost"`
	LostStacks int64             `json:"lost_stacks"`
	DurationNS int64             `json:"duration_ns"`
	Bytes      int64             `json:"bytes"`
	EndReason  string            `json:"end_reason"`
	Confined   *format.Confined  `json:"confined"` // null: nothing was given up

	Missed         []missedProcesses `json:"not_recorded,omitempty"`     // that were picked
	AttachMedianNS int64             `json:"attach_median_ns,omitempty"` // from a program's begin until it was recorded
	Governor       *format.Governor  `json:"governor"`                   // null: nothing bounded what it cost
}

// recordedProcess is what a recording has of a process.
type recordedProcess struct {
	PID        int               `json:"pid"` // as the recorder's PID namespace numbers it
	Executable string            `json:"executable"`
	Container  *format.Container `json:"container,omitempty"`
	GoVersion  string            `json:"go_version"`
	Events     int64             `json:"events"`
	Lost       int64             `json:"lost"`
	LostStacks int64             `json:"lost_stacks"`
	DurationNS int64             `json:"duration_ns"`
	EndReason  string            `json:"end_reason"`
	Rounds     *format.Rounds    `json:"rounds,omitempty"` // with --sample
	Coverage   []format.Coverage `json:"coverage"`
}

func newRecordDocument(s *record.Summary, path string) recordDocument {
	d := recordDocument{
		Version:    documentVersion,
		Output:     path,
		Events:     s.Events,
		Lost:       s.Lost,
		LostStacks: s.LostStacks,
		DurationNS: s.Elapsed.Nanoseconds(),
		Bytes:      s.Bytes,
		EndReason:  s.EndReason,
		Confined:   s.Metadata.Confined,
		Governor:   s.Metadata.Governor,
	}
	for i := range s.Metadata.Processes {
		p := &s.Metadata.Processes[i]
		d.Processes = append(d.Processes, recordedProcess{
			PID: s.PIDs[i], Executable: p.Executable, Container: p.Container, GoVersion: p.GoVersion,
			Events: eventsOf(s, i), Lost: p.Lost, LostStacks: p.LostStacks,
			DurationNS: lasted(s, p), EndReason: cmp.Or(p.EndReason, s.EndReason), Coverage: p.Coverage,
			Rounds: p.Rounds,
		})
	}
	d.addArrivals(s)
	return d
}

// lasted is how long a process was recorded.
func lasted(s *record.Summary, p *format.Process) int64 {
	if p.EndNS == 0 {
		return s.Elapsed.Nanoseconds() - max(0, p.BeginNS-s.Metadata.StartNS)
	}
	return p.EndNS - max(s.Metadata.StartNS, p.BeginNS)
}

// writeSummary says in three lines what was recorded, what is missing from it, and where it is. Of
// several processes each has a line of its own for the first two. What the recorder could not give
// up takes one more.
func writeSummary(out io.Writer, s *record.Summary, path string) error {
	whole := fmt.Sprintf("for %s: %s events%s; ended: %s", report.FormatDuration(s.Elapsed.Nanoseconds()),
		report.FormatCount(s.Events), perSecond(s), s.EndReason)
	written := "nothing was written"
	switch {
	case s.Kept:
		written = fmt.Sprintf("the last of it is kept in %s, %s with what was saved: gosched %s %s", path,
			report.FormatBytes(s.Bytes), firstQuestion(s), path)
	case s.Bytes > 0:
		written = fmt.Sprintf("wrote %s, %s%s: gosched %s %s", path, report.FormatBytes(s.Bytes), perEvent(s),
			firstQuestion(s), path)
	}
	lines := []string{fmt.Sprintf("recorded %s %s", processesText(len(s.PIDs)), whole)}
	for i := range s.Metadata.Processes {
		p := &s.Metadata.Processes[i]
		if len(s.PIDs) == 1 {
			lines = []string{fmt.Sprintf("recorded %s %s%s", nameOf(s.PIDs[i], p), whole, library(p.Modules)),
				missing(s, p)}
			break
		}
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("  and %d more: gosched info %s lists them", len(s.PIDs)-i, path))
			break
		}
		lines = append(lines, fmt.Sprintf("  %s%s%s%s: %s%s", nameOf(s.PIDs[i], p), library(p.Modules),
			beginOf(s, p), endOf(s, p), eventsText(s, i), missing(s, p)))
	}
	lines = append(lines, arrivalsText(s)...)
	if text := info.GovernorText(s.Metadata.Governor); text != "" {
		lines = append(lines, text)
	}
	if text := confinedText(s.Metadata.Confined); text != "" {
		lines = append(lines, text)
	}
	_, err := fmt.Fprintln(out, strings.Join(append(lines, written), "\n"))
	return err
}

// nameOf names a process for people.
func nameOf(pid int, p *format.Process) string {
	number := strconv.Itoa(pid)
	if int(p.PID) != pid {
		number += fmt.Sprintf(", in the trace %d as the root PID namespace has it", p.PID)
	}
	return fmt.Sprintf("%s (pid %s, %s)%s", filepath.Base(p.Executable), number, p.GoVersion, containerText(p))
}

// endOf says how a process's part of the recording ended, if that was before the recording did.
func endOf(s *record.Summary, p *format.Process) string {
	if p.EndNS == 0 {
		return ""
	}
	return fmt.Sprintf(", ended after %s: %s", report.FormatDuration(lasted(s, p)), p.EndReason)
}

// firstQuestion is the command to begin with: what the recording was made for, if that was one
// question.
func firstQuestion(s *record.Summary) string {
	if caveat.IsQuestion(s.For) {
		return s.For
	}
	return "blocking"
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

// missing says what of a process was lost and which transitions are not in the trace.
func missing(s *record.Summary, process *format.Process) string {
	if s.Metadata.Source == format.SourceMemory {
		return sampledText(process.Rounds, time.Duration(lasted(s, process)))
	}
	var lines []string
	snapshots := snapshotsOf(s, process.PID)
	switch {
	case !s.Whole:
		lines = append(lines, "the last of them could not be written")
	case process.Lost > 0 || process.LostStacks > 0: // below
	case process.Gaps > 0:
		lines = append(lines, "no event lost, but not everything was looked for in "+
			report.FormatNumber(process.Gaps, "gap"))
	case slices.ContainsFunc(snapshots, incomplete):
		lines = append(lines, "no event lost")
	default:
		lines = append(lines, "nothing lost")
	}
	if process.Lost > 0 || process.LostStacks > 0 {
		lines = append(lines, fmt.Sprintf("lost %s events and %s stacks", report.FormatCount(process.Lost),
			report.FormatCount(process.LostStacks)))
	}
	for _, snapshot := range snapshots {
		if incomplete(snapshot) || snapshot.EndNS-snapshot.BeginNS > longReadingNS {
			lines = append(lines, "read from memory "+info.SnapshotText(&snapshot))
		}
	}
	lines = append(lines, withoutModules(process.Modules)...)
	return strings.Join(append(lines, withoutTransitions(process)...), ", ")
}

// snapshotsOf are the snapshots of a process.
func snapshotsOf(s *record.Summary, pid int32) []format.Snapshot {
	return slices.DeleteFunc(slices.Clone(s.Metadata.Snapshots), func(of format.Snapshot) bool { return of.PID != pid })
}

// incomplete says whether goroutines that never moved may be missing.
func incomplete(s format.Snapshot) bool { return s.Unread > 0 || s.Unsure > 0 }

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
