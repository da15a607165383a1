package requests

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/requests/internal/cycle"
)

// How many rows fit a screen together.
const (
	briefGroups = 6
	briefSplit  = 9
	briefSlow   = 14
	splitRows   = 9 // of one group; the JSON document has all
)

// Document makes the result ready to be drawn.
func (r *Result) Document() *report.Document {
	d := &report.Document{Title: "Work cycles: from leaving the wait at the top of a loop until being back there",
		Lead: r.Lead, Warnings: r.Warnings}
	network, others := r.parted()
	d.Tables = append(d.Tables,
		table("Begun by the network: requests, of a server", network, briefGroups),
		splitTable("Where their time went, along the critical path", network),
		slowTable(network))
	table := table("Begun by timers, other goroutines, or a go statement", others, briefGroups)
	table.Extra = len(network) > 0
	split := splitTable("Where the time of these went", others)
	split.Extra = len(network) > 0
	d.Tables = append(d.Tables, table, split, r.uncutTable())
	return d
}

// parted are the groups that the network began, and the others.
func (r *Result) parted() (network, others []*Group) {
	for i := range r.Groups {
		if g := &r.Groups[i]; g.byNetwork() {
			network = append(network, g)
		} else {
			others = append(others, g)
		}
	}
	return network, others
}

// begins says in few words where and how cycles begin.
func (g *Group) begins() string {
	text := g.Begun.String()
	if g.Root != g.Begun && g.Root != cycle.ByUnknown && g.Root != cycle.ByCreation {
		text += ", in the end by " + g.Root.String()
	}
	return text
}

func table(title string, groups []*Group, brief int) report.Table {
	t := report.Table{Title: title, Brief: brief, Fewest: 1, Spare: []string{"censored", "begun by", "at", "p90"},
		Columns: []string{"#", "entry function", "top of its loop", "at", "begun by", "cycles", "censored", "rate"}}
	if len(groups) == 0 {
		return report.Table{}
	}
	for _, p := range groups[0].Percentiles {
		t.Columns, t.SameUnit = append(t.Columns, p.Name), append(t.SameUnit, p.Name)
	}
	t.Columns, t.SameUnit = append(t.Columns, "longest"), append(t.SameUnit, "longest")
	for i, g := range groups {
		top, at := report.Text("(creation to exit)"), report.Text("")
		if g.Top != nil {
			top, at = report.Function(stack.Function(g.Top.Frame)), report.Text(stack.Position(g.Top.Frame))
		}
		row := []report.Cell{report.Count(int64(i + 1)), report.Function(g.Entry), top, at, report.Text(g.begins()),
			report.Count(g.Count), report.Count(g.Censored), report.Rate(g.Rate)}
		for _, p := range g.Percentiles {
			row = append(row, report.OptionalDuration(p.NS))
		}
		t.Rows = append(t.Rows, append(row, report.OptionalDuration(g.MaxNS)))
	}
	return t
}

// splitTable shows what the time of each group was spent on, the largest parts first.
func splitTable(title string, groups []*Group) report.Table {
	t := report.Table{Title: title, Brief: briefSplit, Fewest: 1, Spare: []string{"at", "total"},
		Columns: []string{"#", "it was", "for", "at", "a cycle", "total", "share"}}
	for i, g := range groups {
		rest := Part{NS: g.SumNS, Share: 1}
		for k, part := range g.Parts {
			if k == splitRows-1 && len(g.Parts) > splitRows {
				rest.Text = report.FormatNumber(int64(len(g.Parts)-k), "smaller part")
				t.Rows = append(t.Rows, g.partCells(&rest, report.Cell{}, report.Text("")))
				break
			}
			number := report.Cell{}
			if k == 0 {
				number = report.Count(int64(i + 1))
			}
			rest.NS, rest.Share = rest.NS-part.NS, rest.Share-part.Share
			t.Rows = append(t.Rows, g.partCells(&part, number, report.Text(part.State.String())))
		}
	}
	return t
}

func (g *Group) partCells(part *Part, number, state report.Cell) []report.Cell {
	return []report.Cell{number, state, report.Text(part.does(part.State)), report.Text(part.place()),
		report.Duration(part.NS / max(1, g.Count)), report.Duration(part.NS), report.Share(part.Share)}
}

