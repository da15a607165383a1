package goroutines

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// View says what of a result to show.
type View struct {
	System bool // the runtime's own too
}

// How many rows of each sort fit a screen together.
const (
	briefVerdicts = 7
	briefGroups   = 7
)

// Document makes a result ready to be drawn.
func (r *Result) Document(v View) *report.Document {
	all := len(r.Groups)
	if !v.System {
		r = r.withoutSystem()
	}
	d := &report.Document{Title: "Goroutines at the end of the trace, and how they got there", Lead: r.Lead,
		Warnings: r.Warnings}
	d.Tables = append(d.Tables, r.verdictTable(), r.groupTable(), r.wakerTable())
	if r.Profile != nil {
		d.Facts = append(d.Facts, report.Fact{Name: "profile", Value: report.Text(r.Profile.sentence())})
		d.Tables = append(d.Tables, r.profileTable(), r.Profile.missingTable())
	}
	if len(r.Groups) < all {
		d.Notes = append(d.Notes, "The runtime's own goroutines are counted, but listed only with --system.")
	}
	return d
}

// lead says the headline numbers in words.
func (r *Result) lead() []string {
	out := []string{}
	if r.Goroutines == 0 {
		return out
	}
	counts, own := map[string]int64{}, int64(0)
	for i := range r.Groups {
		counts[r.Groups[i].verdict()] += r.Groups[i].Count
		if r.Groups[i].System {
			own += r.Groups[i].Count
		}
	}
	var parts []string
	for _, verdict := range order {
		if n := counts[verdict]; n > 0 {
			parts = append(parts, report.FormatCount(n)+" "+verdict)
		}
	}
	return append(out,
		fmt.Sprintf("%s at the end, %s of them the runtime's own: %s.", report.FormatNumber(r.Goroutines, "goroutine"),
			report.FormatCount(own), strings.Join(parts, ", ")),
		fmt.Sprintf("%s ended in the %s that were recorded.", report.FormatNumber(r.Ended, "other"),
			report.FormatDuration(r.DurationNS)))
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

// function and position are what people know a group by: the code where it stands.
func (g *Group) function() report.Cell {
	if code := stack.Culprit(g.Stack); code != "" {
		return report.Function(stack.Function(code))
	}
	return report.Function(g.Entry)
}

func (g *Group) position() report.Cell { return report.Text(stack.Position(stack.Culprit(g.Stack))) }

func (g *Group) doing() string {
	if g.Reason != "" {
		return g.Reason
	}
	return g.State
}

// unjudged is shown of groups without a verdict.
const unjudged = "unknown"

func (g *Group) verdict() string { return cmp.Or(g.Verdict, unjudged) }

// several says whether the groups are of several processes, so that each row has to say whose it
// is.
func (r *Result) several() bool {
	return slices.ContainsFunc(r.Groups, func(g Group) bool { return g.PID != r.Groups[0].PID })
}

// columns are the headings of a table of groups.
func (r *Result) columns(names ...string) []string {
	if !r.several() {
		return names
	}
	return append([]string{"pid"}, names...)
}

// row is a group's row of such a table.
func (r *Result) row(g *Group, cells ...report.Cell) []report.Cell {
	if !r.several() {
		return cells
	}
	return append([]report.Cell{report.Text(strconv.Itoa(int(g.PID)))}, cells...)
}

// sameAsAbove is shown for evidence that the row above has too: it takes several lines.
const sameAsAbove = "the same"

// order is how the verdicts are listed: what needs a person first.
var order = []string{Bottleneck, Queued, Leaked, Stuck, Slow, Busy, Idle, unjudged}

func (r *Result) verdictTable() report.Table {
	t := report.Table{Title: "Verdicts", Brief: briefVerdicts, Spare: []string{"at", "in"},
		Columns: r.columns("verdict", "goroutines", "in", "function", "at", "evidence")}
	above := ""
	for _, g := range r.judged() {
		evidence := g.Evidence
		if evidence == above {
			evidence = sameAsAbove
		}
		above = g.Evidence
		t.Rows = append(t.Rows, r.row(g, report.Text(g.Verdict), report.Count(g.Count), report.Text(g.doing()),
			g.function(), g.position(), report.Text(evidence)))
	}
	t.Below = r.unjudged()
	return t
}

// judged are the groups with a verdict, as they are listed: of bottlenecks first what most wait for.
func (r *Result) judged() (out []*Group) {
	for i := range r.Groups {
		if r.Groups[i].Verdict != "" {
			out = append(out, &r.Groups[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Verdict), slices.Index(order, b.Verdict)),
			cmp.Compare(b.Awaited.average(), a.Awaited.average()))
	})
	return out
}

