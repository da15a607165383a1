package record

import (
	"fmt"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/descriptor"
	"github.com/gosched/gosched/record/gobin"
)

// descriptorsEvery is how often goroutines are looked at that wait for file descriptors.
const descriptorsEvery = 100 * time.Millisecond

// maxDescriptors is how many different descriptors are named in the rows of one process. Of others
// there are no rows: each has its own text, which stays in memory.
const maxDescriptors = 16 << 10

// descriptors finds out which file descriptors the goroutines of a process wait for.
type descriptors struct {
	looker *descriptor.Looker // nil: nobody wants to know, or it cannot be known
	looked int64              // when
	failed bool               // a look failed, and the trace says why
	texts  map[format.Descriptor]format.StringID
	tids   map[int]int32 // the threads' numbers in the trace, by those of the mounted /proc; nil: they are the same
	asked  int64         // when they were asked for
}

// openDescriptors prepares to look, if that is wanted.
func (s *subject) openDescriptors() error {
	if !s.choice.sees(format.TransitionDescriptors) {
		return nil
	}
	layout, err := s.binary.Layout()
	if err != nil {
		return err
	}
	s.descriptors = descriptors{
		texts: map[format.Descriptor]format.StringID{},
		looker: descriptor.New(descriptor.Source{
			Process: s.proc, Layout: &layout, WaitReason: s.texts.netpoll, Now: now,
		}),
	}
	if s.texts.netpoll < 0 || layout.Poll.FD == gobin.Absent {
		s.note(format.TransitionDescriptors, "only of system calls: where the runtime keeps who waits is not known")
	}
	return nil
}

// lookAtDescriptors looks if it is time to. What it sees are events like all others.
func (s *subject) lookAtDescriptors(at int64) {
	d := &s.descriptors
	if d.looker == nil || at-d.looked < int64(descriptorsEvery) {
		return
	}
	d.looked = at
	seen, err := d.looker.Look()
	if err != nil && !d.failed { // the next error may name another descriptor: one is enough
		d.failed = true
		s.note(format.TransitionDescriptors, fmt.Sprintf("not all could be looked at: %v", err))
	}
	if why := d.looker.Limited(); why != "" {
		s.note(format.TransitionDescriptors, why)
	}
	for i := range seen {
		if e, ok := s.waitsFor(&seen[i]); ok {
			s.own(e)
		}
	}
}

// waitsFor makes the event of a goroutine that waited for a descriptor.
func (s *subject) waitsFor(seen *descriptor.Sighting) (event, bool) {
	e := event{op: opDescriptor, time: seen.TimeNS, goid: seen.GoID, object: int64(seen.FD), tid: format.Unknown}
	if seen.Task != 0 {
		tid, known := s.taskID(seen.Task)
		if !known {
			return e, false
		}
		e.tid = tid
	}
	d := &s.descriptors
	text, known := d.texts[seen.What]
	if !known {
		if len(d.texts) >= maxDescriptors {
			s.note(format.TransitionDescriptors, fmt.Sprintf("only the first %d", maxDescriptors))
			return e, false
		}
		text = s.texts.table.Intern(seen.What.String())
		d.texts[seen.What] = text
	}
	e.text = uint32(text)
	return e, true
}

// taskID is the number that a thread has in the trace.
func (s *subject) taskID(task int) (int32, bool) {
	if s.numbers == nil {
		return int32(task), true
	}
	d := &s.descriptors
	if tid, known := d.tids[task]; known || now()-d.asked < int64(time.Second) {
		return tid, known
	}
	d.asked = now()
	threads, err1 := s.proc.Threads()
	ids, err2 := s.threadIDs()
	if err1 != nil || err2 != nil {
		return 0, false
	}
	d.tids = make(map[int]int32, len(threads))
	for _, t := range threads {
		if tid, known := ids[int32(t.NSTID)]; known {
			d.tids[t.TID] = tid
		}
	}
	tid, known := d.tids[task]
	return tid, known
}

// descriptor writes what a goroutine waits for, once for each wait. What was seen on a thread is of
// the goroutine that the events have on it, and of one that they have in another state nothing is
// said.
func (f *follower) descriptor(e *event) {
	w := f.row(e, format.StateUnknown, format.StateWaiting)
	if e.goid == 0 {
		t, known := f.threads[e.tid]
		if !known {
			return
		}
		e.goid, w.GoID, w.To = t.goid, format.GoID(t.goid), format.StateSyscall
	}
	g, known := f.gs[e.goid]
	if !known || g.state != w.To || g.described {
		return
	}
	g.described = true
	w.Kind, w.Reason, w.Object = format.KindDescriptor, format.StringID(e.text), e.object
	w.CPU, w.Proc = format.Unknown, format.Unknown
	f.write(&w)
}
