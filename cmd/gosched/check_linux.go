package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/target"
)

// checkDocument is what check --json prints.
type checkDocument struct {
	Version     int               `json:"version"`
	Recordable  bool              `json:"recordable"`
	Kernel      checkedKernel     `json:"kernel"`
	Privileges  []checkedUse      `json:"privileges"` // what each use takes, and what of it this user lacks
	Process     *checkedProcess   `json:"process"`    // null without -p
	Binary      *checkedBinary    `json:"binary"`     // null where none was asked about, or it cannot be read
	Probes      []checkedProbe    `json:"probes"`
	Transitions []format.Coverage `json:"transitions"`
	Problems    []problem         `json:"problems"` // what stands in the way
}

type checkedKernel struct {
	Release   string            `json:"release"`
	Fallbacks []checkedFallback `json:"fallbacks"` // that recording takes here; null: not tried
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
	doc := &checkDocument{
		Version: documentVersion, Privileges: []checkedUse{},
		Probes: []checkedProbe{}, Transitions: []format.Coverage{}, Problems: []problem{},
	}
	doc.machine()
	if err := doc.subject(opts); err != nil {
		return err
	}
	doc.Recordable = len(doc.Problems) == 0
	if err := present(out, opts.json, doc, doc.document(opts)); err != nil {
		return err
	}
	if !doc.Recordable {
		return &exitError{code: exitUnsupported}
	}
	return nil
}

func (d *checkDocument) problem(do, format string, args ...any) {
	d.Problems = append(d.Problems, problem{What: fmt.Sprintf(format, args...), Do: do})
}

// machine checks the kernel and the user. What the kernel can do is found by trying,
// which takes the privileges.
func (d *checkDocument) machine() {
	host, err := target.ReadHost()
	if err != nil {
		d.problem("", "the machine does not say what it is: %v", err)
	}
	d.Kernel.Release = host.Kernel
	own, err := target.OwnPrivileges()
	if err != nil {
		d.problem("", "%v", err)
		return
	}
	d.Privileges = checkUses(&own)
	if _, err := target.InRootPIDNamespace(); err != nil {
		d.problem(adviceFor(err), "%v", err)
		return
	}
	if err := target.CheckMonotonicClock(); err != nil {
		d.problem("run gosched in the machine's time namespace", "%v", err)
	}
	if err := target.CheckPrivileges(); err != nil {
		d.problem(adviceFor(err)+"; what the kernel can do was not tried without them", "%v", err)
		return
	}
	kernel, err := record.ProbeKernel()
	switch {
	case errors.Is(err, target.ErrPrivileges):
		d.problem(adviceFor(err), "%v", err)
		return
	case errors.Is(err, record.ErrUnsupported):
		d.problem("use a kernel that can; distributions' kernels from 5.10 on do", "%v", err)
		return
	case err != nil:
		d.problem("", "what the kernel can do could not be tried: %v", err)
		return
	}
	d.Kernel.Fallbacks = []checkedFallback{}
	for _, f := range kernel.Fallbacks {
		d.Kernel.Fallbacks = append(d.Kernel.Fallbacks, checkedFallback{f.Name, f.Lacks, f.Does})
	}
}

// subject checks the process or the binary, if one was named.
func (d *checkDocument) subject(opts checkOptions) error {
	switch {
	case opts.binary != "":
		return d.binary(opts.binary, opts.binary)
	case opts.pid == 0:
		return nil
	}
	proc, err := target.Open(opts.pid)
	if err != nil {
		if exitCode(err) != exitUnsupported {
			return err
		}
		d.problem(adviceFor(err), "%v", err)
		return nil
	}
	defer proc.Close()
	return errors.Join(d.process(proc), d.image(proc))
}

