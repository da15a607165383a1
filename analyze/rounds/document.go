package rounds

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

// View says what of a result to show.
type View struct {
	Goroutines bool // the goroutines that there are; else where their time goes
	System     bool // the runtime's own goroutines too
}

const (
	briefShares  = 8
	fewestShares = 6
	briefGroups  = 8
)

// Document makes a result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	d := &report.Document{Title: "Where goroutines' time goes, from rounds without probes", Lead: r.Lead,
		Warnings: r.Warnings}
	if v.Goroutines {
		d.Title, d.Lead = "Goroutines that there were, from rounds without probes", r.aliveLead()
	}
	for i := range r.Processes {
		p := &r.Processes[i]
		d.Facts = append(d.Facts, report.Fact{Name: p.called("rounds", r), Value: report.Text(p.roundsText(r))})
		tables := p.timeTables()
		if v.Goroutines {
			tables = p.goroutineTables(v)
		}
		for _, t := range tables {
			t.Title = p.called(t.Title, r)
			d.Tables = append(d.Tables, t)
		}
	}
	d.Notes = append(d.Notes, "This trace was sampled without probes. All shares and averages are estimates; with "+
		"each is its 95% interval: what a recording of all moves at the same time would have said is in it, 95 of "+
		"100 times.")
	return d
}

// Tables are those of where goroutines' time goes, for a result of something else.
func (r *Result) Tables() (out []report.Table) {
	for i := range r.Processes {
		p := &r.Processes[i]
		for _, t := range p.timeTables() {
			t.Title, t.Extra = p.called("From rounds, while no moves were recorded: "+t.Title, r), true
			out = append(out, t)
		}
	}
	return out
}

// called is a name with the process that it is of, where there are several.
func (p *Process) called(name string, r *Result) string {
	if len(r.Processes) < 2 {
		return name
	}
	return name + " of " + replay.ProcessText(p.PID)
}

// roundsText says what there was to estimate from.
func (p *Process) roundsText(r *Result) string {
	text := fmt.Sprintf("%s in %s", report.FormatNumber(p.Rounds, "round"), report.FormatDuration(p.SampledNS))
	if r.RatePerS > 0 {
		text += fmt.Sprintf(" (%s asked for)", report.FormatRate(r.RatePerS))
	}
	text += fmt.Sprintf(", %s goroutines each; what lasts for less than %s of the time may have been seen by none",
		report.FormatAverage(p.Alive.Average.Value, ""), report.FormatShare(p.Unseen))
	if p.MaxWeight > 1 {
		text += fmt.Sprintf("; a goroutine that was read stands for up to %s", report.FormatCount(p.MaxWeight))
	}
	return text
}

// timeTables are where the time of a process's goroutines goes.
func (p *Process) timeTables() []report.Table {
	states := p.shareTable(ByState, "State", "state")
	states.Below = []string{"share: of the time of the program's goroutines; not idle: of that part of it. time: of " +
		"all of them, added up."}
	reasons := p.shareTable(ByReason, "State, or reason of the wait", "in")
	reasons.Extra = true
	classes := p.shareTable(ByClass, "Kind of wait", "waits for")
	classes.Extra = true
	return []report.Table{p.placeTable(), states, p.shareTable(ByEntry, "Function that goroutines begin with",
		"function"), reasons, classes, p.stackTable()}
}

// shareColumns are those of every table of shares.
var shareColumns = []string{"not idle", "95%", "share", "95% ", "goroutines", "time"}

func (s *Share) cells() []report.Cell {
	cells := []report.Cell{report.Text("idle"), {}}
	if s.NotIdle != nil {
		cells = []report.Cell{report.Share(s.NotIdle.Value), interval(*s.NotIdle)}
	}
	return append(cells, report.Share(s.OfTime.Value), interval(s.OfTime), report.Average(s.Average.Value),
		report.Duration(s.NS.Value))
}

var spareShares = []string{"time", "95% ", "share", "goroutines", "at"}

func (p *Process) shareTable(by, title, name string) report.Table {
	t := report.Table{Title: title, Columns: append([]string{name}, shareColumns...), Spare: spareShares,
		Brief: briefShares}
	for i := range p.Shares {
		s := &p.Shares[i]
		if s.By != by {
			continue
		}
		cell := report.Text(s.Name)
		if by == ByEntry {
			cell = report.Function(s.Name)
		}
		t.Rows = append(t.Rows, append([]report.Cell{cell}, s.cells()...))
	}
	return t
}

// doing is what the goroutines of a share do, in a word or two.
func (s *Share) doing() string {
	switch {
	case s.State == format.StateWaiting.String():
		return cmp.Or(s.Reason, s.State)
	case s.Reason != "" && s.State == format.StateSyscall.String():
		return s.State + " " + s.Reason
	}
	return s.State
}

func (p *Process) placeTable() report.Table {
	t := report.Table{Title: "Place", Columns: append([]string{"in", "function", "at"}, shareColumns...),
		Spare: spareShares, Brief: briefShares, Fewest: fewestShares,
		Below: []string{"Of goroutines that run only the function is known that they begin with."}}
	for i := range p.Shares {
		if s := &p.Shares[i]; s.By == ByFunction {
			t.Rows = append(t.Rows, append([]report.Cell{report.Text(s.doing()), report.Function(s.Name),
				report.Text(stack.Position(s.Frame))}, s.cells()...))
		}
	}
	return t
}

