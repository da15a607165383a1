package goroutines

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// View says what of a result to show.
type View struct {
	Groups int  // the most groups; 0: all
	System bool // the runtime's own too
}

// Document makes a result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	all := len(r.Groups)
	if !v.System {
		r = r.withoutSystem()
	}
	d := &report.Document{Title: "Goroutines at the end of the trace, and how they got there", Warnings: r.Warnings}
	d.Facts = []report.Fact{
		{Name: "goroutines", Value: report.Text(fmt.Sprintf("%s at the end; %s ended", report.FormatCount(r.Goroutines),
			report.FormatCount(r.Ended)))},
		{Name: "observed", Value: report.Duration(r.DurationNS)},
	}
	d.Tables = append(d.Tables, r.verdictTable(v), r.groupTable(v), r.wakerTable(v))
	if r.Profile != nil {
		d.Facts = append(d.Facts, report.Fact{Name: "profile", Value: report.Text(r.Profile.sentence())})
		d.Tables = append(d.Tables, r.profileTable(v), r.Profile.missingTable(v))
	}
	d.Notes = append(d.Notes, "since: how long the one that is there longest has been, at least where marked "+
		"\"≥\". Times are sums over a group's goroutines since the recording or they began.",
		"A group without a verdict is one of which the trace does not show enough.")
	if len(r.Groups) < all {
		d.Notes = append(d.Notes, "The runtime's own goroutines are counted, but listed with --system only.")
	}
	return d
}

// withoutSystem is the result without the runtime's own groups.
func (r *Result) withoutSystem() *Result {
	out := *r
	out.Groups = nil
	for i := range r.Groups {
		if !r.Groups[i].System {
			out.Groups = append(out.Groups, r.Groups[i])
		}
	}
	return &out
}

// limited is a table with as many rows as are to be shown.
func limited(t report.Table, v View) report.Table {
	if v.Groups > 0 && len(t.Rows) > v.Groups {
		t.More, t.Rows = len(t.Rows)-v.Groups, t.Rows[:v.Groups]
	}
	return t
}

// name is what people know a group by: the code where it stands.
func (g *Group) name() string {
	if code := stack.Culprit(g.Stack); code != "" {
		return stack.Short(code)
	}
	return g.Entry
}

func (g *Group) doing() string {
	if g.Reason != "" {
		return g.Reason
	}
	return g.State
}

// order is how the verdicts are listed: what needs a person first.
var order = []string{Leaked, Stuck, Slow, Busy, "", Idle}

func (r *Result) verdictTable(v View) report.Table {
	t := report.Table{Title: "Verdicts", Columns: []string{"", "verdict", "count", "evidence"}}
	for _, verdict := range order {
		for i := range r.Groups {
			g := &r.Groups[i]
			if g.Verdict != verdict || g.Evidence == "" {
				continue
			}
			shown := verdict
			if shown == "" {
				shown = "unknown"
			}
			t.Rows = append(t.Rows, []report.Cell{report.Text(g.name()), report.Text(shown), report.Count(g.Count),
				report.Text(g.Evidence)})
		}
	}
	return limited(t, v)
}

func (r *Result) groupTable(v View) report.Table {
	t := report.Table{
		Title: "Groups",
		Columns: []string{"", "created by", "state", "count", "since", "woken", "waits", "waiting", "running",
			"runnable"},
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		since := report.FormatDuration(g.OldestNS)
		if g.AtLeast {
			since = "≥" + since
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(g.name()), report.Text(stack.Local(stack.Function(g.CreatedBy))), report.Text(g.doing()),
			report.Count(g.Count), report.Text(since), report.Count(g.Woken),
			report.Count(g.Waits), report.Duration(g.WaitingNS), report.Duration(g.RunningNS),
			report.Duration(g.RunnableNS),
		})
	}
	return limited(t, v)
}

func (r *Result) wakerTable(v View) report.Table {
	t := report.Table{Title: "Who ends waits at these places", Columns: []string{"", "waits ended"}}
	for _, q := range shownPercentiles {
		t.Columns = append(t.Columns, q.Name)
	}
	t.Columns = append(t.Columns, "longest", "woken by")
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.Here == nil || g.Here.Ended == 0 {
			continue
		}
		cells := []report.Cell{report.Text(g.name()), report.Count(g.Here.Ended)}
		for _, p := range g.Here.Percentiles {
			cells = append(cells, report.OptionalDuration(p.NS))
		}
		t.Rows = append(t.Rows, append(cells, report.Duration(g.Here.MaxNS), report.Text(g.Here.by())))
	}
	return limited(t, v)
}

// namedWakers is how many wakers are named in a line.
const namedWakers = 2

// by names those who end most waits, each with the number.
func (w *Place) by() string {
	counts := map[string]int64{}
	for _, k := range w.Wakers {
		counts[stack.Local(k.Name)] += k.Count
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var by []string
	for _, name := range names[:min(namedWakers, len(names))] {
		by = append(by, report.FormatCount(counts[name])+" "+name)
	}
	return strings.Join(by, ", ")
}

func (p *ProfileSummary) sentence() string {
	kind := "goroutine profile"
	if p.LeaksOnly {
		kind = "goroutineleak profile"
	}
	return fmt.Sprintf("%s (%s) of %s; joined by %s: %s in the trace, %s at the same place",
		kind, p.Encoding, report.FormatNumber(p.Goroutines, "goroutine"), p.JoinedBy, report.FormatCount(p.Matched),
		report.FormatCount(p.SamePlace))
}

func (r *Result) profileTable(v View) report.Table {
	t := report.Table{Title: "Beside the profile", Columns: []string{"", "in profile", "labels", "joined"}}
	for i := range r.Groups {
		g := &r.Groups[i]
		how, count := "not in the profile", int64(0)
		var labels []string
		if g.Profile != nil {
			how, count = g.Profile.How, g.Profile.Count
			for _, l := range g.Profile.Labels {
				labels = append(labels, l.Key+"="+l.Value)
			}
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(g.name()), report.Count(count),
			report.Text(strings.Join(labels, " ")), report.Text(how)})
	}
	return limited(t, v)
}

func (p *ProfileSummary) missingTable(v View) report.Table {
	t := report.Table{Title: "In the profile and not in the trace", Columns: []string{"", "count", "state"}}
	for i := range p.Missing {
		m := &p.Missing[i]
		name := stack.Short(stack.Culprit(m.Stack))
		if name == "" {
			name = "stack unknown"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(name), report.Count(m.Count), report.Text(m.State)})
	}
	return limited(t, v)
}
