package blocking

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// timeTables are the tables of where goroutines spent their time.
var timeTables = []struct{ by, title, head string }{
	{"class", "Where goroutines spent their time", "state or wait"},
	{"site", "Where they waited", "wait"},
	{"reason", "Waits by reason", "wait reason"},
	{"entry", "By entry function", "entry function"},
}

// averageLegend says what a column of average goroutines is.
const averageLegend = "goroutines: in this state on average; 2.5 for 10 s are 25 s of goroutine time."

// spentTable is one of them.
func (r *Result) spentTable(by string, v View) report.Table {
	t := report.Table{Extra: true, Spare: []string{"p90", "at", "p50", "times", "longest"}}
	for _, table := range timeTables {
		if table.by == by {
			t.Title, t.Columns = table.title, []string{table.head}
		}
	}
	if by == "class" {
		t.Below = []string{averageLegend}
		if r.unread {
			t.Below = append(t.Below, "All are at least that: goroutines were not read from memory in all windows.")
		}
		if text := r.foldedText(); text != "" {
			t.Below = append(t.Below, text)
		}
	}
	if by == "site" {
		t.Columns = append(t.Columns, "function", "at")
	}
	t.Columns = append(t.Columns, "goroutines", "total", "times", "censored")
	for _, p := range r.Spent[0].Percentiles {
		t.Columns, t.SameUnit = append(t.Columns, p.Name), append(t.SameUnit, p.Name)
	}
	t.Columns, t.SameUnit = append(t.Columns, "longest"), append(t.SameUnit, "longest")
	switch by {
	case "site":
		t.Columns = append(t.Columns, "mostly because of")
	case "entry":
		t.Columns = append(t.Columns, "running", "runnable", "in syscalls")
	}
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == by && (!s.System || v.System || by == "class") {
			t.Rows = append(t.Rows, s.cells())
		}
	}
	return t
}

// cells are the row of one thing.
func (s *Spent) cells() []report.Cell {
	cells := []report.Cell{report.Text(s.Name)}
	switch s.By {
	case "site":
		cells = append(cells, report.Function(stack.Function(s.Frame)), report.Text(stack.Position(s.Frame)))
	case "entry":
		cells[0] = report.Function(s.Name)
	}
	cells = append(cells, report.Average(s.Average), report.Duration(s.SumNS+s.CensoredSumNS))
	if s.By == "class" && s.Name == classRunning { // it is not told how long each run was
		return cells
	}
	cells = append(cells, report.Count(s.Count), report.Count(s.Censored))
	for _, p := range s.Percentiles {
		cells = append(cells, report.Percentile(p))
	}
	cells = append(cells, report.OptionalDuration(s.MaxNS))
	switch s.By {
	case "entry":
		cells = append(cells, report.OptionalDuration(s.RunningNS), report.OptionalDuration(s.RunnableNS),
			report.OptionalDuration(s.SyscallNS))
	case "site":
		cells = append(cells, report.Text(s.mostly()))
	}
	return cells
}

// scaledTable shows what windows stand for, by class and by site.
func (r *Result) scaledTable(v View) report.Table {
	columns, sameUnit := report.ScaledColumns("times")
	t := report.Table{Title: fmt.Sprintf("Scaled from the windows to the whole time, with %.0f%% confidence intervals",
		100*confidence), Extra: true, Columns: append([]string{"state or wait", "function", "at"}, columns...),
		SameUnit: sameUnit}
	for i := range r.Spent {
		s := &r.Spent[i]
		if s.Scaled == nil || s.By != "class" && s.By != "site" || s.System && !v.System && s.By != "class" {
			continue
		}
		cells := []report.Cell{report.Text(s.Name), report.Function(stack.Function(s.Frame)),
			report.Text(stack.Position(s.Frame))}
		t.Rows = append(t.Rows, append(cells, report.Scaled(s.Scaled)...))
	}
	if len(t.Rows) == 0 {
		return report.Table{}
	}
	return t
}

// mostly is the largest cause of the waits at a site, with its share.
func (s *Spent) mostly() string {
	if len(s.Causes) == 0 {
		return ""
	}
	top := s.Causes[0]
	c := Cause{Kind: top.Kind, Name: top.Name}
	if call, function, ok := strings.Cut(top.Name, " in "); ok && top.Kind == KindSyscall {
		c.Syscall, c.Name = call, function
	}
	return report.FormatShare(top.Share) + " " + c.brief()
}
