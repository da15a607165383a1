// Package kernel is the kernel side of a recording: it loads the programs of package bpf, attaches
// them to the kernel's scheduler and to probe points, tells them which processes to watch, and
// hands over what they write.
//
// [Load] puts the programs into the kernel, or those for older kernels; [Programs] keeps them from
// one recording to the next. [Probes.Watch], [Probes.AttachKernel] and [Probes.AttachPoints] make
// them watch. [Probes.Drain] and [Probes.TakeLosses] take what they have to say, raw: what a record
// means is not known here. [Probes.Pause] takes some of them off for a while, [Probes.Resume] puts
// them on again, and [Probes.Hits] says how often they ran. [Probes.Silence] ends it.
//
// # Size
//
// What is here, some 1,700 lines, shares the loaded programs: their maps, their links and their
// rings. What is told of a process, and what a record means, is in packages above and beside it.
package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/gobin"
)

// ErrUnsupported is wrapped by errors that say that this kernel or this user cannot record.
var ErrUnsupported = errors.New("not supported here")

// Probes is the kernel side of a recording: the programs, where they are attached, and the rings
// they write to. It is not safe for concurrent use, but for AttachPoints, Detach, Vacate, Pause and
// Resume: those take time, in which the rings are to be drained.
type Probes struct {
	collection *ebpf.Collection
	rings      []*ringbuf.Reader
	records    ringbuf.Record
	subjects   *subjectTable
	losses     *ebpf.Memory // by CPU and subject
	hits       *ebpf.Memory // by CPU and slot
	lost       [MaxSubjects]bpf.GoschedLosses
	multi      bool  // attached all at once
	legacy     bool  // the programs are those for older kernels
	samplers   []int // perf events
	attached   attachments
	danger     Danger
	noSampler  error // why the kernel does not take the program for samples; nil: it does, or was not asked

	config ProgramConfig
	epoch  uint32 // the latest of any subject: see struct subject in state.h
}

// ProgramConfig is what the programs are loaded with, whatever they watch.
type ProgramConfig struct {
	StackDepth int
	Kernel     bool     // the kernel's scheduler is watched
	Samples    bool     // what runs on the CPUs may be sampled
	Fallbacks  []string // fall-backs to use even where the kernel can do better
}

// MaxSubjects is how many processes loaded programs can watch at once.
const MaxSubjects = int(bpf.GoschedBoundsMAX_SUBJECTS)

// SubjectConfig is what the programs must know of a process.
type SubjectConfig struct {
	Number     int // of the subject
	TGID       int // the process's number in the root namespace
	PID        int // and in the recorder's own
	Bias       uint64
	Offsets    bpf.GoschedOffsets
	Preempted  bool // goschedImpl's second argument says whether it was preempted
	Current    bool // all that changes a thread's goroutine is watched
	Proc       bool // all that changes a thread's P is watched
	GoIDs      bool // all that gives a g another id is watched
	Ranges     map[string]gobin.Func
	Callback   gobin.Callback // how frames lie where C calls Go
	GOMAXPROCS uint64         // address of runtime.gomaxprocs in the process; 0: not known
	Newprocs   uint64         // address of runtime.newprocs in the process; 0: not known
	Objects    uint64         // the wait reasons, a bit each, whose lock says what is waited for
	Semaphores uint64         // those of them for which the semaphore itself can be told
	Semaphore  gobin.Semaphore
}

