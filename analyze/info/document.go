package info

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Document makes the result ready to be drawn.
func (r *Result) Document() *report.Document {
	d := &report.Document{Title: "Trace: what it is and what it can answer", Lead: r.Lead, Warnings: r.Warnings,
		Facts: r.facts()}
	d.Tables = append(d.Tables, r.processTable(), r.moduleTable(), r.limitTable(), r.suspensionTable())
	d.Tables = append(d.Tables, r.problemTable(), r.questionTable(), r.moveTable(), r.rangeTable(), r.snapshotTable())
	return d
}

// lead says the headline numbers in words.
func (r *Result) lead() []string {
	of := "A trace"
	if n := len(r.Metadata.Processes); n > 1 {
		of = fmt.Sprintf("A trace of %d processes", n)
	} else if n == 1 {
		of = "A trace of " + path.Base(strings.Fields(command(r.Metadata.Processes[0]) + " a process")[0])
		if r.GoVersion != "" {
			of += " (" + r.GoVersion + ")"
		}
	}
	lost := "nothing lost"
	if r.Lost > 0 {
		lost = report.FormatNumber(r.Lost, "event") + " lost"
	}
	out := []string{fmt.Sprintf("%s: %s in %s, %s.", of, report.FormatNumber(r.Events, "event"),
		report.FormatDuration(r.DurationNS), lost)}
	return append(out, r.answered())
}

// answered says how many of the questions the trace answers.
func (r *Result) answered() string {
	no, partly := 0, 0
	for _, q := range r.Questions {
		switch q.Answer {
		case No:
			no++
		case Partly:
			partly++
		}
	}
	all := "every question that gosched asks"
	limits := strings.Join(r.limits, ", ")
	switch {
	case no == len(r.Questions):
		return "It can answer none of the questions that gosched asks: " + r.Questions[no-1].Why + "."
	case no+partly == 0:
		return "It can answer " + all + "."
	case no == 0 && !r.lesser && limits != "":
		return "It can answer " + all + ", but only " + limits + "."
	}
	text := fmt.Sprintf("Of %s that gosched asks it cannot answer %d, and %d only partly",
		report.FormatNumber(int64(len(r.Questions)), "question"), no, partly)
	if limits != "" {
		text += ", all " + limits
	}
	return text + "."
}

func (r *Result) facts() []report.Fact {
	var out []report.Fact
	text := func(name, value string) {
		if value != "" {
			out = append(out, report.Fact{Name: name, Value: report.Text(value)})
		}
	}
	text("recorded by", join(r.Metadata.Recorder, string(r.Source)))
	for _, f := range r.Metadata.Fallbacks {
		text(fallback(f))
	}
	text("budget", GovernorText(r.Metadata.Governor))
	text("on", join(r.Metadata.Host, r.Metadata.Kernel, r.Metadata.Arch, r.Metadata.CPUModel))
	text("machine", machine(r.Metadata.Machine))
	text("read from memory", r.snapshots())
	text("rounds", r.roundsText())
	text("ended", r.Metadata.EndReason)
	text("saved because", savedText(r.Metadata.Saved, r.BeginNS))
	text("from", time.Unix(0, r.BeginNS).UTC().Format(time.RFC3339Nano))
	out = append(out,
		report.Fact{Name: "duration", Value: report.Duration(r.DurationNS)},
		report.Fact{Name: "events", Value: report.Text(r.events())},
		report.Fact{Name: "lost", Value: report.Text(fmt.Sprintf("%s, %s, %s of the time",
			report.FormatNumber(r.Lost, "event"), report.FormatNumber(r.Gaps, "gap"), report.FormatShare(r.GapShare)))})
	if r.Metadata.Source != format.SourceMemory {
		out = append(out, r.seen()...)
	}
	return out
}

// seen is how much of the process its events tell.
func (r *Result) seen() []report.Fact {
	return []report.Fact{
		{Name: "goroutines", Value: report.Text(fmt.Sprintf("%s seen, at most %s at once",
			report.FormatCount(r.Goroutines), report.FormatCount(int64(r.PeakAlive))))},
		{Name: "threads", Value: report.Count(int64(r.Threads))},
		{Name: "Ps", Value: report.Count(int64(r.Ps))},
	}
}

// fallback says what was done instead of what the recorder would rather have done, and why.
func fallback(f format.Fallback) (name, text string) {
	why := "the kernel has nothing better"
	if f.Forced {
		why = "asked for with --fallback"
	}
	return "fall-back " + f.Name, why + ": " + f.Does
}

// savedText says why a flight recorder saved the trace, and when in it that was.
func savedText(s *format.Saved, beginNS int64) string {
	if s == nil {
		return ""
	}
	text := s.Trigger
	if s.Evidence != "" {
		text += ": " + s.Evidence
	}
	text += fmt.Sprintf(", %s into the trace", report.FormatDuration(max(0, s.TriggeredNS-beginNS)))
	if n := len(s.Others); n > 0 {
		text += "; meanwhile " + report.FormatNumber(int64(n), "more trigger")
	}
	return text
}

