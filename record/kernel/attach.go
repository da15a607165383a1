package kernel

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf/link"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
)

// attachment is the program for transitions on probe points of a file, for one subject. The kernel
// puts a probe into the memory of that subject's process alone: others that run the same file pay
// nothing.
type attachment struct {
	exe    string // opens the file
	points []gobin.Probe
	cfg    *SubjectConfig
	links  []link.Link // one, or one a point
}

// close takes the program off.
func (a *attachment) close() error {
	var errs []error
	for _, l := range slices.Backward(a.links) {
		errs = append(errs, l.Close())
	}
	a.links = nil
	return errors.Join(errs...)
}

// attachments are those of all subjects. They are safe for concurrent use.
type attachments struct {
	mu   sync.Mutex
	list []*attachment
}

func (as *attachments) add(a *attachment) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = append(as.list, a)
}

// take removes those of a subject from the list, or all with a negative number.
func (as *attachments) take(subject int) []*attachment {
	as.mu.Lock()
	defer as.mu.Unlock()
	var taken, left []*attachment
	for _, a := range as.list {
		if subject < 0 || a.cfg.Number == subject {
			taken = append(taken, a)
		} else {
			left = append(left, a)
		}
	}
	as.list = left
	return taken
}

// AttachPoints puts the program for transitions on probe points of a file, which the process has at
// the configuration's bias. It may be called while the rings are drained, also for several subjects
// at once.
func (p *Probes) AttachPoints(exe string, points []gobin.Probe, cfg *SubjectConfig) error {
	if err := p.announce(points, cfg); err != nil {
		return err
	}
	a := &attachment{exe: exe, points: points, cfg: cfg}
	attach := p.attachPerf
	if p.multi {
		attach = p.attachMulti
	}
	if err := attach(a); err != nil {
		return errors.Join(err, a.close())
	}
	p.attached.add(a)
	return nil
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

// attachMulti attaches to all points at once.
func (p *Probes) attachMulti(a *attachment) error {
	ex, err := link.OpenExecutable(a.exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", a.exe, err)
	}
	opts := &link.UprobeMultiOptions{PID: uint32(a.cfg.PID)}
	for i := range a.points {
		opts.Addresses = append(opts.Addresses, a.points[i].FileOffset)
		if !p.legacy {
			opts.Cookies = append(opts.Cookies, cookie(&a.points[i], a.cfg.Number))
		}
	}
	l, err := ex.UprobeMulti(nil, p.collection.Programs[bpf.GoschedProgTransition], opts)
	if err != nil {
		return fmt.Errorf("attach uprobes: %w", explain(err))
	}
	a.links = append(a.links, l)
	return nil
}

// attachPerf attaches to each point by itself, as kernels without uprobe_multi want it.
func (p *Probes) attachPerf(a *attachment) error {
	ex, err := link.OpenExecutable(a.exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", a.exe, err)
	}
	for i := range a.points {
		point := &a.points[i]
		opts := &link.UprobeOptions{Address: point.FileOffset, PID: a.cfg.PID}
		if !p.legacy {
			opts.Cookie = cookie(point, a.cfg.Number)
		}
		l, err := ex.Uprobe(point.Func, p.collection.Programs[bpf.GoschedProgTransition], opts)
		if err != nil {
			return fmt.Errorf("attach uprobe to %s+%#x: %w", point.Func, point.FuncOffset, explain(err))
		}
		a.links = append(a.links, l)
	}
	return nil
}

// detach takes all programs off; what they have written can still be drained.
func (p *Probes) detach() error {
	errs := []error{p.stopSampling()}
	for _, a := range slices.Backward(p.attached.take(-1)) {
		errs = append(errs, a.close())
	}
	for _, l := range slices.Backward(p.links) {
		errs = append(errs, l.Close())
	}
	p.links = nil
	return errors.Join(errs...)
}
