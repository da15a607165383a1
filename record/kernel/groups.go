package kernel

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
)

// Group is what is attached and taken off together while the programs stay loaded.
type Group uint8

// The groups.
const (
	groupLife       Group = iota // of processes and threads: never taken off before the end, rarely hit
	GroupGoroutines              // probe points of all moves of goroutines but into system calls and back at once
	GroupSyscalls                // those of system calls
	GroupThreads                 // the kernel's scheduler
	GroupSamples                 // the CPUs' clocks

	NumGroups = iota
)

// Groups are those that can be taken off.
func Groups() []Group { return []Group{GroupGoroutines, GroupSyscalls, GroupThreads, GroupSamples} }

// groupOf is the group of a probe point.
func groupOf(op gobin.Op) Group {
	switch op {
	case gobin.OpSyscallEnter, gobin.OpSyscallBlock, gobin.OpSyscallExit:
		return GroupSyscalls
	}
	return GroupGoroutines
}

// attachment is the program for transitions on probe points of a file, for one subject, or one on the
// kernel's scheduler. The kernel puts a probe into the memory of that subject's process alone:
// others that run the same file pay nothing.
type attachment struct {
	cfg    *SubjectConfig // nil: it is for all
	points []gobin.Probe
	parts  []part
}

// part is one link to the kernel.
type part struct {
	group Group
	again func() (io.Closer, error) // attaches it
	link  io.Closer                 // nil: it is off
}

// attach attaches what may be on and is not.
func (a *attachment) attach(off *[NumGroups]bool) error {
	for i := range a.parts {
		part := &a.parts[i]
		if part.link != nil || off[part.group] {
			continue
		}
		l, err := part.again()
		if err != nil {
			return err
		}
		part.link = l
	}
	return nil
}

// loose gives the links that are of groups which are off, and forgets them.
func (a *attachment) loose(off *[NumGroups]bool) (links []io.Closer) {
	for i := range a.parts {
		if part := &a.parts[i]; part.link != nil && off[part.group] {
			links = append(links, part.link)
			part.link = nil
		}
	}
	return links
}

// everything is all groups, as off.
var everything = func() (off [NumGroups]bool) {
	for i := range off {
		off[i] = true
	}
	return off
}()

// close takes everything off.
func (a *attachment) close() error { return closeAll(a.loose(&everything)) }

// attachments are those of all subjects. They are safe for concurrent use.
type attachments struct {
	mu   sync.Mutex
	off  [NumGroups]bool // what is not to be attached for now
	list []*attachment
}

// add attaches what is not off now, and keeps it.
func (as *attachments) add(a *attachment) error {
	as.mu.Lock()
	off := as.off
	as.mu.Unlock()
	if err := a.attach(&off); err != nil { // it takes long
		return errors.Join(err, a.close())
	}
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = append(as.list, a)
	return errors.Join(closeAll(a.loose(&as.off)), a.attach(&as.off))
}

const allSubjects = -1

// take removes those of a subject from the list.
func (as *attachments) take(subject int) []*attachment {
	as.mu.Lock()
	defer as.mu.Unlock()
	var taken, left []*attachment
	for _, a := range as.list {
		if subject == allSubjects || a.cfg != nil && a.cfg.Number == subject {
			taken = append(taken, a)
		} else {
			left = append(left, a)
		}
	}
	as.list = left
	if subject == allSubjects {
		as.off = [NumGroups]bool{}
	}
	return taken
}

// pause takes groups off, and keeps how to attach them again.
func (as *attachments) pause(groups []Group) error {
	as.mu.Lock()
	for _, g := range groups {
		as.off[g] = true
	}
	var loose []io.Closer
	for _, a := range as.list {
		loose = append(loose, a.loose(&as.off)...)
	}
	as.mu.Unlock()
	return closeAll(loose)
}

// resume attaches groups that are off. A process that has just ended has none any more.
func (as *attachments) resume(groups []Group) error {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, g := range groups {
		as.off[g] = false
	}
	for _, a := range as.list {
		err := a.attach(&as.off)
		if a.cfg != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Pause takes groups off, so that their probes cost nothing. What they have written can still be
// drained. It takes as long as every CPU needs to pass a grace period, once for everything that is
// taken off together; where probes are attached one by one, a tenth of a second for each.
//
// What is off tells of no more moves: see [Probes.Forget]. A process that comes meanwhile gets the
// groups that are on.
func (p *Probes) Pause(groups ...Group) error {
	var err error
	if slices.Contains(groups, GroupSamples) {
		err = p.stopSampling()
	}
	return errors.Join(err, p.attached.pause(groups))
}

// Resume attaches groups that are off again. Samples have to be asked for anew: see [Probes.Sample].
func (p *Probes) Resume(groups ...Group) error {
	if slices.Contains(groups, GroupThreads) {
		if err := p.resetCPUs(); err != nil {
			return err
		}
	}
	return p.attached.resume(groups)
}

// closeAll takes off at once, so that the grace periods are waited for together.
func closeAll(links []io.Closer) error {
	errs := make([]error, len(links))
	var all sync.WaitGroup
	for i, l := range links {
		all.Go(func() { errs[i] = l.Close() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Know tells the programs which of what they remember of a subject they can rely on, now that other
// groups are attached. It has to be followed by [Probes.Forget].
func (p *Probes) Know(subject int, current, proc, goids bool) error {
	return errors.Join(
		p.subjects.setBool(subject, currentOffset, current),
		p.subjects.setBool(subject, procOffset, proc),
		p.subjects.setBool(subject, goidsOffset, goids))
}

// hitSlots says which slots of the programs' counters are a group's.
var hitSlots = func() (of [bpf.GoschedBoundsHIT_SLOTS]Group) {
	for op := gobin.OpNone + 1; op < gobin.NumOps; op++ {
		of[op] = groupOf(op)
	}
	of[bpf.GoschedBoundsHITS_SWITCH] = GroupThreads
	of[bpf.GoschedBoundsHITS_WAKING] = GroupThreads
	of[bpf.GoschedBoundsHITS_SAMPLE] = GroupSamples
	return of
}()
