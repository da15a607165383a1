package main

import (
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record/target"
)

// use is something that a user does with gosched, and the capabilities that it takes.
type use struct {
	what  string
	takes []target.Capability
}

// uses are measured: TestEachUseTakesWhatCheckSays gives an unprivileged user these
// capabilities, and then all but one of them.
var uses = []use{
	{"goroutines -p, yours", nil},
	{"goroutines -p, another's", []target.Capability{target.CapSysPtrace}},
	{"record, yours", []target.Capability{target.CapBPF, target.CapPerfmon}},
	{"record -p, another's", []target.Capability{target.CapBPF, target.CapPerfmon, target.CapSysPtrace}},
	{"record --user USER --", []target.Capability{
		target.CapBPF, target.CapPerfmon, target.CapSysPtrace, target.CapSetUID, target.CapSetGID, target.CapKill,
	}},
	{"attach one by one (before Linux 6.10)", []target.Capability{target.CapSysAdmin}},
	{"an executable you may not read", []target.Capability{target.CapDACReadSearch}},
}

// checkedUse is a use, and whether the caller may.
type checkedUse struct {
	Use   string   `json:"use"`
	Takes []string `json:"takes"`
	Lacks []string `json:"lacks"`
}

// checkUses lays what the caller has beside what each use takes.
func checkUses(own *target.Privileges) []checkedUse {
	checked := make([]checkedUse, 0, len(uses))
	for _, u := range uses {
		checked = append(checked, checkedUse{Use: u.what, Takes: texts(u.takes), Lacks: texts(own.Lacks(u.takes...))})
	}
	return checked
}

func texts(caps []target.Capability) []string {
	names := make([]string, 0, len(caps))
	for _, c := range caps {
		names = append(names, c.String())
	}
	return names
}

// privilegeTable is what each use takes. A process is another's too if it has capabilities
// that the caller does not have.
func (d *checkDocument) privilegeTable() report.Table {
	t := report.Table{Title: "Privileges", Columns: []string{"to", "takes", "here"}}
	for _, u := range d.Privileges {
		takes, here := strings.Join(u.Takes, " "), "yes"
		if len(u.Takes) == 0 {
			takes = "nothing"
		}
		switch {
		case len(u.Lacks) > 1 && len(u.Lacks) == len(u.Takes):
			here = "lacks all of them"
		case len(u.Lacks) > 0:
			here = "lacks " + strings.Join(u.Lacks, " ")
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(u.Use), report.Text(takes), report.Text(here),
		})
	}
	return t
}
