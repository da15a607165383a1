package summary

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Listed is a recording as `gosched summary --json` prints it.
type Listed struct {
	Info
	Figures map[string]any `json:"figures"` // null where the recording cannot say
}

// List is recordings with their figures.
func List(recordings []*Recording) []Listed {
	out := []Listed{}
	for _, r := range recordings {
		l := Listed{r.Info, map[string]any{}}
		for _, f := range figures {
			l.Figures[f.name] = f.of(r)
		}
		out = append(out, l)
	}
	return out
}

// WriteCSV writes a line of names and then a line a recording. What is not known is empty.
func WriteCSV(w io.Writer, recordings []*Recording) error {
	out := csv.NewWriter(w)
	line := make([]string, len(figures))
	for i, f := range figures {
		line[i] = f.name
	}
	if err := out.Write(line); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	for _, r := range recordings {
		for i, f := range figures {
			line[i] = field(f.of(r))
		}
		if err := out.Write(line); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

func field(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// Document makes recordings ready to be drawn, a line each.
func Document(recordings []*Recording) *report.Document {
	t := report.Table{Columns: []string{"began (UTC)", "program", "host", "Go", "duration", "events", "delay p50",
		"delay p99", "mutex wait", "goroutines", "warnings"},
		SameUnit: []string{"delay p50", "delay p99"}, Spare: []string{"Go", "host", "warnings", "events", "duration"}}
	for _, r := range recordings {
		t.Rows = append(t.Rows, r.cells())
	}
	return &report.Document{
		Title:  fmt.Sprintf("Summaries of %s", report.FormatNumber(int64(len(recordings)), "recording")),
		Tables: []report.Table{t},
		Notes: []string{
			"delay: from runnable to running. mutex wait: for a Mutex or an RWMutex, summed over goroutines and the " +
				"whole recording. goroutines: at the end. The runtime's own goroutines are left out everywhere. " +
				"The warnings of a recording are in --json.",
		},
	}
}

func (r *Recording) cells() []report.Cell {
	lock := r.histogram(contention)
	return []report.Cell{
		textCell(r.startTime("2006-01-02 15:04:05")), textCell(r.ofProcesses(program)),
		textCell(text(r.Info.Meta.Host)),
		textCell(r.ofProcesses(goVersion)), report.Duration(r.Info.DurationNS), report.Count(r.Info.Events),
		durationCell(quantileOf(delays, stats.P50)(r)), durationCell(quantileOf(delays, stats.P99)(r)),
		report.Duration(lock.Sum() + lock.CensoredSum()),
		countCell(r.Info.Goroutines), report.Count(int64(len(r.Info.Warnings))),
	}
}

// program is the name of the file that a process runs; that of its command where it is not known.
func program(p *format.Process) string {
	name := p.Executable
	if name == "" {
		name, _, _ = strings.Cut(p.Command, " ")
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

func textCell(v any) report.Cell {
	if v == nil {
		return report.Cell{Unknown: true}
	}
	return report.Text(v.(string))
}

func durationCell(v any) report.Cell {
	if v == nil {
		return report.OptionalDuration(nil)
	}
	return report.Duration(v.(int64))
}

func countCell(v *int64) report.Cell {
	if v == nil {
		return report.Cell{Unit: report.UnitCount, Unknown: true}
	}
	return report.Count(*v)
}
