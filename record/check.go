package record

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/target"
)

// Checked is what Check found: whether recording works here, and what it would see.
type Checked struct {
	Release   string             // the kernel's
	Caller    *target.Privileges // nil: unknown
	Kernel    *Kernel            // what it can do; nil: not tried, for a reason that is among the problems
	Process   *CheckedProcess    // nil without one
	Binary    *CheckedBinary     // nil: none was asked about, or it cannot be read
	Probes    []gobin.Probe      // where they would be in the binary
	Sampling  *CheckedSampling   // whether the process can be sampled; nil without one
	Coverage  []format.Coverage  // what a trace would have of each class of transitions
	Obstacles []Obstacle         // why it cannot be recorded; none: it can be
}

// CheckedProcess is a running process.
type CheckedProcess struct {
	PID      int
	NSPID    int // its number in its own PID namespace
	Name     string
	Started  time.Time
	Threads  int
	CPUQuota float64 // CPUs that its cgroups allow it, 0: no limit
}

// CheckedBinary is an executable or a library with Go code.
type CheckedBinary struct {
	Path    string // as the process has it
	Library bool   // the process's executable is not Go: its Go code is in this library
	Offsets string // where the runtime's struct offsets come from

	GoVersion string
	Tested    bool // this gosched was made with that Go version at hand: it is not newer
	BuildID   string
	Arch      string
	PIE, Cgo  bool
}

// Step is a step of Check: it says at what an obstacle was met.
type Step string

// The steps, in their order.
const (
	StepHost       Step = "host"       // what the machine is
	StepCaller     Step = "caller"     // what the caller may do
	StepNamespace  Step = "namespace"  // whose processes /proc shows
	StepClock      Step = "clock"      // whether the kernel's clock is the caller's
	StepPrivileges Step = "privileges" // what every recording takes
	StepKernel     Step = "kernel"     // what the kernel can do, by trying
	StepProcess    Step = "process"    // opening the process, finding its Go code
	StepReplaced   Step = "replaced"   // whether its file can be probed
	StepBinary     Step = "binary"     // what has to be known of the binary's runtime
	StepArch       Step = "arch"       // whether the binary is for this machine
	StepPlugin     Step = "plugin"     // whether the binary can be recorded by itself
	StepPrograms   Step = "programs"   // whether the kernel takes the programs for the binary
)

// Obstacle keeps something from being recorded.
type Obstacle struct {
	Step Step
	Err  error
}

// CheckOptions say what Check looks at beside the machine and the caller: one of them, or neither.
type CheckOptions struct {
	PID    int    // a running process; 0: none
	Binary string // the path of an executable; "": none
}

// Check finds out whether recording would work here, and records nothing: what the kernel can do is
// found by loading the programs. What cannot be read at all is an error.
func Check(opts CheckOptions) (*Checked, error) {
	c := new(Checked)
	if opts.PID != 0 {
		return c, c.process(opts.PID)
	}
	c.machine(nil)
	if opts.Binary != "" {
		return c, c.file(opts.Binary)
	}
	return c, nil
}

// CheckBinary is Check for a binary on a machine that was checked: of that it says nothing.
func CheckBinary(path string) (*Checked, error) {
	c := new(Checked)
	return c, c.file(path)
}

// Recordable says whether nothing stands in the way.
func (c *Checked) Recordable() bool { return len(c.Obstacles) == 0 }

func (c *Checked) met(step Step, err error) {
	c.Obstacles = append(c.Obstacles, Obstacle{Step: step, Err: err})
}

// Kernel says what the running kernel can do for a recording.
type Kernel struct {
	Danger    string              // what is known of the danger of probes here
	Fallbacks []fallback.Fallback // those that are needed here
	NoSamples error               // why no on-CPU samples can be taken; nil: they can
}

// probeKernel finds out what the running kernel can do, by loading the programs. The error says why
// nothing can be recorded.
func probeKernel() (Kernel, error) {
	p, err := kernel.Load(kernel.ProgramConfig{StackDepth: DefaultStackDepth, Kernel: true, Samples: true})
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Danger: p.Danger().String(), Fallbacks: p.Fallbacks(), NoSamples: p.TrySampling()}
	return k, errors.Join(p.Close(), kernel.ProbeNumbers())
}

