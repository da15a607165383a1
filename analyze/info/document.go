package info

import (
	"fmt"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Document makes the result ready to be drawn.
func (r *Result) Document() *report.Document {
	d := &report.Document{Title: "Trace", Warnings: r.Warnings, Facts: r.facts()}
	d.Tables = append(d.Tables, r.processTable(), r.moveTable(), r.rangeTable(), r.snapshotTable(), r.questionTable(), r.problemTable())
	return d
}

func (r *Result) facts() []report.Fact {
	var out []report.Fact
	text := func(name, value string) {
		if value != "" {
			out = append(out, report.Fact{Name: name, Value: report.Text(value)})
		}
	}
	text("recorded by", join(r.Metadata.Recorder, string(r.Source)))
	text("on", join(r.Metadata.Host, r.Metadata.Kernel, r.Metadata.Arch, r.Metadata.CPUModel))
	text("machine", machine(r.Metadata.Machine))
	text("ended", r.Metadata.EndReason)
	text("from", time.Unix(0, r.BeginNS).UTC().Format(time.RFC3339Nano))
	out = append(out,
		report.Fact{Name: "duration", Value: report.Duration(r.DurationNS)},
		report.Fact{Name: "events", Value: report.Text(r.events())},
		report.Fact{Name: "lost", Value: report.Text(fmt.Sprintf("%s, %s, %s of the time",
			report.FormatNumber(r.Lost, "event"), report.FormatNumber(r.Gaps, "gap"), report.FormatShare(r.GapShare)))},
		report.Fact{Name: "goroutines", Value: report.Text(fmt.Sprintf("%s seen, at most %s at once", report.FormatCount(r.Goroutines), report.FormatCount(int64(r.PeakAlive))))},
		report.Fact{Name: "threads", Value: report.Count(int64(r.Threads))},
		report.Fact{Name: "Ps", Value: report.Count(int64(r.Ps))})
	return out
}

// machine says what the machine's CPUs did meanwhile.
func machine(m *format.MachineTime) string {
	if m == nil {
		return ""
	}
	all := m.BusyNS + m.StealNS + m.IdleNS
	if all <= 0 {
		return ""
	}
	share := func(ns int64) string { return report.FormatShare(float64(ns) / float64(all)) }
	own := ""
	if m.OwnNS > 0 {
		own = fmt.Sprintf(" (what was recorded: %s)", share(m.OwnNS))
	}
	return fmt.Sprintf("CPUs %s busy%s, %s stolen by the hypervisor", share(m.BusyNS), own, share(m.StealNS))
}

func (r *Result) events() string {
	k := r.ByKind
	return fmt.Sprintf("%s (%s goroutine, %s thread, %s range, %s gap, %s snapshot)", report.FormatCount(r.Events), report.FormatCount(k.Goroutine),
		report.FormatCount(k.Thread), report.FormatCount(k.Range), report.FormatCount(k.Gap), report.FormatCount(k.Snapshot))
}

func join(parts ...string) string {
	out := ""
	for _, p := range parts {
		switch {
		case p == "":
		case out == "":
			out = p
		default:
			out += ", " + p
		}
	}
	return out
}

func (r *Result) processTable() report.Table {
	t := report.Table{Title: "Processes", Columns: []string{"command", "pid", "Go", "GOMAXPROCS", "CPU quota"}}
	for _, p := range r.Metadata.Processes {
		quota := report.Text("none")
		if p.CPUQuota > 0 {
			quota = report.Text(fmt.Sprintf("%.2f", p.CPUQuota))
		}
		procs := report.Count(int64(p.GOMAXPROCS))
		procs.Unknown = p.GOMAXPROCS == 0
		t.Rows = append(t.Rows, []report.Cell{report.Text(command(p)), pidCell(p.PID), report.Text(p.GoVersion), procs, quota})
	}
	return t
}

func command(p format.Process) string {
	if p.Command == "" {
		return p.Executable
	}
	return p.Command
}

func (r *Result) moveTable() report.Table {
	t := report.Table{Title: "Transitions", Columns: []string{"", "from", "to", "count"}}
	for _, m := range r.Moves {
		if m.Count == 0 {
			continue
		}
		name := m.Name
		if name == "" {
			name = "illegal"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(name), report.Text(m.From), report.Text(m.To), report.Count(m.Count)})
	}
	return t
}

func (r *Result) rangeTable() report.Table {
	t := report.Table{Title: "Ranges", Columns: []string{"", "count", "sum", "longest piece"}}
	for _, c := range r.RangeReasons {
		t.Rows = append(t.Rows, []report.Cell{report.Text(c.Name), report.Count(c.Count), report.Duration(c.SumNS), report.Duration(c.MaxNS)})
	}
	return t
}

func (r *Result) snapshotTable() report.Table {
	t := report.Table{Title: "Goroutines found in memory", Columns: []string{"", "all", "runnable", "running", "syscall", "waiting"}}
	for _, s := range []struct {
		name   string
		states States
	}{{"for the first time", r.AtStart}, {"again", r.AtEnd}} {
		if s.states.Total() == 0 {
			continue
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(s.name), report.Count(s.states.Total()), report.Count(s.states.Runnable), report.Count(s.states.Running),
			report.Count(s.states.Syscall), report.Count(s.states.Waiting),
		})
	}
	return t
}

func (r *Result) questionTable() report.Table {
	t := report.Table{Title: "What it can answer", Columns: []string{"", "", ""}}
	for _, q := range r.Questions {
		t.Rows = append(t.Rows, []report.Cell{report.Text(q.Name), report.Text(string(q.Answer)), report.Text(q.Why)})
	}
	return t
}

func (r *Result) problemTable() report.Table {
	t := report.Table{
		Title:   "Events that contradict the scheduler model",
		Columns: []string{"", "time", "pid", "goroutine", "was", "from", "to", "reason"},
		More:    int(r.ProblemCount) - len(r.Problems),
	}
	for _, p := range r.Problems {
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(p.Kind), report.Duration(p.TimeNS - r.BeginNS), pidCell(p.PID), report.Text(fmt.Sprint(p.GoID)),
			report.Text(p.Have), report.Text(p.From), report.Text(p.To), report.Text(p.Reason),
		})
	}
	return t
}

func pidCell(pid int32) report.Cell {
	if pid == format.Unknown {
		return report.Text("?")
	}
	return report.Text(fmt.Sprint(pid))
}
