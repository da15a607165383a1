package blocking

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// View says how much of a Result a Document shows.
type View struct {
	Rows   int  // the most of each table; 0: 10
	System bool // the runtime's own goroutines too
}

const defaultRows = 10

// describe says a cause in words.
func (c *Cause) describe() string {
	name := c.Name
	if hasStack(c.Kind) {
		name = stack.Local(name)
	}
	if name == "" {
		name = "?"
	}
	switch c.Kind {
	case KindRunning:
		return name + " ran"
	case KindBehind:
		return name + " had the P"
	case KindOffCPU:
		if c.Name == "" {
			return "no CPU for a woken thread"
		}
		return c.Name + " had the CPU"
	case KindAsleep:
		return "the kernel held up a running thread: " + name
	case KindSyscall:
		return strings.TrimSpace(c.Syscall+" (system call)") + " in " + name
	case KindWaking:
		return "nobody: the P was free, or being handed on"
	case KindStopped:
		return "the world was stopped: " + strings.TrimPrefix(name, "stop-the-world ")
	case KindSuspended:
		return "the process was stopped by " + name
	case KindNetwork:
		return "the network, in " + name
	case KindTimer:
		return "a timer, in " + name
	case KindGC:
		return "garbage collector: " + name
	case KindRuntime:
		return "the runtime woke it, in " + name
	}
	return "unknown: " + name
}

// Document makes the result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	if v.Rows == 0 {
		v.Rows = defaultRows
	}
	d := &report.Document{Title: "Blocking: where goroutines waited, and for what", Warnings: r.Warnings}
	d.Tables = append(d.Tables, r.causeTable(v), r.wayTable(v))
	for _, t := range []struct{ title, by string }{
		{"Where the time went", "class"}, {"By reason", "reason"}, {"By place", "site"},
		{"By goroutine kind (entry function)", "kind"},
	} {
		d.Tables = append(d.Tables, r.spentTable(t.title, t.by, v))
	}
	d.Tables = append(d.Tables, r.rangeTable(v), r.wakerTable(v), r.delayTable(v))
	if r.Threads != nil {
		d.Tables = append(d.Tables, r.Threads.table(), r.Threads.takers(v))
	}
	d.Notes = r.notes()
	return d
}

func (r *Result) notes() []string {
	notes := []string{
		"Times are sums over goroutines: ten goroutines that wait for a second are ten seconds, and \"wall\" is 1000%.",
		"held up: what the wakers did meanwhile, followed from waker to waker, and what runnable goroutines and " +
			"those in system calls waited for. " +
			"Waiting for the network or a timer by oneself holds up nobody and is under \"Where the time went\" " +
			"alone. idle: goroutines at the top of their own loop, who may just have had nothing to do; it counts a " +
			"hundredth in the order.",
	}
	if r.Threads == nil {
		notes = append(notes, "The trace has no thread events: time in which a goroutine's thread had no CPU is "+
			"inside of what it did then.")
	}
	return notes
}

func (r *Result) causeTable(v View) report.Table {
	t := report.Table{Title: "What held goroutines up in the end", Columns: []string{"", "held up", "share", "times",
		"itself", "idle"}}
	for i := range r.Causes {
		c := &r.Causes[i]
		if len(t.Rows) == v.Rows {
			t.More++
			continue
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(c.describe()), report.Duration(c.NS), report.Share(c.Share), report.Count(c.Count),
			shareOf(c.DirectNS, c.NS), shareOf(c.IdleNS, c.NS),
		})
	}
	return t
}

// shareOf is a share of ns, drawn as nothing where there is none.
func shareOf(ns, of int64) report.Cell {
	if ns == 0 || of == 0 {
		return report.Text("")
	}
	return report.Share(float64(ns) / float64(of))
}

// waysShown is how many causes are shown with the way to them.
const waysShown = 5

// wayTable shows the heaviest way to each of the first causes.
func (r *Result) wayTable(v View) report.Table {
	t := report.Table{Title: "The heaviest way to each", Columns: []string{"", ""}}
	for i := range r.Causes[:min(len(r.Causes), waysShown, v.Rows)] {
		c := &r.Causes[i]
		if len(c.Way) == 0 && c.Frame == "" {
			continue
		}
		lead := fmt.Sprintf("%d. %s", i+1, report.FormatDuration(c.WayNS))
		for _, s := range c.Way {
			t.Rows = append(t.Rows, []report.Cell{report.Text(lead),
				report.Text(s.Reason + " at " + stack.Short(s.Frame) + elision(s.Elided))})
			lead = "   for"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(lead), report.Text(c.end())})
	}
	return t
}

// end is the last step of a way: the cause, with the place.
func (c *Cause) end() string {
	if c.Frame == "" {
		return c.describe()
	}
	return c.describe() + " (" + stack.Place(c.Frame) + ")"
}

func elision(elided bool) string {
	if elided {
		return " … (waits left out)"
	}
	return ""
}

func (r *Result) spentTable(title, by string, v View) report.Table {
	t := report.Table{Title: title, Columns: []string{"", "count", "cut"}}
	for _, p := range r.Spent[0].Percentiles { // running goroutines are always there
		t.Columns = append(t.Columns, p.Name)
	}
	t.Columns = append(t.Columns, "max", "sum", "wall")
	switch by {
	case "site":
		t.Columns = append([]string{"", "mostly for", ""}, t.Columns[1:]...)
	case "kind":
		t.Columns = append(t.Columns, "ran", "runnable", "syscall")
	}
	for i := range r.Spent {
		s := &r.Spent[i]
		if s.By != by || s.System && !v.System && by != "class" {
			continue
		}
		if len(t.Rows) == v.Rows {
			t.More++
			continue
		}
		t.Rows = append(t.Rows, s.cells())
	}
	return t
}

