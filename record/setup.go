package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/target"
)

// identify finds the process's number in the root PID namespace.
func (s *session) identify() error {
	root, err := target.InRootPIDNamespace()
	if err != nil {
		return err
	}
	if root {
		s.pid = int32(s.proc.PID())
		return nil
	}
	if s.numbers, err = openNumbers(s.proc.PID()); err != nil {
		return err
	}
	s.pid, _, err = s.numbers.read()
	if err != nil {
		return errors.Join(err, s.numbers.close())
	}
	return nil
}

// readBinary learns from the file with the Go runtime what will be attached where.
func (s *session) readBinary() error {
	found, err := image.Find(s.proc)
	if errors.Is(err, gobin.ErrNotGo) && s.opts.Ready != nil {
		err = fmt.Errorf("%w; should it load a Go library (-buildmode=c-shared), start it without gosched and "+
			"record it with -p once it has: at its start no library is in its memory", err)
	}
	if err != nil {
		return err
	}
	s.setImage(found)
	if err := s.readProbes(); err != nil {
		return errors.Join(err, s.modules.Close())
	}
	return nil
}

// setImage takes a process's Go code, and owns it.
func (s *session) setImage(found *image.Image) {
	s.image, s.binary, s.bias = found, found.Binary, found.Bias
	s.modules = image.NewModules(s.proc, found)
}

