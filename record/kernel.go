package record

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
)

// ErrUnsupported is wrapped by errors that say that this kernel or this user cannot record.
var ErrUnsupported = errors.New("not supported here")

const (
	// ringBytes is the memory of all ring buffers together.
	ringBytes    = 64 << 20
	minRingBytes = 256 << 10
	maxRingBytes = 16 << 20
)

// probes is the kernel side of a recording: the programs, where they are attached, and the rings they write to.
// It is not safe for concurrent use.
type probes struct {
	collection *ebpf.Collection
	rings      []*ringbuf.Reader
	links      []link.Link
	records    ringbuf.Record
	lost       bpf.GoschedLosses
	multi      bool // attached all at once
}

// programConfig is what the programs must know of the process.
type programConfig struct {
	pid        int
	bias       uint64
	stackDepth int
	layout     bpf.GoschedOffsets
	preempted  bool // goschedImpl's second argument says whether it was preempted
	current    bool // all that changes a thread's goroutine is watched
	goids      bool // all that gives a g another id is watched
	ranges     map[string]gobin.Func
	multi      bool // attach with uprobe_multi
}

// load puts the programs into the kernel. Nothing is attached yet.
func load(cfg *programConfig) (*probes, error) {
	spec, err := bpf.LoadGosched()
	if err != nil {
		return nil, fmt.Errorf("read BPF object: %w", err)
	}
	if err := configure(spec, cfg); err != nil {
		return nil, err
	}
	cpus := ebpf.MustPossibleCPU()
	inner := &ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf, MaxEntries: ringSize(cpus)}
	spec.Maps[bpf.GoschedMapRings].MaxEntries = uint32(cpus)
	spec.Maps[bpf.GoschedMapRings].InnerMap = inner
	if cfg.multi {
		spec.Programs[bpf.GoschedProgTransition].AttachType = ebpf.AttachTraceUprobeMulti
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load BPF programs: %w", explain(err))
	}
	p := &probes{collection: c, multi: cfg.multi}
	if err := p.openRings(inner, cpus); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func configure(spec *ebpf.CollectionSpec, cfg *programConfig) error {
	for name, value := range map[string]any{
		bpf.GoschedVarTargetTgid:        uint32(cfg.pid),
		bpf.GoschedVarStackDepth:        uint32(cfg.stackDepth),
		bpf.GoschedVarPreemptedInArg1:   cfg.preempted,
		bpf.GoschedVarKnowCurrent:       cfg.current,
		bpf.GoschedVarKnowGoids:         cfg.goids,
		bpf.GoschedVarOffsets:           cfg.layout,
		bpf.GoschedVarAsyncPreempt:      code(cfg, "runtime.asyncPreempt2"),
		bpf.GoschedVarGopreempt:         code(cfg, "runtime.gopreempt_m"),
		bpf.GoschedVarCgocallback:       code(cfg, "runtime.cgocallback"),
		bpf.GoschedVarSystemstackSwitch: code(cfg, "runtime.systemstack_switch"),
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s in BPF object: %w", name, err)
		}
	}
	return nil
}

func code(cfg *programConfig, function string) bpf.GoschedCode {
	f, ok := cfg.ranges[function]
	if !ok {
		return bpf.GoschedCode{}
	}
	return bpf.GoschedCode{Begin: f.Entry + cfg.bias, End: f.End + cfg.bias}
}

// ringSize is the largest power of two that keeps all rings together within bounds.
func ringSize(cpus int) uint32 {
	size := maxRingBytes
	for size*cpus > ringBytes && size > minRingBytes {
		size /= 2
	}
	return uint32(size)
}

