package info

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// moduleTable has the Go code that is not in an executable.
func (r *Result) moduleTable() report.Table {
	t := report.Table{Title: "Go code in libraries and plugins", Columns: []string{"file", "pid", "what",
		"its functions"}}
	for _, p := range r.Metadata.Processes {
		for _, m := range p.Modules {
			what, functions := "plugin", "known"
			switch {
			case m.Runtime:
				what = "library with the runtime"
			case m.Other:
				what, functions = "another runtime", "not recorded"
			case m.FoundNS != 0:
				what += ", found after " + report.FormatDuration(m.FoundNS-r.Metadata.StartNS)
			}
			if m.Why != "" {
				functions = "not known"
			}
			row := []report.Cell{report.Text(m.Path), pidCell(p.PID), report.Text(what), report.Text(functions)}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// unknownModules names the modules of a process whose functions are not known.
func unknownModules(p *format.Process) string {
	var paths []string
	for _, m := range p.Modules {
		if m.Why != "" {
			paths = append(paths, m.Path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	return "not in " + strings.Join(paths, ", ")
}

// moduleWarnings say which Go code of the processes is not in the trace, or not by its names.
func moduleWarnings(meta *format.Metadata) []report.Warning {
	var out []report.Warning
	for _, p := range meta.Processes {
		for _, m := range p.Modules {
			if m.Other {
				text := fmt.Sprintf("%s has a Go runtime of its own: its goroutines are not in the trace", m.Path)
				out = append(out, report.Warning{Code: "runtimes", Text: text})
			}
			if m.Why != "" {
				text := fmt.Sprintf("%s with functions of %s, which are not known: %s",
					report.FormatNumber(m.Stacks, "event"), m.Path, m.Why)
				out = append(out, report.Warning{Code: "modules", Text: text})
			}
		}
	}
	return out
}