// unjudged says in a line how many goroutines have no verdict, and why; it is empty where all have
// one.
func (r *Result) unjudged() []string {
	counts, sum := map[string]int64{}, int64(0)
	for i := range r.Groups {
		if g := &r.Groups[i]; g.Verdict == "" {
			counts[cmp.Or(g.Evidence, "nothing stands out")] += g.Count
			sum += g.Count
		}
	}
	if sum == 0 {
		return nil
	}
	whys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, why := range whys {
		whys[i] = fmt.Sprintf("%s (%s)", why, report.FormatCount(counts[why]))
	}
	return []string{fmt.Sprintf("%s, %s: %s.", unjudged, report.FormatNumber(sum, "goroutine"),
		strings.Join(whys, "; "))}
}

func (r *Result) groupTable() report.Table {
	t := report.Table{
		Title: "Groups: goroutines of one go statement that stand at one place", Brief: briefGroups,
		Columns: r.columns("goroutines", "in", "function", "at", "created by", "for", "woken", "waiting", "running",
			"runnable"),
		Spare:    []string{"at", "created by", "runnable", "woken", "waiting"},
		SameUnit: []string{"waiting", "running", "runnable"},
		Below: []string{"for: how long the first of them has been in this state (≥: since before the recording). " +
			"waiting, running, runnable: sums over the group's goroutines."},
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		since := report.Duration(g.OldestNS)
		since.AtLeast = g.AtLeast
		t.Rows = append(t.Rows, r.row(g, report.Count(g.Count), report.Text(g.doing()), g.function(), g.position(),
			report.Function(stack.Function(g.CreatedBy)), since, report.Count(g.Woken), report.Duration(g.WaitingNS),
			report.Duration(g.RunningNS), report.Duration(g.RunnableNS)))
	}
	return t
}

func (r *Result) wakerTable() report.Table {
	t := report.Table{Title: "Who ends the waits there", Extra: true, Spare: []string{"at"},
		SameUnit: []string{"longest"}, Columns: r.columns("in", "function", "at", "waits ended")}
	for _, q := range shownPercentiles {
		t.Columns, t.SameUnit = append(t.Columns, q.Name), append(t.SameUnit, q.Name)
	}
	t.Columns = append(t.Columns, "longest", "woken by")
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.Here == nil || g.Here.Ended == 0 {
			continue
		}
		cells := r.row(g, report.Text(g.doing()), g.function(), g.position(), report.Count(g.Here.Ended))
		for _, p := range g.Here.Percentiles {
			cells = append(cells, report.OptionalDuration(p.NS))
		}
		t.Rows = append(t.Rows, append(cells, report.Duration(g.Here.MaxNS), report.Text(g.Here.by())))
	}
	return t
}

// namedWakers is how many wakers are named in a line.
const namedWakers = 2

// by names those who end most waits, each with the number.
func (w *Site) by() string {
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

func (r *Result) profileTable() report.Table {
	t := report.Table{Title: "Beside the profile", Brief: briefGroups, Spare: []string{"at"},
		Columns: r.columns("function", "at", "in profile", "labels", "joined")}
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
		t.Rows = append(t.Rows, r.row(g, g.function(), g.position(), report.Count(count),
			report.Text(strings.Join(labels, " ")), report.Text(how)))
	}
	return t
}

func (p *ProfileSummary) missingTable() report.Table {
	t := report.Table{Title: "In the profile and not in the trace", Brief: briefGroups, Spare: []string{"at"},
		Columns: []string{"function", "at", "goroutines", "state"}}
	for i := range p.Missing {
		m := &p.Missing[i]
		frame := stack.Culprit(m.Stack)
		t.Rows = append(t.Rows, []report.Cell{report.Function(cmp.Or(stack.Function(frame), "unknown")),
			report.Text(stack.Position(frame)), report.Count(m.Count), report.Text(m.State)})
	}
	return t
}