// image checks the Go code of a process.
func (d *checkDocument) image(proc *target.Process) error {
	found, err := image.Find(proc)
	if err != nil && exitCode(err) != exitUnsupported {
		return err
	}
	if err != nil {
		d.problem(adviceFor(err), "%v", err)
		return nil
	}
	if err := found.Recordable(); err != nil {
		d.problem("run it as root", "%v", err)
	}
	d.inspect(found.Binary, found.Name)
	d.Binary.Library = found.Library
	return found.Close()
}

// process describes a process.
func (d *checkDocument) process(proc *target.Process) error {
	name, err1 := proc.Comm()
	nspid, err2 := proc.NSPID()
	started, err3 := proc.Started()
	threads, err4 := proc.Threads()
	quota, err5 := proc.CPUQuota()
	d.Process = &checkedProcess{
		PID: proc.PID(), NSPID: nspid, Name: name, Started: started.UTC(), Threads: len(threads), CPUQuota: quota,
	}
	return errors.Join(err1, err2, err3, err4, err5)
}

// binary checks the executable at path, called name to people. A file that cannot be
// read is an error, one that cannot be recorded a problem.
func (d *checkDocument) binary(path, name string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	b, err := gobin.New(file)
	if err != nil {
		d.problem(adviceFor(err), "%s: %v", name, err)
		return nil
	}
	d.inspect(b, name)
	return nil
}

// inspect checks an executable or library, called name to people.
func (d *checkDocument) inspect(b *gobin.Binary, name string) {
	d.Binary = &checkedBinary{
		Path: name, GoVersion: b.GoVersion, BuildID: b.BuildID, Arch: b.Arch, PIE: b.PIE, Cgo: b.Cgo(),
	}
	if b.Arch != runtime.GOARCH {
		d.problem("record it on a machine of that kind", "%s is built for %s and this machine is %s", name, b.Arch,
			runtime.GOARCH)
	}
	if b.Plugin() {
		d.problem("check the program that opens it",
			"%s is a Go plugin: it is recorded as a part of the program that opens it", name)
		return
	}
	d.runtime(name, b)
	if len(d.Problems) == 0 {
		if err := record.TryPrograms(b); err != nil {
			d.problem("report it with the kernel's version: it refuses the programs", "%v", err)
		}
	}
}

// runtime checks what gosched has to know of the binary's Go runtime.
func (d *checkDocument) runtime(name string, b *gobin.Binary) {
	layout, err := b.Layout()
	d.Binary.Offsets = layout.Source
	_, reasonsErr := b.WaitReasons()
	_, allgsErr := b.AllGs()
	for _, err := range []error{err, reasonsErr, allgsErr} {
		if err != nil {
			d.problem(adviceFor(err), "%s: %v", name, err)
		}
	}
	probes, coverage, err := b.Probes()
	if err != nil {
		d.problem(adviceFor(err), "%s: %v", name, err)
	}
	for i := range probes {
		p := &probes[i]
		d.Probes = append(d.Probes, checkedProbe{
			Function: p.Func, Offset: p.FuncOffset, Instruction: p.Insn, Emulated: p.Emulated,
		})
	}
	d.Transitions = append(d.Transitions, coverage...)
}

// adviceFor says what to do about a process or a binary that cannot be recorded.
func adviceFor(err error) string {
	advice := adviceOf(err)
	switch {
	case advice != "":
		return strings.ToLower(advice[:1]) + strings.TrimSuffix(advice[1:], ".")
	case errors.Is(err, target.ErrPrivileges):
		return privilegeAdvice(err)
	case errors.Is(err, target.ErrForeignProc):
		return mountAdvice
	case errors.Is(err, image.ErrSeveralRuntimes):
		return "record a process that has one of them"
	case errors.Is(err, gobin.ErrNotGo):
		return "record the Go program itself: if this one starts it, by -p"
	case errors.Is(err, gobin.ErrDamaged):
		return "build it without an obfuscator or packer"
	default:
		return "build it with a Go version from 1.18 to the newest that this gosched knows, or use a newer gosched"
	}
}