func (p *Process) stackTable() report.Table {
	t := report.Table{Title: "Stack, from its leaf", Extra: true,
		Columns: append([]string{"in", "stack"}, shareColumns...), Spare: spareShares}
	for i := range p.Shares {
		if s := &p.Shares[i]; s.By == ByStack {
			t.Rows = append(t.Rows, append([]report.Cell{report.Text(s.doing()), report.Text(leafFirst(s.Name))},
				s.cells()...))
		}
	}
	return t
}

// leafFirst is a stack as people read it: the functions from the leaf on.
func leafFirst(text string) string {
	var out []string
	for _, frame := range slices.Backward(stack.Frames(text)) {
		out = append(out, stack.Local(stack.Function(frame)))
	}
	return strings.Join(out, " < ")
}

// aliveLead says how many goroutines there were.
func (r *Result) aliveLead() []string {
	out := []string{}
	for i := range r.Processes {
		p := &r.Processes[i]
		text := fmt.Sprintf("%s goroutines on average, %s of them the runtime's own; from %s to %s in a round, %s in "+
			"the last.", average(p.Alive.Average), report.FormatAverage(p.System.Value, ""),
			p.found(p.Alive.Least), p.found(p.Alive.Most), p.found(p.Alive.Last))
		out = append(out, p.called(text, r), p.growth())
		for _, verdict := range []string{Leaked, Stuck} {
			if n := p.judged(verdict); n > 0 {
				out = append(out, fmt.Sprintf("%s: %s.", report.FormatNumber(n, "goroutine"), verdict))
			}
		}
	}
	return slices.DeleteFunc(out, func(text string) bool { return text == "" })
}

// found writes how many goroutines a round found, which is an estimate where it read only some.
func (p *Process) found(n int64) string {
	if p.MaxWeight > 1 {
		return "~" + report.FormatCount(n)
	}
	return report.FormatCount(n)
}

// growth says that goroutines become more, and which do the fastest.
func (p *Process) growth() string {
	fastest := ""
	if g := p.Alive.Fastest; g != nil {
		fastest = g.text()
	}
	if !p.Alive.Grows {
		if fastest != "" {
			return "Some become more: " + fastest + "."
		}
		return ""
	}
	text := fmt.Sprintf("They become more: by %s over the time that was sampled", average(*p.Alive.Growth))
	if fastest != "" {
		text += "; the fastest: " + fastest
	}
	return text + "."
}

// text names the goroutines, and by how many they grew.
func (g *Growing) text() string {
	text := "those in " + cmp.Or(g.function, g.Entry)
	if at := stack.Position(g.Place); at != "" {
		text += " (" + at + ")"
	}
	if g.CreatedBy != "" {
		text += ", created by " + stack.Function(g.CreatedBy)
		if at := stack.Position(g.CreatedBy); at != "" {
			text += " (" + at + ")"
		}
	}
	return text + ", by " + average(g.Growth)
}

func (p *Process) judged(verdict string) (n int64) {
	for i := range p.Groups {
		if p.Groups[i].Verdict == verdict {
			n += p.Groups[i].Count
		}
	}
	return n
}

// verdicts are in the order in which they are listed: what needs a person first.
var verdicts = []string{Leaked, Stuck, Grows, "", Idle}

func (p *Process) goroutineTables(v View) []report.Table {
	groups := report.Table{Title: "Goroutines of one go statement that the last round found at one place",
		Brief: briefGroups, Spare: []string{"created by", "95%", "at", "left"},
		Columns: []string{"verdict", "goroutines", "on average", "95%", "in", "function", "at", "created by", "left",
			"evidence"},
		Below: []string{"left: goroutines that rounds found here and later elsewhere, or no more."}}
	list := slices.Clone(p.Groups)
	slices.SortStableFunc(list, func(a, b Group) int {
		return cmp.Compare(slices.Index(verdicts, a.Verdict), slices.Index(verdicts, b.Verdict))
	})
	hidden := int64(0)
	for i := range list {
		g := &list[i]
		if g.System && !v.System {
			hidden += g.Count
			continue
		}
		groups.Rows = append(groups.Rows, []report.Cell{report.Text(g.Verdict), p.count(g.Count),
			report.Average(g.Average.Value), averages(g.Average), report.Text(cmp.Or(g.Reason, g.State)),
			report.Function(g.function()), report.Text(g.position()), report.Function(stack.Function(g.CreatedBy)),
			report.Count(g.Left), report.Text(g.Evidence)})
	}
	if hidden > 0 {
		groups.Below = append(groups.Below, fmt.Sprintf("Of the runtime's own there are %s: with --system.",
			p.found(hidden)))
	}
	return []report.Table{groups, p.courseTable()}
}

// count is how many goroutines of a group the last round found.
func (p *Process) count(n int64) report.Cell {
	if p.MaxWeight > 1 {
		return report.Text(p.found(n))
	}
	return report.Count(n)
}

func (p *Process) courseTable() report.Table {
	t := report.Table{Title: "Goroutines alive, from the first round to the last", Extra: true,
		Columns: []string{"part", "rounds", "on average"}}
	for i, m := range p.Alive.Course {
		t.Rows = append(t.Rows, []report.Cell{report.Text(fmt.Sprintf("%d of %d", i+1, len(p.Alive.Course))),
			report.Count(m.Rounds), report.Average(m.Average)})
	}
	return t
}