func (s *session) readProbes() error {
	if err := s.image.Recordable(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	points, covered, err := s.binary.Probes()
	if err != nil {
		return err
	}
	if s.choice, err = choose(points, covered, s.opts.Without); err != nil {
		return err
	}
	if err := s.lookForModules(); err != nil {
		return err
	}
	s.modules.LookForRuntimes()
	return checkBytes(s.image.Path, s.choice.points)
}

// checkBytes compares the instruction at every probe point with what was chosen. A probe that is
// not on an instruction's first byte would kill the process, and the kernel does not look.
func checkBytes(exe string, points []gobin.Probe) error {
	f, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range points {
		p := &points[i]
		have := make([]byte, len(p.Bytes))
		if _, err := f.ReadAt(have, int64(p.FileOffset)); err != nil {
			return fmt.Errorf("read %s+%#x in %s: %w", p.Func, p.FuncOffset, exe, err)
		}
		if len(have) == 0 || !bytes.Equal(have, p.Bytes) {
			return fmt.Errorf("%s+%#x is %x and not %x (%s): the file changed while it was read", p.Func, p.FuncOffset,
				have, p.Bytes, p.Insn)
		}
	}
	return nil
}

// openOutput creates the trace, so that a folder that is missing or not writable is found before
// anything else.
func (s *session) openOutput() error {
	s.offsetNS = target.MonotonicOffset()
	meta, err := s.describe()
	if err != nil {
		return err
	}
	s.meta = *meta
	rec, err := format.Create(s.opts.Output, s.meta, format.RecordingOptions{
		SegmentDuration: segmentDuration,
		Writer:          format.WriterOptions{ResolutionNS: timeResolutionNS},
	})
	if err != nil {
		return err
	}
	s.out = newWriter(rec, s.opts.Sink)
	waits, err := s.binary.WaitReasons()
	if err != nil {
		s.out.discard()
		return err
	}
	stops, err := s.binary.STWReasons()
	if err != nil {
		s.out.discard()
		return err
	}
	texts := newTexts(rec.Reasons(), waits, stops)
	r := &rows{pid: s.pid, offset: s.offsetNS, batch: &format.Batch{}, full: s.out.take}
	s.follow = newFollower(r, texts, s.newStacks(rec.Stacks(), rec.Reasons()))
	s.follow.withoutReady = !s.choice.sees(format.TransitionReady)
	s.follow.seesCreate = s.choice.sees(format.TransitionCreate)
	s.follow.lateIDs = s.binary.Version.Minor < 24
	return nil
}

// describe says everything about the recording that is known before it begins.
func (s *session) describe() (*format.Metadata, error) {
	host, err := target.ReadHost()
	if err != nil {
		return nil, err
	}
	process, err := s.describeProcess()
	if err != nil {
		return nil, err
	}
	m := &format.Metadata{
		SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, Recorder: s.opts.Recorder,
		Host: host.Name, Kernel: host.Kernel, Arch: runtime.GOARCH, CPUModel: host.CPUModel, CPUs: host.CPUs,
		Clock: "CLOCK_MONOTONIC", ClockOffsetNS: s.offsetNS, StartNS: now() + s.offsetNS,
		ClockSource: target.ClockSource(), ClockStepNS: target.ClockStep(format.CoarseClockNS),
		TimeResolutionNS: timeResolutionNS,
		Processes:        []format.Process{*process},
	}
	if s.choice.stacks {
		m.MaxStackDepth = s.opts.StackDepth
	}
	return m, nil
}

func (s *session) describeProcess() (*format.Process, error) {
	exe, err := s.proc.ExePath()
	if err != nil {
		return nil, err
	}
	args, err := s.proc.Cmdline()
	if err != nil {
		return nil, err
	}
	quota, err := s.proc.CPUQuota()
	if err != nil {
		return nil, err
	}
	return &format.Process{
		PID: s.pid, Command: strings.Join(args, " "), Executable: filepath.Clean(exe),
		GoVersion: s.binary.GoVersion, BuildID: s.binary.BuildID, GOMAXPROCS: s.gomaxprocs(),
		CPUQuota: quota, Coverage: s.choice.coverage, Modules: s.modules.Describe(),
	}, nil
}

// load prepares the kernel side and the reader of the process's memory.
func (s *session) load() error {
	layout, err := s.binary.Layout()
	if err != nil {
		return err
	}
	cfg, err := configOf(s.binary, &layout, s.choice)
	if err != nil {
		return err
	}
	cfg.tgid, cfg.pid = int(s.pid), s.proc.PID()
	cfg.bias, cfg.fallbacks = s.bias, s.opts.Fallbacks
	if addr, ok := s.binary.GOMAXPROCSAddr(); ok {
		cfg.gomaxprocs = addr + s.bias
	}
	if addr, ok := s.binary.NewprocsAddr(); ok {
		cfg.newprocs = addr + s.bias
	}
	if s.choice.stacks {
		cfg.stackDepth = s.opts.StackDepth
	}
	if err := s.openReader(); err != nil {
		return err
	}
	if s.probes, err = s.opts.Programs.load(cfg); err != nil {
		return err
	}
	s.config, s.order = cfg, newOrderer(len(s.probes.rings))
	s.order.ties = newTies(s.meta.ClockStepNS)
	return nil
}

// configOf is what the programs must know of an executable.
func configOf(b *gobin.Binary, layout *gobin.Layout, c *choice) (*programConfig, error) {
	offsets, err := programOffsets(layout)
	if err != nil {
		return nil, err
	}
	cfg := &programConfig{
		layout:    offsets,
		preempted: b.Version.Minor >= 22, // go1.22 src/runtime/proc.go, goschedImpl
		ranges:    map[string]gobin.Func{},
		current: c.sees(format.TransitionRun, format.TransitionPark, format.TransitionYield, format.TransitionExit,
			format.TransitionSyscalls, format.TransitionCoroutines, format.TransitionCgo),
		proc:   c.sees(format.TransitionRun, format.TransitionSyscalls, format.TransitionCgo, format.TransitionGC),
		goids:  c.sees(format.TransitionCreate, format.TransitionExit, format.TransitionCoroutines),
		kernel: c.kernel,
	}
	if callback, ok := b.Callback(); ok {
		cfg.callback = callback
		cfg.ranges["runtime.cgocallback"] = callback.Code
	}
	for _, name := range []string{"runtime.asyncPreempt2", "runtime.gopreempt_m", "runtime.systemstack_switch"} {
		if f, ok := b.Func(name); ok {
			cfg.ranges[name] = f
		}
	}
	return cfg, nil
}

// tryPrograms asks the kernel whether it takes the programs for an executable, and attaches
// nothing.
func tryPrograms(b *gobin.Binary) error {
	points, covered, err := b.Probes()
	if err != nil {
		return err
	}
	c, err := choose(points, covered, nil)
	if err != nil {
		return err
	}
	layout, err := b.Layout()
	if err != nil {
		return err
	}
	cfg, err := configOf(b, &layout, c)
	if err != nil {
		return err
	}
	cfg.stackDepth = DefaultStackDepth
	p, err := load(cfg)
	if err != nil {
		return err
	}
	return p.close()
}

func (s *session) attach() error {
	if err := s.probes.attach(s.image.Path, s.choice.points, s.config); err != nil {
		return err
	}
	return s.attachModules()
}

// gBytes is how much of a g the programs read: G_BYTES in state.h.
const gBytes = 192

// programOffsets checks that this Go version's structs are as the programs take them to be.
func programOffsets(l *gobin.Layout) (bpf.GoschedOffsets, error) {
	g, m := &l.G, &l.M
	o := bpf.GoschedOffsets{
		G_stackLo: small(g.StackLo), G_stackHi: small(g.StackHi), G_m: small(g.M),
		G_schedSp: small(g.SchedSP), G_schedPc: small(g.SchedPC), G_schedBp: small(g.SchedBP),
		G_goid: small(g.GoID), G_schedlink: small(g.SchedLink), G_waitreason: small(g.WaitReason),
		G_coroarg: small(g.CoroArg), G_coroexit: small(g.CoroExit),
		M_g0: small(m.G0), M_curg: small(m.CurG), M_p: small(m.P), P_id: small(l.P.ID),
	}
	for _, at := range []uint16{
		o.G_stackLo, o.G_stackHi, o.G_m, o.G_schedSp, o.G_schedPc, o.G_schedBp, o.G_goid, o.G_schedlink, o.G_waitreason,
	} {
		if at+8 > gBytes {
			return o, fmt.Errorf("%w: a field of the runtime's g is at %d, where the programs do not look",
				ErrUnsupported, at)
		}
	}
	return o, nil
}

// small is an offset as the programs have it.
func small(offset int32) uint16 { return uint16(offset) }

// threadIDs maps the ids that the process sees to those of the root namespace; to those of the
// mounted /proc where no recording asked for others.
func (s *session) threadIDs() (map[int32]int32, error) {
	if s.numbers != nil {
		_, tids, err := s.numbers.read()
		return tids, err
	}
	threads, err := s.proc.Threads()
	if err != nil {
		return nil, err
	}
	ids := make(map[int32]int32, len(threads))
	for _, t := range threads {
		ids[int32(t.NSTID)] = int32(t.TID)
	}
	return ids, nil
}
