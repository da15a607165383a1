package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/stacks"
	"github.com/gosched/gosched/record/target"
)

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
	if err := s.describe(); err != nil {
		return err
	}
	rec, err := s.createTrace()
	if err != nil {
		return err
	}
	s.out = newWriter(rec, s.opts.Sink)
	s.rows = &rows{offset: s.offsetNS, batch: &format.Batch{}, full: s.out.take}
	s.reasons, s.stacks, s.room = rec.Reasons(), rec.Stacks(), stacks.NewRoom()
	if err := s.each((*subject).openTables); err != nil {
		s.out.discard()
		return err
	}
	s.share()
	return nil
}

// segmentDuration is how long segments are.
func (s *session) segmentDuration() time.Duration {
	if s.opts.Sampling.on() {
		return sampledSegment
	}
	return segmentDuration
}

// createTrace makes the trace's file, or what keeps the last of it.
func (s *session) createTrace() (trace, error) {
	opts := format.WriterOptions{ResolutionNS: timeResolutionNS}
	if s.opts.Keep != nil {
		return s.opts.Keep, s.opts.Keep.Start(opts)
	}
	rec, err := format.Create(s.opts.Output, s.meta, format.RecordingOptions{
		SegmentDuration: s.segmentDuration(), Writer: opts,
	})
	return traceFile{rec}, err
}

// describe says everything about the recording that is known before it begins.
func (s *session) describe() error {
	host, err := target.ReadHost()
	if err != nil {
		return err
	}
	if err := s.each((*subject).describe); err != nil {
		return err
	}
	source := format.SourceEBPF
	if s.opts.Sampling.on() {
		source = format.SourceMemory
	}
	s.meta = format.Metadata{
		SchemaVersion: format.SchemaVersion, Source: source, Recorder: s.opts.Recorder,
		Host: host.Name, Kernel: host.Kernel, Arch: runtime.GOARCH, CPUModel: host.CPUModel, CPUs: host.CPUs,
		Clock: "CLOCK_MONOTONIC", ClockOffsetNS: s.offsetNS, StartNS: now() + s.offsetNS,
		ClockSource: target.ClockSource(), ClockStepNS: target.ClockStep(format.CoarseClockNS),
		TimeResolutionNS: timeResolutionNS,
		MaxStackDepth:    s.depth, Processes: s.processes(),
	}
	return nil
}

// processes is what the trace says of the processes now.
func (s *session) processes() []format.Process {
	var all []format.Process
	for _, sub := range s.all {
		all = append(all, sub.process())
	}
	return all
}

// fallbacks is what the trace says of the fall-backs in use.
func (s *session) fallbacks() []format.Fallback {
	var used []format.Fallback
	for _, f := range s.probes.Fallbacks() {
		forced := slices.Contains(s.opts.Fallbacks, f.Name)
		used = append(used, format.Fallback{Name: f.Name, Does: f.Does, Forced: forced})
	}
	return used
}

// load prepares the kernel side and the readers of the processes' memory.
func (s *session) load() error {
	if s.opts.Sampling.on() {
		return s.openSampled()
	}
	if err := s.each((*subject).configure); err != nil {
		return err
	}
	programs := kernel.ProgramConfig{
		StackDepth: s.depth, Kernel: !slices.Contains(s.opts.Without, format.TransitionKernel),
		Samples: s.opts.samplePeriod() != 0, Fallbacks: s.opts.Fallbacks,
	}
	var err error
	if s.probes, err = s.opts.Programs.Load(programs); err != nil {
		return err
	}
	s.meta.Fallbacks = s.fallbacks()
	s.order = newOrderer(s.probes.Rings(), s.meta.ClockStepNS)
	if s.governing, err = s.newGoverning(); err != nil {
		return errors.Join(err, s.opts.Programs.Release(s.probes))
	}
	return nil
}

// configOf is what the programs must know of an executable.
func configOf(b *gobin.Binary, layout *gobin.Layout, c *choice) (*kernel.SubjectConfig, error) {
	offsets, err := kernel.Offsets(layout)
	if err != nil {
		return nil, err
	}
	cfg := &kernel.SubjectConfig{
		Offsets:   offsets,
		Preempted: b.Version.Minor >= 22, // go1.22 src/runtime/proc.go, goschedImpl
		Ranges:    map[string]gobin.Func{},
		Current: c.sees(format.TransitionRun, format.TransitionPark, format.TransitionYield, format.TransitionExit,
			format.TransitionSyscalls, format.TransitionCoroutines, format.TransitionCgo),
		Proc:  c.sees(format.TransitionRun, format.TransitionSyscalls, format.TransitionCgo, format.TransitionGC),
		GoIDs: c.sees(format.TransitionCreate, format.TransitionExit, format.TransitionCoroutines),
	}
	waits, err := b.WaitReasons()
	if err != nil {
		return nil, err
	}
	c.setObjects(cfg, b, layout, waits)
	if callback, ok := b.Callback(); ok {
		cfg.Callback = callback
		cfg.Ranges["runtime.cgocallback"] = callback.Code
	}
	for _, name := range []string{"runtime.asyncPreempt2", "runtime.gopreempt_m", "runtime.systemstack_switch"} {
		if f, ok := b.Func(name); ok {
			cfg.Ranges[name] = f
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
	c, err := choosePoints(points, covered, &Options{})
	if err != nil {
		return err
	}
	layout, err := b.Layout()
	if err != nil {
		return err
	}
	if _, err := configOf(b, &layout, c); err != nil {
		return err
	}
	p, err := kernel.Load(kernel.ProgramConfig{StackDepth: DefaultStackDepth, Kernel: c.kernel})
	if err != nil {
		return err
	}
	return p.Close()
}

// attach puts the programs on the kernel's scheduler and into the processes.
func (s *session) attach() error {
	if s.probes == nil {
		return nil
	}
	for _, sub := range s.subjects {
		if err := sub.register(); err != nil {
			return err
		}
	}
	heldBack, err := s.governing.heldBack()
	if err != nil {
		return err
	}
	if err := s.probes.TellStarted(s.come != nil); err != nil {
		return err
	}
	if err := s.probes.AttachKernel(); err != nil {
		return err
	}
	if err := s.each((*subject).attach); err != nil {
		return err
	}
	if !heldBack {
		s.sample()
	}
	return nil
}
