package info

import (
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
