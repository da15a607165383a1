package findings

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/report"
)

// Facts are the findings ready to be drawn, one a line: the severity and the rule, then what it
// rests on and what to do.
func (r *Result) Facts() []report.Fact {
	if len(r.Findings) == 0 {
		return []report.Fact{{Name: "findings", Value: report.Text("none")}}
	}
	var facts []report.Fact
	for i := range r.Findings {
		f := &r.Findings[i]
		facts = append(facts, report.Fact{Name: fmt.Sprintf("%3d %s", f.Severity, f.Name),
			Value: report.Text(f.sentences())})
	}
	return facts
}

// sentences are all that a finding says.
func (f *Finding) sentences() string {
	title := f.Title
	if f.Where != "" {
		title += ": " + f.Where
	}
	if f.LostNS != nil {
		title += " (" + report.FormatDuration(*f.LostNS) + " lost)"
	}
	return title + ". " + strings.Join(f.Evidence, " ") + " → " + f.Advice
}

// Notes are what a reader of the findings has to know.
func (r *Result) Notes() []string {
	var notes []string
	if len(r.Findings) > 0 {
		notes = append(notes, "Findings are led by their severity, 0 to 100: of those with time lost, the part that "+
			"it is of itself and the time that goroutines ran (at least a tenth of the recording). Times overlap "+
			"and do not add up.")
	}
	by := map[string][]string{}
	var order []string
	for _, u := range r.Unlooked {
		if by[u.Why] == nil {
			order = append(order, u.Why)
		}
		by[u.Why] = append(by[u.Why], u.Name)
	}
	for _, why := range order {
		notes = append(notes, fmt.Sprintf("Not looked for, because %s: %s.", why, strings.Join(by[why], ", ")))
	}
	return notes
}
