package kernel

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf/link"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
)

// AttachPoints puts the program for transitions on probe points of a file, which the process has at
// the configuration's bias. It may be called while the rings are drained, also for several subjects
// at once.
func (p *Probes) AttachPoints(exe string, points []gobin.Probe, cfg *SubjectConfig) error {
	if err := p.announce(points, cfg); err != nil {
		return err
	}
	ex, err := link.OpenExecutable(exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", exe, err)
	}
	a := &attachment{points: points, cfg: cfg}
	for _, group := range []Group{GroupGoroutines, GroupSyscalls} {
		of := slices.DeleteFunc(slices.Clone(points), func(p gobin.Probe) bool { return groupOf(p.Op) != group })
		switch {
		case len(of) == 0:
		case p.multi:
			a.parts = append(a.parts, part{group: group, again: p.multiLink(ex, of, cfg)})
		default:
			for i := range of {
				a.parts = append(a.parts, part{group: group, again: p.oneLink(ex, &of[i], cfg)})
			}
		}
	}
	return p.attached.add(a)
}

// Detach takes the probes of a subject off, which takes the kernel tens of milliseconds or more. It
// may be called while the rings are drained.
func (p *Probes) Detach(subject int) error {
	var errs []error
	for _, a := range p.attached.take(subject) {
		errs = append(errs, a.close(), p.unannounce(a.points, a.cfg))
	}
	return errors.Join(errs...)
}

// place is where the programs for older kernels look a probe point up.
func place(p *gobin.Probe, cfg *SubjectConfig) bpf.GoschedLegacyPlace {
	return bpf.GoschedLegacyPlace{Ip: p.Addr + cfg.Bias, Tgid: uint32(cfg.TGID)}
}

// announce tells the programs for older kernels what is special about probe points, which they look
// up by address.
func (p *Probes) announce(points []gobin.Probe, cfg *SubjectConfig) error {
	if !p.legacy {
		return nil
	}
	for i := range points {
		at := place(&points[i], cfg)
		if err := p.collection.Maps[bpf.GoschedLegacyMapPoints].Put(at, cookie(&points[i], cfg.Number)); err != nil {
			return fmt.Errorf("tell BPF programs of %s+%#x: %w", points[i].Func, points[i].FuncOffset, err)
		}
	}
	return nil
}

// unannounce has them forget, so that there is room for others.
func (p *Probes) unannounce(points []gobin.Probe, cfg *SubjectConfig) error {
	if !p.legacy {
		return nil
	}
	var errs []error
	for i := range points {
		errs = append(errs, drop(p.collection.Maps[bpf.GoschedLegacyMapPoints], place(&points[i], cfg)))
	}
	return errors.Join(errs...)
}

// multiLink attaches to all points at once.
func (p *Probes) multiLink(ex *link.Executable, points []gobin.Probe, cfg *SubjectConfig) func() (io.Closer, error) {
	opts := &link.UprobeMultiOptions{PID: uint32(cfg.PID)}
	for i := range points {
		opts.Addresses = append(opts.Addresses, points[i].FileOffset)
		if !p.legacy {
			opts.Cookies = append(opts.Cookies, cookie(&points[i], cfg.Number))
		}
	}
	return func() (io.Closer, error) {
		l, err := ex.UprobeMulti(nil, p.collection.Programs[bpf.GoschedProgTransition], opts)
		if err != nil {
			return nil, fmt.Errorf("attach uprobes: %w", explain(err))
		}
		return l, nil
	}
}

// oneLink attaches to one point, as kernels without uprobe_multi want it.
func (p *Probes) oneLink(ex *link.Executable, point *gobin.Probe, cfg *SubjectConfig) func() (io.Closer, error) {
	opts := &link.UprobeOptions{Address: point.FileOffset, PID: cfg.PID}
	if !p.legacy {
		opts.Cookie = cookie(point, cfg.Number)
	}
	return func() (io.Closer, error) {
		l, err := ex.Uprobe(point.Func, p.collection.Programs[bpf.GoschedProgTransition], opts)
		if err != nil {
			return nil, fmt.Errorf("attach uprobe to %s+%#x: %w", point.Func, point.FuncOffset, explain(err))
		}
		return l, nil
	}
}

// detach takes all programs off; what they have written can still be drained.
func (p *Probes) detach() error {
	errs := []error{p.stopSampling()}
	for _, a := range p.attached.take(allSubjects) {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}

// AttachKernel puts the programs on the kernel's scheduler, before any probe point so that threads
// are known early.
func (p *Probes) AttachKernel() error {
	if p.legacy {
		if err := p.attachTracepoint(groupLife, "sched_process_exit", bpf.GoschedLegacyProgThreadExit); err != nil {
			return err
		}
	}
	if err := p.attachTracepoint(groupLife, "sched_process_exec", bpf.GoschedProgProcessExec); err != nil {
		return err
	}
	if !p.config.Kernel {
		return nil
	}
	if err := p.resetCPUs(); err != nil {
		return err
	}
	if err := p.attachTracepoint(GroupThreads, "sched_switch", bpf.GoschedProgThreadSwitch); err != nil {
		return err
	}
	return p.attachTracepoint(GroupThreads, "sched_waking", bpf.GoschedProgThreadWaking)
}

func (p *Probes) attachTracepoint(group Group, name, program string) error {
	again := func() (io.Closer, error) {
		opts := link.RawTracepointOptions{Name: name, Program: p.collection.Programs[program]}
		l, err := link.AttachRawTracepoint(opts)
		if err != nil {
			return nil, fmt.Errorf("attach to tracepoint %s: %w", name, explain(err))
		}
		return l, nil
	}
	return p.attached.add(&attachment{parts: []part{{group: group, again: again}}})
}
