package blocking

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// View says how much of a Result a Document shows.
type View struct {
	System bool // the runtime's own goroutines too
}

// How many rows of each sort fit a screen together.
const (
	briefCauses  = 6
	fewestCauses = 4
	briefChains  = 2
)

// label says what sort of thing a cause is; its function is a cell of its own.
func (c *Cause) label() string {
	switch c.Kind {
	case KindRunning:
		return "running" + c.until()
	case KindQueued:
		return "all Ps busy: queued behind" + c.until()
	case KindHeld:
		return strings.TrimSpace(replay.PartSyscall.String() + ": " + cmp.Or(c.Syscall, "call not recorded"))
	case KindOffCPU:
		switch {
		case c.Name == "":
			return "thread off CPU, who had it is not recorded"
		case c.idleCPU():
			return "thread off CPU, which was idle: a quota stopped it"
		}
		return "CPU taken by " + c.taker()
	case KindAsleep:
		return strings.TrimSpace("thread asleep in the kernel " + parenthesized(c.Name))
	case KindSyscall:
		return strings.TrimSpace("system call " + c.Syscall)
	case KindWakeUp:
		return replay.PartWakeUp.String()
	case KindSTW:
		why, _ := format.IsStopTheWorld(c.Name)
		return strings.TrimSpace(format.ReasonStopTheWorld.String() + " " + why)
	case KindStopped:
		return "process stopped by " + c.Name
	case KindNetwork:
		return "network"
	case KindTimer:
		return "timer"
	case KindGC:
		return "garbage collector: " + c.Name
	case KindRuntime:
		return "woken by the runtime"
	}
	return "unknown: " + c.Name
}

// until says that of code which ran only the end is known.
func (c *Cause) until() string {
	switch {
	case !c.Until:
		return ""
	case c.Kind == KindRunning:
		return " until"
	}
	return " what ran until"
}

// taker is who took the CPU.
func (c *Cause) taker() string {
	switch {
	case c.Own && c.Name == unknownGoroutine:
		return "this program's " + c.Name
	case c.Own:
		return "this program"
	}
	return c.Name
}

// idleCPU says that nobody took the CPU: it was idle.
func (c *Cause) idleCPU() bool { return format.ParseReason(c.Name) == format.ReasonSwapper }

func parenthesized(name string) string {
	if name == "" {
		return ""
	}
	return "(" + name + ")"
}

// clause says what a goroutine did for which another waited.
func (c *Cause) clause() string {
	switch c.Kind {
	case KindRunning:
		return "one " + c.label()
	case KindQueued:
		return "one queued, all Ps busy, behind"
	case KindOffCPU:
		if c.Name == "" || c.idleCPU() {
			return "one with its " + c.label()
		}
		return "one whose CPU " + c.taker() + " had taken"
	case KindAsleep:
		return "one whose " + c.label()
	case KindSyscall:
		return "one in " + c.label()
	case KindWakeUp:
		return "one that waited for an " + c.label()
	case KindHeld:
		return "one that waited for a " + c.label()
	case KindNetwork:
		return "the network"
	case KindTimer:
		return "a timer"
	case KindGC:
		return "the " + c.label()
	case KindRuntime:
		return "the runtime"
	}
	return c.label()
}

// function is the cause's function, empty where it has none.
func (c *Cause) function() string {
	if hasStack(c.Kind) || c.Own && c.Name != unknownGoroutine {
		return c.Name
	}
	return ""
}

// brief is a cause in few words, the function without its package's path.
func (c *Cause) brief() string {
	switch c.Kind {
	case KindNetwork, KindTimer, KindSyscall, KindRuntime:
		return c.label() + " in " + stack.Local(c.function())
	}
	return strings.TrimSpace(c.label() + " " + stack.Local(c.function()))
}