// Load puts the programs into the kernel and makes sure that they may be attached. Nothing is
// attached yet.
func Load(cfg ProgramConfig) (*Probes, error) {
	if err := prepareLibrary(); err != nil {
		return nil, err
	}
	p, err := loadEither(cfg)
	if err != nil {
		return nil, err
	}
	if p.danger, err = findDanger(); err == nil && !slices.Contains(cfg.Fallbacks, fallback.SharedStacks) {
		err = p.danger.refusal()
	}
	if err == nil && !p.multi {
		err = checkPerfUprobes()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// loadEither loads the programs for older kernels where the kernel does not take the others.
func loadEither(cfg ProgramConfig) (*Probes, error) {
	if slices.Contains(cfg.Fallbacks, fallback.LegacyPrograms) {
		return loadVariant(bpf.LoadGoschedLegacy, cfg, true)
	}
	p, err := loadVariant(bpf.LoadGosched, cfg, false)
	if err == nil || forbidden(err) {
		return p, err
	}
	p, legacyErr := loadVariant(bpf.LoadGoschedLegacy, cfg, true)
	if legacyErr != nil {
		return nil, missing(errors.Join(legacyErr, err))
	}
	return p, nil
}

func loadVariant(read func() (*ebpf.CollectionSpec, error), cfg ProgramConfig, legacy bool) (*Probes, error) {
	spec, err := read()
	if err != nil {
		return nil, fmt.Errorf("read BPF object: %w", err)
	}
	if err := spec.Variables[bpf.GoschedVarStackDepth].Set(uint32(cfg.StackDepth)); err != nil {
		return nil, fmt.Errorf("set the stacks' depth in BPF object: %w", err)
	}
	cpus := ebpf.MustPossibleCPU()
	inner := &ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf, MaxEntries: ringSize(cpus)}
	spec.Maps[bpf.GoschedMapRings].MaxEntries = uint32(cpus)
	spec.Maps[bpf.GoschedMapRings].InnerMap = inner
	spec.Maps[bpf.GoschedMapLost].MaxEntries = uint32(cpus * MaxSubjects)
	spec.Maps[bpf.GoschedMapHits].MaxEntries = uint32(cpus) * uint32(bpf.GoschedBoundsHIT_SLOTS)
	spec.Maps[bpf.GoschedMapCpus].MaxEntries = uint32(cpus)
	if err := spec.Variables[bpf.GoschedVarCpuCount].Set(uint32(cpus)); err != nil {
		return nil, fmt.Errorf("set the number of CPUs in BPF object: %w", err)
	}
	multi := !slices.Contains(cfg.Fallbacks, fallback.PerfUprobes) && haveUprobeMulti()
	if multi {
		spec.Programs[bpf.GoschedProgTransition].AttachType = ebpf.AttachTraceUprobeMulti
	}
	if !cfg.Kernel {
		delete(spec.Programs, bpf.GoschedProgThreadSwitch)
		delete(spec.Programs, bpf.GoschedProgThreadWaking)
	}
	c, noSampler, err := loadSampling(spec, cfg.Samples)
	if err != nil {
		return nil, fmt.Errorf("load BPF programs: %w", explain(err))
	}
	p := &Probes{collection: c, multi: multi, legacy: legacy, config: cfg, noSampler: noSampler}
	p.subjects, err = openSubjects(spec, c)
	if err := errors.Join(err, p.openLosses(), p.openHits(), p.openRings(inner, cpus)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Watch tells the loaded programs of a process to watch. Until then they watch none.
func (p *Probes) Watch(cfg *SubjectConfig) error {
	p.epoch++
	err := p.subjects.set(cfg.Number, &bpf.GoschedSubject{
		Tgid:              uint32(cfg.TGID),
		Epoch:             p.epoch,
		AsyncPreempt:      code(cfg, "runtime.asyncPreempt2"),
		Gopreempt:         code(cfg, "runtime.gopreempt_m"),
		Cgocallback:       code(cfg, "runtime.cgocallback"),
		CallbackOpened:    cfg.Callback.Opened,
		CallbackCaller:    cfg.Callback.Caller,
		SystemstackSwitch: code(cfg, "runtime.systemstack_switch"),
		Offsets:           cfg.Offsets,
		PreemptedInArg1:   cfg.Preempted,
		KnowCurrent:       cfg.Current,
		KnowProc:          cfg.Proc,
		KnowGoids:         cfg.GoIDs,
		Gomaxprocs:        cfg.GOMAXPROCS,
		Newprocs:          cfg.Newprocs,
		ObjectReasons:     cfg.Objects,
		SemaphoreReasons:  cfg.Semaphores,
		Semacquire:        code(cfg, "runtime.semacquire1"),
		SemaphoreSlot:     cfg.Semaphore.Slot,
	})
	if err == nil {
		err = p.collection.Maps[bpf.GoschedMapSubjectNumbers].Put(uint32(cfg.TGID), uint32(cfg.Number))
	}
	if err == nil && cfg.Number > 0 {
		err = p.collection.Variables[bpf.GoschedVarSeveral].Set(true)
	}
	if err != nil {
		return fmt.Errorf("tell BPF programs of process %d: %w", cfg.PID, err)
	}
	return nil
}

// TellStarted has the programs tell of every process that begins a program and is not watched, or
// not any more.
func (p *Probes) TellStarted(tell bool) error {
	return p.collection.Variables[bpf.GoschedVarTellStarted].Set(tell)
}

// Watches says whether the programs still watch a subject: they do not after the process has
// replaced its program.
func (p *Probes) Watches(subject int) (bool, error) {
	tgid, err := p.subjects.tgid(subject)
	return err == nil && tgid != 0, err
}

// Forget has the programs forget what they remember of a subject's threads, goroutines and stacks,
// which is wrong after a time in which some moves were not seen.
func (p *Probes) Forget(subject int) error {
	p.epoch++
	return p.subjects.setEpoch(subject, p.epoch)
}

func code(cfg *SubjectConfig, function string) bpf.GoschedCode {
	f, ok := cfg.Ranges[function]
	if !ok {
		return bpf.GoschedCode{}
	}
	return bpf.GoschedCode{Begin: f.Entry + cfg.Bias, End: f.End + cfg.Bias}
}

// cookie tells the program whose a probe point is and what is special about it, as subject_in and
// point_of in goroutine.h read it.
func cookie(p *gobin.Probe, subject int) uint64 {
	flags := yields[p.Func]
	if p.Framed {
		flags |= bpf.GoschedPointFlagsPOINT_FRAMED
	}
	return uint64(p.Op) | uint64(p.Arg)<<8 | uint64(flags)<<16 | uint64(p.SPDelta)<<24 | uint64(subject)<<32
}

// yields says of the functions that goschedImpl may have been inlined into why a goroutine gets
// there. Of goschedImpl itself its argument says so, or its caller.
var yields = map[string]bpf.GoschedPointFlags{
	"runtime.gosched_m":           bpf.GoschedPointFlagsPOINT_YIELDS,
	"runtime.goschedguarded_m":    bpf.GoschedPointFlagsPOINT_YIELDS,
	"runtime.gopreempt_m":         bpf.GoschedPointFlagsPOINT_PREEMPTED,
	"runtime.asyncPreempt2.func1": bpf.GoschedPointFlagsPOINT_PREEMPTED,
}

// OneByOne says whether the programs are attached to each probe point by itself.
func (p *Probes) OneByOne() bool { return !p.multi }

// Close takes the programs off and out of the kernel.
func (p *Probes) Close() error {
	trials.Wait()
	err := p.detach()
	for _, r := range p.rings {
		err = errors.Join(err, r.Close())
	}
	p.collection.Close()
	return err
}