// slowTable shows the slowest cycles as paths.
func slowTable(groups []*Group) report.Table {
	t := report.Table{Title: "The slowest, step by step", Brief: briefSlow, Fewest: 1, Spare: []string{"at"},
		Columns: []string{"#", "after", "for", "it was", "because of", "at"}}
	for i, g := range groups {
		for _, c := range g.Slowest {
			t.Rows = append(t.Rows, []report.Cell{report.Count(int64(i + 1)), report.Duration(0),
				report.Duration(c.LengthNS), report.Text(fmt.Sprintf("goroutine %d", c.GoID)),
				report.Text("begun by: " + c.Begun.String()), report.Text("")})
			for _, s := range c.brief() {
				t.Rows = append(t.Rows, []report.Cell{{}, report.Duration(s.AtNS), report.Duration(s.NS),
					report.Text(s.State.String()), report.Text(s.text()), report.Text(s.place())})
			}
		}
	}
	return t
}

// does is a cause in few words beside a state, which says already that it ran or was in a system
// call.
func (c *Cause) does(state cycle.State) string {
	switch state {
	case cycle.Running:
		return strings.TrimPrefix(c.Text, "running ")
	case cycle.Syscall:
		return strings.TrimPrefix(c.Text, "system call ")
	}
	return c.Text
}

// short is the share of a cycle below which steps in a row are drawn as one.
const short = 0.01

// brief are the steps, short ones in a row put together.
func (c *Cycle) brief() []Step {
	var out []Step
	limit, run := int64(short*float64(c.LengthNS)), int64(0)
	for _, s := range c.Steps {
		if s.NS >= limit {
			out, run = append(out, s), 0
			continue
		}
		if run++; run == 1 {
			out = append(out, s)
			continue
		}
		last := &out[len(out)-1]
		last.NS += s.NS
		last.MostNS, last.State = last.NS, cycle.Various
		last.Cause = Cause{Text: report.FormatNumber(run, "short step")}
	}
	return out
}

// text is what a step was, and how much of it where that is not nearly all.
func (s *Step) text() string {
	text := s.does(s.State)
	if 10*s.MostNS >= 9*s.NS {
		return text
	}
	return text + " (" + report.FormatShare(float64(s.MostNS)/float64(max(1, s.NS))) + " of it)"
}

func (r *Result) uncutTable() report.Table {
	t := report.Table{Title: "Goroutines of which no cycle can be told", Extra: true,
		Columns: []string{"goroutines", "why"}}
	for _, u := range r.Uncut {
		t.Rows = append(t.Rows, []report.Cell{report.Count(u.Count), report.Text("it " + u.Why)})
	}
	if r.Ends > 0 {
		t.Below = []string{"Not counted: what came last to " + report.FormatNumber(r.Ends, "goroutine") +
			", and had no answer. It was the end of a connection, or of the work."}
	}
	return t
}

// lead says the headline numbers in words.
func (r *Result) lead() []string {
	out := []string{}
	network, _ := r.parted()
	if len(network) > 0 {
		out = append(out, network[0].sentence(r.watchedNS))
		if text := network[0].states(); text != "" {
			out = append(out, text)
		}
		if n := network[0].Unwaited; n > 0 {
			out = append(out, fmt.Sprintf("%s of them found their data there without waiting: since when is not known.",
				report.FormatCount(n)))
		}
	}
	return out
}

// sentence says how many cycles of a group there were, and how long they took.
func (g *Group) sentence(durationNS int64) string {
	text := fmt.Sprintf("%s: %s begun by the network in %s", g.Entry, report.FormatNumber(g.Count, "cycle"),
		report.FormatDuration(durationNS))
	var parts []string
	for _, p := range g.Percentiles {
		if p.NS != nil {
			parts = append(parts, p.Name+" "+report.FormatDuration(*p.NS))
		}
	}
	return text + "; " + strings.Join(append(parts, "longest "+report.FormatDuration(*g.MaxNS)), ", ") + "."
}

// states says what goroutines did in the cycles.
func (g *Group) states() string {
	var parts []string
	for _, s := range g.States {
		if s.Share >= 0.005 {
			parts = append(parts, s.State.String()+" "+report.FormatShare(s.Share))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Of their time: " + strings.Join(parts, ", ") + "."
}