// snapshots says how long the goroutines were read from memory.
func (r *Result) snapshots() string {
	var parts []string
	for _, s := range r.Metadata.Snapshots {
		if s.FromMoves {
			continue
		}
		at := fmt.Sprintf(", %s into the recording", report.FormatDuration(max(0, s.BeginNS-r.BeginNS)))
		of := ""
		if len(r.Metadata.Processes) > 1 && s.PID != 0 {
			of = replay.ProcessText(s.PID) + ": "
		}
		parts = append(parts, of+SnapshotText(&s)+at)
	}
	return strings.Join(parts, "; ")
}

// SnapshotText says what a reading of a process's goroutines found, how long it took, and what it
// left out.
func SnapshotText(s *format.Snapshot) string {
	text := fmt.Sprintf("%s in %s", report.FormatNumber(s.Goroutines, "goroutine"),
		report.FormatDuration(s.EndNS-s.BeginNS))
	if s.Unread > 0 {
		text += fmt.Sprintf(" (up to %s more not read)", report.FormatCount(s.Unread))
	}
	if s.Unsure > 0 {
		text += fmt.Sprintf(" (%s left out as uncertain)", report.FormatCount(s.Unsure))
	}
	return text
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
	limits := ""
	if k.Limit > 0 {
		limits = fmt.Sprintf(", %s limit", report.FormatCount(k.Limit))
	}
	if k.Round > 0 {
		limits += fmt.Sprintf(", %s round", report.FormatCount(k.Round))
	}
	return fmt.Sprintf("%s (%s goroutine, %s thread, %s range, %s gap, %s snapshot%s)", report.FormatCount(r.Events),
		report.FormatCount(k.Goroutine),
		report.FormatCount(k.Thread), report.FormatCount(k.Range), report.FormatCount(k.Gap),
		report.FormatCount(k.Snapshot), limits)
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
	changed := map[limitKey]bool{}
	for _, l := range r.changes() {
		changed[limitKey{l.PID, l.Name}] = true
	}
	contained := slices.ContainsFunc(r.Metadata.Processes, func(p format.Process) bool { return p.Container != nil })
	if contained {
		t.Columns = append(t.Columns, "container")
	}
	comes := slices.ContainsFunc(r.Metadata.Processes, r.cameLater)
	if comes {
		t.Columns = append(t.Columns, "came after")
	}
	ends := slices.ContainsFunc(r.Metadata.Processes, func(p format.Process) bool { return p.EndNS != 0 })
	if ends {
		t.Columns = append(t.Columns, "ended after", "because")
	}
	stops := slices.ContainsFunc(r.Metadata.Processes, func(p format.Process) bool { return p.ThrottledNS != nil })
	if stops {
		t.Columns = append(t.Columns, "stopped by it")
	}
	for _, p := range r.Metadata.Processes {
		quota := report.Text("none")
		if p.CPUQuota > 0 {
			quota = report.Text(fmt.Sprintf("%.2f", p.CPUQuota))
		}
		procs := report.Count(int64(p.GOMAXPROCS))
		procs.Unknown = p.GOMAXPROCS == 0
		if changed[limitKey{p.PID, format.LimitProcs}] {
			procs = report.Text(r.values(p.PID, format.LimitProcs))
		}
		if changed[limitKey{p.PID, format.LimitQuota}] {
			quota = report.Text(r.values(p.PID, format.LimitQuota))
		}
		row := []report.Cell{report.Text(command(p)), pidCell(p.PID), report.Text(p.GoVersion), procs, quota}
		if contained {
			row = append(row, containerCell(p.Container))
		}
		if comes {
			row = append(row, r.beginCell(&p))
		}
		if ends {
			row = append(row, r.endCells(&p)...)
		}
		if stops {
			row = append(row, throttledCell(&p))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// throttledCell says how often and how long the quota stopped the process's cgroup, summed over CPUs.
func throttledCell(p *format.Process) report.Cell {
	if p.ThrottledNS == nil || p.Throttled == nil {
		return report.Text("unknown")
	}
	return report.Text(fmt.Sprintf("%s, %s summed over CPUs", report.FormatNumber(*p.Throttled, "time"),
		report.FormatDuration(*p.ThrottledNS)))
}

// endCells say when and why a process ended, if that was before the recording did.
func (r *Result) endCells(p *format.Process) []report.Cell {
	if p.EndNS == 0 {
		return []report.Cell{report.Text(""), report.Text("")}
	}
	return []report.Cell{report.Duration(max(0, p.EndNS-r.BeginNS)), report.Text(p.EndReason)}
}

// limitKey names a limit of a process.
type limitKey struct {
	pid  int32
	name string
}

// changes are the limits that came after another value, or that were not known when the recording
// began.
func (r *Result) changes() []Limit {
	var out []Limit
	for _, l := range r.Limits {
		if l.TimeNS > r.Metadata.StartNS {
			out = append(out, l)
		}
	}
	return out
}

// maxValues is how many values of one limit are shown in a line.
const maxValues = 6

// values are those that a limit had one after the other.
func (r *Result) values(pid int32, name string) string {
	var list []string
	if r.quotaFromNone(pid, name) {
		list = append(list, "none")
	}
	for _, l := range r.Limits {
		if l.PID != pid || l.Name != name {
			continue
		}
		if len(list) == maxValues {
			list = append(list, "…")
			break
		}
		list = append(list, l.text())
	}
	return strings.Join(list, ", then ")
}

// quotaFromNone says whether a limit is a quota that was none when the recording began.
func (r *Result) quotaFromNone(pid int32, name string) bool {
	for _, p := range r.Metadata.Processes {
		if p.PID == pid && name == format.LimitQuota {
			return p.CPUQuota == format.NoLimit && r.Metadata.Source == format.SourceEBPF
		}
	}
	return false
}

func (l *Limit) text() string {
	if l.Value == nil {
		return "none"
	}
	return strconv.FormatFloat(math.Round(*l.Value*100)/100, 'f', -1, 64)
}

// limitTable shows limits that changed, with the time of each.
func (r *Result) limitTable() report.Table {
	t := report.Table{Title: "Limits that changed", Columns: []string{"limit", "pid", "at", "from then on"}}
	t.More = int(r.LimitCount) - len(r.Limits)
	for _, l := range r.changes() {
		if len(t.Rows) == maxRows {
			t.More++
			continue
		}
		at := report.Duration(l.TimeNS - r.BeginNS)
		t.Rows = append(t.Rows, []report.Cell{report.Text(l.Name), pidCell(l.PID), at, report.Text(l.text())})
	}
	return t
}

// maxRows is how many rows a table of things that happened has.
const maxRows = 20

// suspensionTable shows when processes were stopped from outside.
func (r *Result) suspensionTable() report.Table {
	t := report.Table{Title: "Stopped from outside", Columns: []string{"by", "pid", "at", "for"}}
	t.More = int(r.SuspendedCount) - len(r.Suspended)
	for _, s := range r.Suspended {
		by, _ := replay.Suspender(s.State)
		length := report.FormatDuration(s.EndNS - s.BeginNS)
		if s.Open {
			length += " or more"
		}
		at := report.Duration(s.BeginNS - r.BeginNS)
		t.Rows = append(t.Rows, []report.Cell{report.Text(by), pidCell(s.PID), at, report.Text(length)})
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
	t := report.Table{Title: "Transitions", Extra: true, Columns: []string{"transition", "from", "to", "count"}}
	for _, m := range r.Moves {
		if m.Count == 0 {
			continue
		}
		name := m.Name
		if name == "" {
			name = "illegal"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(name), report.Text(m.From), report.Text(m.To),
			report.Count(m.Count)})
	}
	return t
}

func (r *Result) rangeTable() report.Table {
	t := report.Table{Title: "GC and stop-the-world phases", Extra: true, Columns: []string{"phase", "times", "total",
		"longest piece"}}
	for _, c := range r.RangeReasons {
		t.Rows = append(t.Rows, []report.Cell{report.Text(c.Name), report.Count(c.Count), report.Duration(c.SumNS),
			report.Duration(c.MaxNS)})
	}
	return t
}

func (r *Result) snapshotTable() report.Table {
	t := report.Table{Title: "Goroutines found in memory", Extra: true,
		Columns: []string{"found", "all", "runnable", "running", "syscall", "waiting"}}
	for _, s := range []struct {
		name   string
		states States
	}{{"for the first time", r.AtStart}, {"again", r.AtEnd}} {
		if s.states.Total() == 0 {
			continue
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(s.name), report.Count(s.states.Total()), report.Count(s.states.Runnable),
			report.Count(s.states.Running),
			report.Count(s.states.Syscall), report.Count(s.states.Waiting),
		})
	}
	if len(t.Rows) > 0 {
		t.Below = []string{"Those whose own events already tell their state are not among them."}
	}
	return t
}

func (r *Result) questionTable() report.Table {
	t := report.Table{Title: "What it can answer", Columns: []string{"question", "answer", "why"}}
	for _, q := range r.Questions {
		t.Rows = append(t.Rows, []report.Cell{report.Text(q.Name), report.Text(string(q.Answer)), report.Text(q.Why)})
	}
	return t
}

func (r *Result) problemTable() report.Table {
	t := report.Table{
		Title:   "Events that contradict the scheduler model",
		Columns: []string{"what is wrong", "time", "pid", "goroutine", "was", "from", "to", "reason"},
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