// Document makes the result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	d := &report.Document{Title: "Blocking: what goroutines waited for", Lead: r.Lead, Warnings: r.Warnings}
	d.Tables = append(d.Tables, r.causeTable(), r.chainTable(), r.spentTable("class", v), r.spentTable("site", v),
		r.spentTable("reason", v), r.spentTable("entry", v), r.scaledTable(v), r.foldedTable(), r.rangeTable(),
		r.wakerTable(), r.delayTable())
	if len(r.OnCPU) > 0 {
		d.Tables = append(d.Tables, r.onCPUTable())
	}
	if r.Threads != nil {
		d.Tables = append(d.Tables, r.Threads.table(), r.Threads.takers())
	} else {
		d.Notes = append(d.Notes,
			"The trace has no thread events: time in which a goroutine's thread had no CPU counts "+
				"as what the goroutine did then.")
	}
	return d
}

// lead says the headline numbers in words.
func (r *Result) lead() []string {
	out := []string{}
	if r.BlockedNS+r.IdleNS == 0 || r.watchedNS == 0 {
		return out
	}
	out = append(out, fmt.Sprintf("Blocked: %s%s on average (%s%s in %s), those that waited for work not counted.",
		r.least(), report.FormatAverage(float64(r.BlockedNS)/float64(r.watchedNS), "goroutine"),
		r.least(), report.FormatDuration(r.BlockedNS), report.FormatDuration(r.watchedNS)))
	if states := r.states(); states != "" {
		out = append(out, states)
	}
	if r.unread {
		out = append(out, atLeast+": a goroutine that did nothing in a whole window is not counted in it, because "+
			"goroutines were not read from memory in all windows.")
	}
	return out
}

// atLeast is before figures that may be larger, by what windows did not see.
const atLeast = "≥"

func (r *Result) least() string {
	if r.unread {
		return atLeast
	}
	return ""
}

// statesNamed is how many states are in the lead.
const statesNamed = 6

// states says what goroutines were doing on average.
func (r *Result) states() string {
	var list []*Spent
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "class" && !s.System && s.Average > 0 {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *Spent) int { return cmp.Compare(b.Average, a.Average) })
	var parts []string
	for _, s := range list[:min(len(list), statesNamed)] {
		parts = append(parts, r.least()+report.FormatAverage(s.Average, "")+" "+s.Name)
	}
	text := "All goroutines on average: " + strings.Join(parts, ", ")
	if n := r.foldedAverage(); n > 0 {
		text += "; not counted: " + r.least() + report.FormatAverage(n, "") + " that only wait beside another"
	}
	return text + "."
}