func (s *Spent) cells() []report.Cell {
	name := s.Name
	switch s.By {
	case "site":
		name += " at " + stack.Short(s.Frame)
	case "kind":
		name = stack.Local(name)
	}
	cells := []report.Cell{report.Text(name), report.Count(s.Count), report.Count(s.Censored)}
	for _, p := range s.Percentiles {
		cells = append(cells, report.OptionalDuration(p.NS))
	}
	cells = append(cells, report.OptionalDuration(s.MaxNS))
	if s.By == "class" && s.Name == classRunning {
		for i := 1; i < len(cells); i++ {
			cells[i] = report.Text("")
		}
	}
	cells = append(cells, report.Duration(s.SumNS+s.CensoredSumNS), report.Share(s.Wall))
	switch {
	case s.By == "kind":
		cells = append(cells, report.OptionalDuration(s.RunningNS), report.OptionalDuration(s.RunnableNS),
			report.OptionalDuration(s.SyscallNS))
	case s.By == "site":
		cells = append([]report.Cell{cells[0], report.Text(""), report.Text("")}, cells[1:]...)
		if len(s.Causes) > 0 {
			top := Cause{Kind: s.Causes[0].Kind, Name: stack.Local(s.Causes[0].Name)}
			cells[1], cells[2] = report.Text(top.brief()), report.Share(s.Causes[0].Share)
		}
	}
	return cells
}

// brief is a cause in few words.
func (c *Cause) brief() string {
	switch c.Kind {
	case KindUnknown:
		return "? " + c.Name
	case KindRunning:
		return c.Name
	}
	return strings.TrimSpace(c.Kind.String() + " " + c.Name)
}

func (r *Result) rangeTable(v View) report.Table {
	t := report.Table{Title: "Of the whole process", Columns: []string{"", "count", "max", "sum", "of the time"}}
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "range" && len(t.Rows) < v.Rows {
			t.Rows = append(t.Rows, []report.Cell{report.Text(s.Name), report.Count(s.Count),
				report.OptionalDuration(s.MaxNS), report.Duration(s.SumNS), report.Share(s.Wall)})
		}
	}
	return t
}

func (r *Result) wakerTable(v View) report.Table {
	t := report.Table{Title: "Who ended the waits", Columns: []string{"", "woken by", "count", "sum"}}
	for i := range r.Wakers {
		if len(t.Rows) == v.Rows {
			t.More++
			continue
		}
		w := &r.Wakers[i]
		t.Rows = append(t.Rows, []report.Cell{report.Text(w.Reason + " at " + stack.Short(w.Frame)),
			report.Text(w.by()), report.Count(w.Count), report.Duration(w.SumNS)})
	}
	return t
}

func (w *Waker) by() string {
	switch {
	case w.WakerFrame != "":
		return stack.Short(w.WakerFrame)
	case w.WakerReason != "":
		return "the runtime: " + w.WakerReason
	}
	return "?"
}

func (r *Result) delayTable(v View) report.Table {
	t := report.Table{Title: "What runnable goroutines waited for, where they ran in the end",
		Columns: []string{"", "sum", "share", "times"}}
	for i := range r.Delays {
		if len(t.Rows) == v.Rows {
			t.More++
			continue
		}
		c := &r.Delays[i]
		t.Rows = append(t.Rows, []report.Cell{report.Text(c.describe()), report.Duration(c.NS), report.Share(c.Share),
			report.Count(c.Count)})
	}
	return t
}

func (t *Threads) table() report.Table {
	out := report.Table{Title: "Where their threads were", Columns: []string{"", "on a CPU", "CPU taken", "asleep"}}
	for _, row := range []struct {
		name            string
		on, off, asleep int64
	}{{"running goroutines", t.RunningOnNS, t.RunningOffNS, t.RunningAsleepNS}, {"goroutines in system calls",
		t.SyscallOnNS, t.SyscallOffNS, t.SyscallAsleepNS}} {
		out.Rows = append(out.Rows, []report.Cell{report.Text(row.name), report.Duration(row.on),
			report.Duration(row.off), report.Duration(row.asleep)})
	}
	if t.RunningStoppedNS > 0 {
		out.Columns = append(out.Columns, "stopped from outside")
		out.Rows[0] = append(out.Rows[0], report.Duration(t.RunningStoppedNS))
		out.Rows[1] = append(out.Rows[1], report.Text("in asleep"))
	}
	return out
}

func (t *Threads) takers(v View) report.Table {
	out := report.Table{Title: "Who had the CPU that their threads wanted", Columns: []string{"", "sum", "share"}}
	for _, s := range t.TakenBy {
		if len(out.Rows) == v.Rows {
			out.More++
			continue
		}
		name := s.Name
		if name == "" {
			name = "not recorded: the thread had just been woken"
		}
		out.Rows = append(out.Rows, []report.Cell{report.Text(name), report.Duration(s.NS), report.Share(s.Share)})
	}
	return out
}