// machine checks the kernel and the caller, whom a process that is to be recorded may have refused.
func (c *Checked) machine(refusal error) {
	host, err := target.ReadHost()
	if err != nil {
		c.met(StepHost, fmt.Errorf("the machine does not say what it is: %w", err))
	}
	c.Release = host.Kernel
	own, err := target.OwnPrivileges()
	if err != nil {
		c.met(StepCaller, err)
		return
	}
	c.Caller = &own
	if _, err := target.InRootPIDNamespace(); err != nil {
		c.met(StepNamespace, err)
		return
	}
	if err := target.CheckMonotonicClock(); err != nil {
		c.met(StepClock, err)
	}
	if err := target.CheckPrivileges(refusal); err != nil {
		c.met(StepPrivileges, err)
		return
	}
	able, err := probeKernel()
	if err != nil && !errors.Is(err, target.ErrPrivileges) && !errors.Is(err, ErrUnsupported) {
		err = fmt.Errorf("what the kernel can do could not be tried: %w", err)
	}
	if err != nil {
		c.met(StepKernel, err)
		return
	}
	c.Kernel = &able
}

// process checks a running process.
func (c *Checked) process(pid int) error {
	proc, err := target.Open(pid)
	c.machine(err)
	if err != nil {
		c.Sampling = &CheckedSampling{Why: err}
	}
	if errors.Is(err, target.ErrPrivileges) && slices.ContainsFunc(c.Obstacles, ofPrivileges) {
		return nil // that says it
	}
	if Unsupported(err) {
		c.met(StepProcess, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer proc.Close()
	return errors.Join(c.describe(proc), c.image(proc))
}

func ofPrivileges(o Obstacle) bool { return o.Step == StepPrivileges }

func (c *Checked) describe(proc *target.Process) error {
	name, err1 := proc.Comm()
	nspid, err2 := proc.NSPID()
	started, err3 := proc.Started()
	threads, err4 := proc.Threads()
	quota, err5 := proc.CPUQuota()
	c.Process = &CheckedProcess{
		PID: proc.PID(), NSPID: nspid, Name: name, Started: started.UTC(), Threads: len(threads), CPUQuota: quota,
	}
	return errors.Join(err1, err2, err3, err4, err5)
}

// image checks the Go code of a process.
func (c *Checked) image(proc *target.Process) error {
	found, err := image.Find(proc)
	if err != nil {
		c.Sampling = &CheckedSampling{Why: err}
	}
	if Unsupported(err) {
		c.met(StepProcess, err)
		return nil
	}
	if err != nil {
		return err
	}
	c.Sampling = sampling(proc, found)
	if err := found.Recordable(); err != nil {
		c.met(StepReplaced, err)
	}
	c.binary(found.Binary, found.Name)
	c.Binary.Library = found.Library
	return found.Close()
}

// file checks the executable at path.
func (c *Checked) file(path string) error {
	b, err := gobin.Open(path)
	if Unsupported(err) {
		c.met(StepBinary, err)
		return nil
	}
	if err != nil {
		return err
	}
	c.binary(b, path)
	return b.Close()
}

// binary checks an executable or library, called name to people.
func (c *Checked) binary(b *gobin.Binary, name string) {
	c.Binary = &CheckedBinary{
		Path: name, GoVersion: b.GoVersion, Tested: b.Tested(), BuildID: b.BuildID, Arch: b.Arch, PIE: b.PIE,
		Cgo: b.Cgo(),
	}
	if b.Arch != runtime.GOARCH {
		c.met(StepArch, fmt.Errorf("%s is built for %s and this machine is %s", name, b.Arch, runtime.GOARCH))
	}
	if b.Plugin() {
		c.met(StepPlugin, fmt.Errorf("%s is a Go plugin: it is recorded as a part of the program that opens it", name))
		return
	}
	c.runtime(b, name)
	if !c.Recordable() {
		return
	}
	if err := tryPrograms(b); err != nil {
		c.met(StepPrograms, err)
	}
}

// runtime checks what has to be known of the binary's Go runtime.
func (c *Checked) runtime(b *gobin.Binary, name string) {
	layout, layoutErr := b.Layout()
	c.Binary.Offsets = layout.Source
	_, reasonsErr := b.WaitReasons()
	_, allgsErr := b.AllGs()
	probes, coverage, probesErr := b.Probes()
	for _, err := range []error{layoutErr, reasonsErr, allgsErr, probesErr} {
		if err != nil {
			c.met(StepBinary, fmt.Errorf("%s: %w", name, err))
		}
	}
	c.Probes, c.Coverage = probes, coverage
}

// unsupported are the errors that say that a kernel, the caller's privileges or a target are not
// supported.
var unsupported = []error{
	ErrUnsupported, ErrOpenFiles, image.ErrSeveralRuntimes,
	gobin.ErrNotGo, gobin.ErrUnsupported, gobin.ErrDamaged,
	target.ErrForeignProc, target.ErrPrivileges,
}

// Unsupported says whether an error is about a kernel, privileges or a target that recording does
// not support, rather than about what was asked for.
func Unsupported(err error) bool {
	for _, u := range unsupported {
		if errors.Is(err, u) {
			return true
		}
	}
	return false
}
