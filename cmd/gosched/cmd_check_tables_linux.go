package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/report"
)

// document makes the check ready to be drawn.
func (d *checkDocument) document(opts checkOptions) *report.Document {
	doc := &report.Document{Title: d.verdict(opts)}
	for _, p := range d.Problems {
		text := p.What
		if p.Do != "" {
			text += ". To do: " + p.Do
		}
		doc.Warnings = append(doc.Warnings, report.Warning{Code: "problem", Text: text})
	}
	doc.Facts = d.facts()
	if opts.binary == "" && (opts.pid == 0 || !d.Recordable) {
		doc.Tables = append(doc.Tables, d.privilegeTable())
	}
	if len(d.Probes) > 0 {
		doc.Tables = append(doc.Tables, d.probeTable())
	}
	if len(d.Transitions) > 0 {
		doc.Tables = append(doc.Tables, d.transitionTable())
	}
	return doc
}

func (d *checkDocument) verdict(opts checkOptions) string {
	subject := "Go processes"
	switch {
	case opts.binary != "":
		subject = opts.binary
	case opts.pid != 0:
		subject = fmt.Sprintf("Process %d", opts.pid)
	}
	if d.Recordable {
		return subject + " can be recorded here"
	}
	return subject + " cannot be recorded here"
}

func (d *checkDocument) facts() []report.Fact {
	facts := []report.Fact{{Name: "kernel", Value: report.Text(d.Kernel.Release)}}
	if d.Kernel.Fallbacks != nil && len(d.Kernel.Fallbacks) == 0 {
		facts = append(facts, report.Fact{Name: "fall-backs", Value: report.Text("none: the kernel can do everything")})
	}
	for _, f := range d.Kernel.Fallbacks {
		text := fmt.Sprintf("the kernel lacks %s: %s", f.Lacks, f.Does)
		facts = append(facts, report.Fact{Name: "fall-back " + f.Name, Value: report.Text(text)})
	}
	if d.Kernel.Danger != "" {
		facts = append(facts, report.Fact{Name: "danger of probes", Value: report.Text(d.Kernel.Danger)})
	}
	if s := d.Kernel.Samples; s != nil {
		facts = append(facts, report.Fact{Name: "on-CPU samples", Value: report.Text(s.describe())})
	}
	if s := d.Sampling; s != nil {
		facts = append(facts, report.Fact{Name: "record --sample, without eBPF", Value: report.Text(s.describe())})
	}
	facts = append(facts, report.Fact{Name: "given up once everything is watched",
		Value: report.Text(d.confinement())})
	if p := d.Process; p != nil {
		facts = append(facts, report.Fact{Name: "process", Value: report.Text(p.describe())})
	}
	if b := d.Binary; b != nil {
		file := "executable"
		if b.Library {
			file = "Go code in the library"
		}
		facts = append(facts,
			report.Fact{Name: file, Value: report.Text(b.Path)},
			report.Fact{Name: "Go", Value: report.Text(b.build())},
			report.Fact{Name: "struct offsets from", Value: report.Text(b.Offsets)},
		)
	}
	return facts
}

// confinement says what a recorder gives up, in words.
func (d *checkDocument) confinement() string {
	if len(d.Confinement) > 0 {
		return "not all: " + strings.Join(d.Confinement, "; ")
	}
	return "all but what the recording still takes"
}

// describe says whether it is possible.
func (s *checkedSamples) describe() string {
	if !s.Possible {
		return "no: " + s.Why
	}
	return "yes"
}

// describe is the process in words.
func (p *checkedProcess) describe() string {
	text := fmt.Sprintf("%s, since %s UTC, threads: %d", p.Name, p.Started.Format(time.DateTime), p.Threads)
	if p.NSPID != p.PID {
		text += fmt.Sprintf(", in a container as process %d", p.NSPID)
	}
	if p.CPUQuota > 0 {
		text += fmt.Sprintf(", limited to %g CPUs", p.CPUQuota)
	}
	return text
}

// build is how the binary was built, in words.
func (b *checkedBinary) build() string {
	text := b.GoVersion + " " + b.Arch
	if !b.Tested {
		text += ", newer than any that this gosched was tested with"
	}
	if b.PIE {
		text += ", position independent"
	}
	if b.Cgo {
		text += ", with C code"
	}
	return text
}

func (d *checkDocument) probeTable() report.Table {
	t := report.Table{
		Title:   "Probe points",
		Columns: []string{"function", "offset", "instruction", "the kernel"},
	}
	for _, p := range d.Probes {
		how := "emulates it"
		if !p.Emulated {
			how = "single-steps it"
		}
		t.Rows = append(t.Rows, []report.Cell{
			report.Text(p.Function), report.Text(fmt.Sprintf("+%#x", p.Offset)),
			report.Text(p.Instruction), report.Text(how),
		})
	}
	return t
}

func (d *checkDocument) transitionTable() report.Table {
	t := report.Table{Title: "Transitions", Columns: []string{"transition", "recorded", "note"}}
	for _, c := range d.Transitions {
		covered := "yes"
		if !c.Covered {
			covered = "no"
		}
		t.Rows = append(t.Rows, []report.Cell{report.Text(c.Transition.String()), report.Text(covered),
			report.Text(c.Why)})
	}
	return t
}
