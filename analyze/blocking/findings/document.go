package findings

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
)

// briefFindings is how many findings fit a screen with what follows them.
const briefFindings = 4

// Tables are the findings, the most severe first: a line each, and what each rests on.
func (r *Result) Tables() []report.Table {
	list := report.Table{Title: "Findings: patterns that are known to cost time", Brief: briefFindings,
		Columns: []string{"severity", "rule", "lost", "what and where"}}
	details := report.Table{Title: "What the findings rest on", Extra: true,
		Columns: []string{"rule", "evidence", "advice"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		lost := report.Text("")
		if f.LostNS != nil {
			lost = report.Duration(*f.LostNS)
		}
		list.Rows = append(list.Rows, []report.Cell{report.Count(int64(f.Severity)), report.Text(f.Name), lost,
			report.Text(r.whose(f) + f.headline() + ". " + f.Advice)})
		details.Rows = append(details.Rows, []report.Cell{report.Text(f.Name),
			report.Text(r.whose(f) + strings.Join(f.Evidence, " ")), report.Text(f.Advice)})
	}
	if len(r.Findings) > 0 {
		list.Below = []string{"severity: 0 to 100, for most rules lost / (lost + running) time. Lost times overlap."}
	} else {
		list.Below = []string{"none"}
	}
	list.Below = append(list.Below, r.unlooked()...)
	return []report.Table{list, details}
}

// whose names the process that a finding is about, where there are several.
func (r *Result) whose(f *Finding) string {
	if !r.several || f.PID == nil {
		return ""
	}
	return replay.ProcessText(*f.PID) + ": "
}

// headline is what was found and where.
func (f *Finding) headline() string {
	if f.Where == "" {
		return f.Title
	}
	return f.Title + ": " + stack.Local(f.Where)
}

// unlooked says which rules could not look.
func (r *Result) unlooked() []string {
	by := map[string][]string{}
	var order, out []string
	for _, u := range r.Unlooked {
		if by[u.Why] == nil {
			order = append(order, u.Why)
		}
		by[u.Why] = append(by[u.Why], u.Name)
	}
	for _, why := range order {
		out = append(out, fmt.Sprintf("Not looked for, because %s: %s.", why, strings.Join(by[why], ", ")))
	}
	return out
}
