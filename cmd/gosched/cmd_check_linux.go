package main

import (
	"context"
	"io"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/confine"
)

// checkDocument is what check --json prints.
type checkDocument struct {
	Version     int               `json:"version"`
	Recordable  bool              `json:"recordable"`
	Kernel      checkedKernel     `json:"kernel"`
	Confinement []string          `json:"confinement"` // what cannot be given up once everything is watched, and why
	Privileges  []checkedUse      `json:"privileges"`  // what each use takes, and what of it this user lacks
	Process     *checkedProcess   `json:"process"`     // null without -p
	Binary      *checkedBinary    `json:"binary"`      // null where none was asked about, or it cannot be read
	Probes      []checkedProbe    `json:"probes"`
	Sampling    *checkedSamples   `json:"sampling"` // whether record --sample can record it; null without -p
	Transitions []format.Coverage `json:"transitions"`
	Problems    []problem         `json:"problems"` // what stands in the way
}

type checkedKernel struct {
	Release   string            `json:"release"`
	Fallbacks []checkedFallback `json:"fallbacks"` // that recording takes here; null: not tried
	Samples   *checkedSamples   `json:"samples"`   // null: not tried
	Danger    string            `json:"danger"`    // what is known of that of probes here; empty: not tried
}

// checkedSamples says whether on-CPU samples can be taken, or goroutines be sampled.
type checkedSamples struct {
	Possible bool   `json:"possible"`
	Why      string `json:"why,omitempty"` // not
}

// checkedFallback is what recording does because the kernel lacks something.
type checkedFallback struct {
	Name  string `json:"name"`
	Lacks string `json:"lacks"`
	Does  string `json:"does"`
}

type checkedProcess struct {
	PID      int       `json:"pid"`
	NSPID    int       `json:"ns_pid"` // its number in its own PID namespace
	Name     string    `json:"name"`
	Started  time.Time `json:"started"`
	Threads  int       `json:"threads"`
	CPUQuota float64   `json:"cpu_quota"` // CPUs that its cgroups allow it, 0: no limit
}

type checkedBinary struct {
	Path      string `json:"path"`
	Library   bool   `json:"library,omitempty"` // the process's executable is not Go: its Go code is in this library
	GoVersion string `json:"go_version"`
	Tested    bool   `json:"tested"` // false: the Go version is newer than any that this gosched was tested with
	BuildID   string `json:"build_id,omitempty"`
	Arch      string `json:"arch"`
	PIE       bool   `json:"pie"`
	Cgo       bool   `json:"cgo"`
	Offsets   string `json:"offsets"` // where the runtime's struct offsets come from
}

type checkedProbe struct {
	Function    string `json:"function"`
	Offset      uint64 `json:"offset"` // from the function's entry
	Instruction string `json:"instruction"`
	Emulated    bool   `json:"emulated"` // false: single-stepped
}

// problem is something that keeps a process from being recorded, and what to do about it.
type problem struct {
	What string `json:"what"`
	Do   string `json:"do"`
}

func runCheck(_ context.Context, opts checkOptions, out io.Writer) error {
	if opts.policy != "" {
		return runCheckPolicy(opts, out)
	}
	checked, err := record.Check(record.CheckOptions{PID: int(opts.pid), Binary: opts.binary})
	if err != nil {
		return err
	}
	if opts.grant != "" {
		return runGrant(opts, checked, out)
	}
	doc := newCheckDocument(checked)
	if err := present(out, opts.json, layoutOptions{}, doc, doc.document(opts)); err != nil {
		return err
	}
	if !doc.Recordable {
		return &exitError{code: exitUnsupported}
	}
	return nil
}

func newCheckDocument(c *record.Checked) *checkDocument {
	d := &checkDocument{
		Version: documentVersion, Recordable: c.Recordable(), Kernel: checkedKernel{Release: c.Release},
		Privileges: []checkedUse{}, Probes: []checkedProbe{}, Transitions: append([]format.Coverage{}, c.Coverage...),
		Problems: problemsOf(c), Confinement: []string{},
	}
	for _, err := range confine.Unable() {
		d.Confinement = append(d.Confinement, err.Error())
	}
	if c.Caller != nil {
		d.Privileges = checkUses(c.Caller)
	}
	if c.Kernel != nil {
		d.Kernel.Danger = c.Kernel.Danger
		d.Kernel.Samples = &checkedSamples{Possible: c.Kernel.NoSamples == nil}
		if err := c.Kernel.NoSamples; err != nil {
			d.Kernel.Samples.Why = err.Error()
		}
		d.Kernel.Fallbacks = []checkedFallback{}
		for _, f := range c.Kernel.Fallbacks {
			d.Kernel.Fallbacks = append(d.Kernel.Fallbacks, checkedFallback{f.Name, f.Lacks, f.Does})
		}
	}
	if s := c.Sampling; s != nil {
		d.Sampling = &checkedSamples{Possible: s.Why == nil}
		if s.Why != nil {
			d.Sampling.Why = s.Why.Error()
		}
	}
	if p := c.Process; p != nil {
		d.Process = &checkedProcess{PID: p.PID, NSPID: p.NSPID, Name: p.Name, Started: p.Started, Threads: p.Threads,
			CPUQuota: p.CPUQuota}
	}
	if b := c.Binary; b != nil {
		d.Binary = &checkedBinary{Path: b.Path, Library: b.Library, GoVersion: b.GoVersion, Tested: b.Tested,
			BuildID: b.BuildID,
			Arch:    b.Arch, PIE: b.PIE, Cgo: b.Cgo, Offsets: b.Offsets}
	}
	for i := range c.Probes {
		p := &c.Probes[i]
		d.Probes = append(d.Probes, checkedProbe{Function: p.Func, Offset: p.FuncOffset, Instruction: p.Insn,
			Emulated: p.Emulated})
	}
	return d
}

// problemsOf says what stands in the way, and what to do about it.
func problemsOf(c *record.Checked) []problem {
	problems := []problem{}
	for _, o := range c.Obstacles {
		problems = append(problems, problem{What: o.Err.Error(), Do: obstacleAdvice(o)})
	}
	return problems
}
