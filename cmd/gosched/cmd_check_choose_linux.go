package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/choose"
	"github.com/gosched/gosched/record/gobin"
)

// pickedDocument is what check prints with rules: the processes that they pick now.
type pickedDocument struct {
	Version    int             `json:"version"`
	Recordable int             `json:"recordable"`       // how many of them can be
	NotGo      int             `json:"not_go,omitempty"` // with --all-go, how many are not Go programs, not listed
	Processes  []pickedProcess `json:"processes"`
}

type pickedProcess struct {
	PID        int               `json:"pid"` // as /proc has it
	Name       string            `json:"name"`
	Executable string            `json:"executable,omitempty"`
	GoVersion  string            `json:"go_version,omitempty"`
	Cgroup     string            `json:"cgroup,omitempty"`
	Container  *format.Container `json:"container,omitempty"`
	Why        string            `json:"why,omitempty"` // its executable cannot be recorded; absent: it can be
}

// runCheckPicked says what record would record with the same rules. Of the machine and the caller it
// says nothing: that is check without rules.
func runCheckPicked(opts checkOptions, out io.Writer) error {
	rules := opts.choose.resolved(0)
	rules.Except = []int{os.Getpid()}
	found, err := choose.NewWatch("/proc", rules).Poll()
	if err != nil {
		return err
	}
	doc := pickedDocument{Version: documentVersion, Processes: []pickedProcess{}}
	for i := range found {
		p := checkPicked(&found[i])
		if p.Why == "" {
			doc.Recordable++
		}
		if p.Why == notGo && opts.choose.allGo {
			doc.NotGo++
			continue
		}
		doc.Processes = append(doc.Processes, p)
	}
	return present(out, opts.json, layoutOptions{}, doc, doc.document())
}

const notGo = "not a Go program"

// checkPicked looks at the executable of a process.
func checkPicked(f *choose.Found) pickedProcess {
	p := pickedProcess{PID: f.PID, Name: f.Comm, Executable: f.Exe, Cgroup: f.Cgroup()}
	if f.Container.ID != "" {
		p.Container = record.DescribeContainer(f.Container)
	}
	checked, err := record.CheckBinary("/proc/" + strconv.Itoa(f.PID) + "/exe")
	switch {
	case errors.Is(err, gobin.ErrNotGo):
		p.Why = notGo
	case err != nil:
		p.Why = err.Error()
	case !checked.Recordable():
		p.Why = checked.Obstacles[0].Err.Error()
		if errors.Is(checked.Obstacles[0].Err, gobin.ErrNotGo) {
			p.Why = notGo
		}
	}
	if checked != nil && checked.Binary != nil {
		p.GoVersion = checked.Binary.GoVersion
	}
	return p
}

func (d *pickedDocument) document() *report.Document {
	doc := &report.Document{Title: fmt.Sprintf("Picked now: %s, of which %d can be recorded",
		processesText(len(d.Processes)), d.Recordable)}
	t := report.Table{Title: "Processes", Columns: []string{"pid", "name", "Go", "container", "cannot be recorded"}}
	for _, p := range d.Processes {
		name := containerName(p.Container)
		t.Rows = append(t.Rows, []report.Cell{report.Text(strconv.Itoa(p.PID)), report.Text(p.Name),
			report.Text(p.GoVersion), report.Text(name), report.Text(p.Why)})
	}
	if d.NotGo > 0 {
		doc.Notes = append(doc.Notes, fmt.Sprintf("not Go programs: %s", processesText(d.NotGo)))
	}
	if len(t.Rows) > 0 {
		doc.Tables = append(doc.Tables, t)
	} else {
		doc.Notes = append(doc.Notes, "Record would wait for the first.")
	}
	return doc
}