// blocking are the causes that blocked goroutines, in the order of the time that is shown. Those
// that only idle goroutines waited for are not among them.
func (r *Result) blocking() []*Cause {
	var list []*Cause
	for i := range r.Causes {
		if r.Causes[i].BlockedNS > 0 {
			list = append(list, &r.Causes[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *Cause) int { return cmp.Compare(b.BlockedNS, a.BlockedNS) })
	return list
}

func (r *Result) causeTable() report.Table {
	t := report.Table{Title: "Root causes of blocked time", Brief: briefCauses, Fewest: fewestCauses,
		Spare:   []string{"times", "at"},
		Columns: []string{"#", "root cause", "function", "at", "blocked", "share", "times"}}
	for i, c := range r.blocking() {
		t.Rows = append(t.Rows, []report.Cell{report.Count(int64(i + 1)), report.Text(c.label()),
			report.Function(c.function()), report.Text(stack.Position(c.Frame)), report.Duration(c.BlockedNS),
			report.Share(c.Share), report.Count(c.Times)})
	}
	t.Below = []string{"Not in the table: waits for the network or a timer that delayed no other goroutine" + r.idle() +
		"."}
	return t
}

func shareOf(ns, of int64) float64 { return float64(ns) / float64(max(1, of)) }

// idleNamed is how many causes of idle time are named.
const idleNamed = 2

// idle says how long goroutines waited for work; empty where none did.
func (r *Result) idle() string {
	if r.IdleNS == 0 {
		return ""
	}
	list := slices.Clone(r.Causes)
	slices.SortStableFunc(list, func(a, b Cause) int { return cmp.Compare(b.IdleNS, a.IdleNS) })
	var named []string
	for _, c := range list[:min(idleNamed, len(list))] {
		if c.IdleNS > 0 {
			named = append(named, c.brief()+" "+report.FormatDuration(c.IdleNS))
		}
	}
	return fmt.Sprintf("; and idle goroutines, which wait for work at the top of their loops: %s on average, %s (%s)",
		report.FormatAverage(shareOf(r.IdleNS, r.watchedNS), ""), report.FormatDuration(r.IdleNS),
		strings.Join(named, ", "))
}

func (r *Result) rangeTable() report.Table {
	t := report.Table{Title: "GC and stop-the-world phases of the process", Extra: true,
		Columns: []string{"phase", "times", "longest", "total", "of the time"}}
	for i := range r.Spent {
		if s := &r.Spent[i]; s.By == "range" {
			t.Rows = append(t.Rows, []report.Cell{report.Text(s.Name), report.Count(s.Count),
				report.OptionalDuration(s.MaxNS), report.Duration(s.SumNS), report.Share(s.Average)})
		}
	}
	return t
}

func (r *Result) wakerTable() report.Table {
	t := report.Table{Title: "Who ended the waits", Extra: true, Spare: []string{"at", "woken at"},
		Columns: []string{"wait", "function", "at", "woken by", "woken at", "waits", "total"}}
	for i := range r.Wakers {
		w := &r.Wakers[i]
		by := report.Function(stack.Function(w.WakerFrame))
		if w.WakerFrame == "" {
			by = report.Text(w.outside())
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(w.Reason), report.Function(stack.Function(w.Frame)),
			report.Text(stack.Position(w.Frame)), by, report.Text(stack.Position(w.WakerFrame)), report.Count(w.Count),
			report.Duration(w.SumNS)})
	}
	return t
}

// outside is who ended the waits where no goroutine did.
func (w *Waker) outside() string {
	if w.WakerReason == "" {
		return "unknown"
	}
	return "the runtime: " + w.WakerReason
}

func (r *Result) delayTable() report.Table {
	t := report.Table{Title: "What delayed runnable goroutines", Extra: true, Spare: []string{"at"},
		Columns: []string{"delayed by", "function", "at", "total", "share", "times"}}
	list := slices.Clone(r.Delays)
	slices.SortStableFunc(list, func(a, b Cause) int { return cmp.Compare(b.BlockedNS, a.BlockedNS) })
	for i := range list {
		c := &list[i]
		t.Rows = append(t.Rows, []report.Cell{report.Text(c.label()), report.Function(c.function()),
			report.Text(stack.Position(c.Frame)), report.Duration(c.BlockedNS), report.Share(c.Share),
			report.Count(c.Times)})
	}
	return t
}

func (t *Threads) table() report.Table {
	out := report.Table{Title: "Where their threads were", Extra: true,
		Columns: []string{"threads of", "on a CPU", "ready, no CPU", "asleep"}}
	for _, row := range []struct {
		name            string
		on, off, asleep int64
	}{{"running goroutines", t.RunningOnNS, t.RunningOffNS, t.RunningAsleepNS}, {"goroutines in system calls",
		t.SyscallOnNS, t.SyscallOffNS, t.SyscallAsleepNS}} {
		out.Rows = append(out.Rows, []report.Cell{report.Text(row.name), report.Duration(row.on),
			report.Duration(row.off), report.Duration(row.asleep)})
	}
	if t.RunningStoppedNS > 0 {
		out.Columns = append(out.Columns, "process stopped")
		out.Rows[0] = append(out.Rows[0], report.Duration(t.RunningStoppedNS))
		out.Rows[1] = append(out.Rows[1], report.Text(""))
		out.Below = []string{"For system calls, the time in which the process was stopped is under asleep."}
	}
	return out
}

func (t *Threads) takers() report.Table {
	out := report.Table{Title: "Which threads had the CPU instead", Extra: true,
		Columns: []string{"thread", "total", "share"}}
	for _, s := range t.TakenBy {
		name := s.Name
		if name == "" {
			name = "not recorded: the thread had just been woken"
		}
		out.Rows = append(out.Rows, []report.Cell{report.Text(name), report.Duration(s.NS), report.Share(s.Share)})
	}
	return out
}
