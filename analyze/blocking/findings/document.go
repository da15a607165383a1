package findings

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
)

// briefFindings is how many findings fit a screen with what follows them.
const briefFindings = 4

// Tables are the findings, those of the verdict first: a line each, and what each says and
// rests on.
func (r *Result) Tables() []report.Table {
	list := report.Table{Title: "Findings: what explains blocked time", Brief: briefFindings,
		Spare:   []string{"at", "behind it"},
		Columns: []string{"share", "explained", "finding", "function", "at", "behind it"}}
	details := report.Table{Title: "What the findings say and rest on", Extra: true,
		Columns: []string{"finding", "what and what to do", "evidence"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		list.Rows = append(list.Rows, append(f.shares(), report.Text(r.whose(f)+f.Name), report.Function(f.Where),
			report.Text(f.At), report.Text(f.Behind)))
		details.Rows = append(details.Rows, []report.Cell{report.Text(f.Name),
			report.Text(r.whose(f) + f.Sentence), report.Text(strings.Join(f.Evidence, " "))})
	}
	if len(r.Findings) > 0 {
		list.Below = []string{"share: of blocked time; findings may explain the same time. Without one: a note."}
	} else {
		list.Below = []string{"none"}
	}
	if r.weighed {
		list.Below = append(list.Below, "In the verdict's order: by what explains the most that nothing else does, "+
			"where what the machine is to blame for counts a third.")
	}
	list.Below = append(append(list.Below, r.Machine...), r.unlooked()...)
	return []report.Table{list, details}
}

// shares are the cells of what a finding explains, empty where it is a note.
func (f *Finding) shares() []report.Cell {
	if f.Share == 0 {
		return []report.Cell{{}, {}}
	}
	return []report.Cell{report.Share(f.Share), report.Duration(f.ExplainedNS)}
}

// whose names the process that a finding is about, where there are several.
func (r *Result) whose(f *Finding) string {
	if f.PID == nil {
		return ""
	}
	return r.of(*f.PID)
}

func (r *Result) of(pid int32) string {
	if !r.several {
		return ""
	}
	return replay.ProcessText(pid) + ": "
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