func (p *probes) openRings(inner *ebpf.MapSpec, cpus int) error {
	for cpu := range cpus {
		m, err := ebpf.NewMap(inner)
		if err != nil {
			return fmt.Errorf("create ring buffer: %w", explain(err))
		}
		err = p.collection.Maps[bpf.GoschedMapRings].Put(uint32(cpu), m)
		if err == nil {
			var r *ringbuf.Reader
			if r, err = ringbuf.NewReader(m); err == nil {
				p.rings = append(p.rings, r)
			}
		}
		if err := errors.Join(err, m.Close()); err != nil { // the kernel's array keeps the ring
			return fmt.Errorf("open ring buffer of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// attach puts the programs on their probe points, the kernel's scheduler first so that threads are known early.
func (p *probes) attach(exe string, points []gobin.Probe, pid int, kernel bool) error {
	if err := p.attachTracepoint("sched_process_exec", bpf.GoschedProgProcessExec); err != nil {
		return err
	}
	if kernel {
		if err := p.attachTracepoint("sched_switch", bpf.GoschedProgThreadSwitch); err != nil {
			return err
		}
		if err := p.attachTracepoint("sched_waking", bpf.GoschedProgThreadWaking); err != nil {
			return err
		}
	}
	if p.multi {
		return p.attachMulti(exe, points, pid)
	}
	return p.attachPerf(exe, points, pid)
}

func (p *probes) attachTracepoint(name, program string) error {
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: p.collection.Programs[program]})
	if err != nil {
		return fmt.Errorf("attach to tracepoint %s: %w", name, explain(err))
	}
	p.links = append(p.links, l)
	return nil
}

// attachMulti attaches to all points at once.
func (p *probes) attachMulti(exe string, points []gobin.Probe, pid int) error {
	ex, err := link.OpenExecutable(exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", exe, err)
	}
	opts := &link.UprobeMultiOptions{PID: uint32(pid)}
	for i := range points {
		opts.Addresses = append(opts.Addresses, points[i].FileOffset)
		opts.Cookies = append(opts.Cookies, cookie(&points[i]))
	}
	l, err := ex.UprobeMulti(nil, p.collection.Programs[bpf.GoschedProgTransition], opts)
	if err != nil {
		return fmt.Errorf("attach uprobes: %w", explain(err))
	}
	p.links = append(p.links, l)
	return nil
}

// attachPerf attaches to each point by itself, as kernels without uprobe_multi want it.
func (p *probes) attachPerf(exe string, points []gobin.Probe, pid int) error {
	ex, err := link.OpenExecutable(exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", exe, err)
	}
	for i := range points {
		opts := &link.UprobeOptions{Address: points[i].FileOffset, PID: pid, Cookie: cookie(&points[i])}
		l, err := ex.Uprobe(points[i].Func, p.collection.Programs[bpf.GoschedProgTransition], opts)
		if err != nil {
			return fmt.Errorf("attach uprobe to %s+%#x: %w", points[i].Func, points[i].FuncOffset, explain(err))
		}
		p.links = append(p.links, l)
	}
	return nil
}

// cookie tells the program what is special about a probe point, as point_of in gosched.c reads it.
func cookie(p *gobin.Probe) uint64 {
	flags := yields[p.Func]
	if p.Framed {
		flags |= bpf.GoschedPointFlagsPOINT_FRAMED
	}
	return uint64(p.Op) | uint64(p.Arg)<<8 | uint64(flags)<<16 | uint64(p.SPDelta)<<24
}

// yields says of the functions that goschedImpl may have been inlined into why a goroutine gets there. Of goschedImpl
// itself its argument says so, or its caller.
var yields = map[string]bpf.GoschedPointFlags{
	"runtime.gosched_m":           bpf.GoschedPointFlagsPOINT_YIELDS,
	"runtime.goschedguarded_m":    bpf.GoschedPointFlagsPOINT_YIELDS,
	"runtime.gopreempt_m":         bpf.GoschedPointFlagsPOINT_PREEMPTED,
	"runtime.asyncPreempt2.func1": bpf.GoschedPointFlagsPOINT_PREEMPTED,
}

// detach takes the programs off; what they have written can still be drained.
func (p *probes) detach() error {
	var errs []error
	for _, l := range slices.Backward(p.links) {
		errs = append(errs, l.Close())
	}
	p.links = nil
	return errors.Join(errs...)
}

func (p *probes) close() error {
	err := p.detach()
	for _, r := range p.rings {
		err = errors.Join(err, r.Close())
	}
	p.collection.Close()
	return err
}

// ringHeader is what the kernel puts before each record in a ring.
const ringHeader = 8

// drain hands every record that is in a ring now to take, ring by ring. What comes meanwhile is for the next time.
func (p *probes) drain(take func(ring int, raw []byte) error) error {
	past := time.Unix(1, 0)
	for i, r := range p.rings {
		left := r.AvailableBytes()
		r.SetDeadline(past)
		for ; left > 0; left -= len(p.records.RawSample) + ringHeader {
			err := r.ReadInto(&p.records)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return fmt.Errorf("read ring buffer of CPU %d: %w", i, err)
			}
			if err := take(i, p.records.RawSample); err != nil {
				return err
			}
		}
	}
	return nil
}

// losses is how much has not fitted into the rings since the last call.
func (p *probes) losses() (events, stacks int64, err error) {
	var perCPU []bpf.GoschedLosses
	if err := p.collection.Maps[bpf.GoschedMapLost].Lookup(uint32(0), &perCPU); err != nil {
		return 0, 0, fmt.Errorf("read losses: %w", err)
	}
	var sum bpf.GoschedLosses
	for i := range perCPU {
		sum.Events += perCPU[i].Events
		sum.Stacks += perCPU[i].Stacks
	}
	events, stacks = int64(sum.Events-p.lost.Events), int64(sum.Stacks-p.lost.Stacks)
	p.lost = sum
	return events, stacks, nil
}

// explain adds what a kernel's refusal usually means.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: the kernel refuses (%w); recording needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE", ErrUnsupported, err)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}

// Kernel says what the running kernel can do for a recording.
type Kernel struct {
	UprobeMulti bool   // one attachment for all probe points, filtered by process
	Missing     string // what is missing, a sentence; empty when it can record
}

// ProbeKernel finds out what the running kernel can do, by trying.
func ProbeKernel() Kernel {
	k := Kernel{UprobeMulti: haveUprobeMulti()}
	for _, need := range []struct {
		have error
		what string
	}{
		{features.HaveMapType(ebpf.RingBuf), "BPF ring buffers (Linux 5.8)"},
		{features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie), "uprobe cookies (Linux 5.15)"},
		{features.HaveProgramHelper(ebpf.Kprobe, asm.FnLoop), "bpf_loop (Linux 5.17)"},
	} {
		if need.have != nil {
			k.Missing = fmt.Sprintf("no %s: %v", need.what, need.have)
			return k
		}
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		k.Missing = "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
	}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		k.Missing = "recording is for amd64 and arm64"
	}
	return k
}

// haveUprobeMulti says whether uprobe_multi is there and filters by process, not by thread, which it does from Linux 6.10 on
// (commit 46ba0e49b642). The same release brought bpf_preempt_disable, whose presence therefore stands for it.
func haveUprobeMulti() bool {
	return features.HaveBPFLinkUprobeMulti() == nil && haveKfunc("bpf_preempt_disable")
}

// haveKfunc says whether the kernel has a function that programs may call.
func haveKfunc(name string) bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var fn *btf.Func
	return spec.TypeByName(name, &fn) == nil
}
