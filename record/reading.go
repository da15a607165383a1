package record

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/target"
)

// How long the goroutines are read at the end of a recording at most, where there are too many for
// less.
const (
	minLastReading = 100 * time.Millisecond
	maxLastReading = time.Second
)

// reading is a snapshot in the making. What it finds becomes events like all others, so that the
// rings are drained meanwhile and the recorder's memory does not depend on how many goroutines
// there are.
type reading struct {
	*snapshot.Reading
	flags uint16
}

// openReader prepares to read the process's goroutines.
func (s *subject) openReader() (err error) {
	s.reader, err = snapshot.NewReader(snapshot.Source{
		Memory: s.proc, Binary: s.binary, Bias: s.bias, Code: s.modules.Code(), Threads: s.threadIDs, Now: now,
	})
	return err
}

// beginReading begins a snapshot of the process's goroutines.
func (s *subject) beginReading(flags uint16) error {
	r, err := s.reader.Begin(s.done())
	if err != nil {
		return s.unlessGone(err)
	}
	s.reading = &reading{r, flags}
	s.own(event{op: opReadBegin, time: max(r.BeganNS-int64(tick), s.beginNS)})
	return nil
}

// done is how many goroutines the snapshot at the beginning has read, where it has not read all.
func (s *subject) done() int {
	if n := len(s.snapshots); n > 0 && s.snapshots[n-1].Unread > 0 {
		return s.read
	}
	return 0
}

// unlessGone is the error of a process that is still there. One that has ended cannot be read; its
// memory goes some time before it does.
func (s *subject) unlessGone(err error) error {
	if errors.Is(err, target.ErrNoProcess) || !s.proc.Alive() {
		return nil
	}
	return err
}

// readMore reads some of the goroutines. After the last of them the snapshot is over.
func (s *subject) readMore() error {
	r := s.reading
	gs, err := r.Next()
	if err != nil {
		s.reading = nil
		return s.unlessGone(err)
	}
	for i := range gs {
		e := s.found(&gs[i])
		e.flags |= r.flags
		s.own(e)
	}
	if r.Unread() == 0 {
		s.endReading()
	}
	return nil
}

// found makes the event of a goroutine that was found in memory.
func (s *subject) found(g *snapshot.Goroutine) event {
	e := event{
		op: opSnapshot, time: g.After, goid: g.ID, byGoid: g.Creator, reason: g.WaitReason,
		tid: g.TID, proc: g.Proc, flags: uint16(g.State()), text: uncertainty(g),
		stack: uint64(s.stacks.Found(&g.Stack)), byStack: uint64(s.stacks.Creator(g.CreatorPC)),
	}
	if s.choice != nil && !s.choice.sees(format.TransitionStacks) {
		e.object = int64(s.stacks.Found(&snapshot.Stack{StartPC: g.Stack.StartPC}))
	}
	if g.Fresh {
		e.flags |= snapshotFresh
	}
	return e
}

// endReading ends the snapshot, also where goroutines are left.
func (s *subject) endReading() {
	r := s.reading
	end := now()
	s.own(event{op: opReadEnd, time: end})
	s.snapshots = append(s.snapshots, format.Snapshot{
		PID: s.pid, BeginNS: r.BeganNS + s.in.offsetNS, EndNS: end + s.in.offsetNS, AtEnd: r.flags&snapshotEnd != 0,
		Goroutines: r.Found, Unread: int64(r.Unread()),
	})
	s.forgetSnapshots()
	s.read = r.Looked()
	if s.read > 0 {
		s.readNS = float64(end-r.BeganNS) / float64(s.read)
	}
	s.reading = nil
}

// maxSnapshots is how many snapshots of a process the metadata tells of: where there are windows,
// each may have one.
const maxSnapshots = 64

// forgetSnapshots keeps of too many snapshots the first and the latest ones.
func (s *subject) forgetSnapshots() {
	if len(s.snapshots) > maxSnapshots {
		s.snapshots = slices.Delete(s.snapshots, 1, 2)
	}
}

// lastReading is how long the snapshots at the end may take.
func (s *session) lastReading() time.Duration {
	if s.opts.Duration == 0 {
		return maxLastReading
	}
	return min(max(s.opts.Duration/10, minLastReading), maxLastReading)
}

// left is how long it is until the snapshots at the end have to begin, for the recording to end in
// time.
func (s *session) left() time.Duration {
	var takes time.Duration
	for _, sub := range s.subjects {
		takes += time.Duration(sub.readNS * float64(sub.read))
	}
	if s.reading() {
		takes = s.lastReading() // there are too many
	}
	return s.opts.Duration - min(takes, s.lastReading()) - time.Duration(now()-s.startNS)
}

// reading says whether goroutines are still to be read.
func (s *session) reading() bool {
	return slices.ContainsFunc(s.subjects, func(sub *subject) bool { return sub.reading != nil })
}

// readFirst begins the snapshots at the beginning.
func (s *session) readFirst() error {
	for _, sub := range s.subjects {
		if err := sub.beginReading(0); err != nil {
			return s.of(sub.proc, err)
		}
	}
	return nil
}

// readMore reads some of the goroutines of the processes that have some to be read, in turn. Of many
// processes it does not come to all at once: the rings are drained meanwhile, and the recording ends
// when it is to.
func (s *session) readMore() error {
	over := now() + int64(drainEvery)/2
	for range s.subjects {
		s.turn = (s.turn + 1) % len(s.subjects)
		sub := s.subjects[s.turn]
		if sub.reading == nil {
			continue
		}
		if err := sub.readMore(); err != nil {
			return s.of(sub.proc, err)
		}
		if now() >= over {
			break
		}
	}
	return nil
}

// endReadings ends the snapshots that are in the making.
func (s *session) endReadings() {
	for _, sub := range s.subjects {
		if sub.reading != nil {
			sub.endReading()
		}
	}
}

// readLast makes the snapshots at the end, as far as there is time, and waits for the time at which
// a recording was to end.
func (s *session) readLast(reason string) error {
	over := now() + int64(s.lastReading())
	if err := s.beginLast(over); err != nil {
		return err
	}
	for s.reading() && now() < over {
		if err := s.readMore(); err != nil {
			return err
		}
		if err := s.cycleDue(); err != nil {
			return err
		}
	}
	s.endReadings()
	if reason != EndDuration {
		return nil
	}
	return s.waitOut()
}

// beginLast begins the snapshots at the end, up to a time. Of processes to which it does not come
// by then all goroutines are unread of which is known.
func (s *session) beginLast(over int64) error {
	if s.governing.leaveAlone() {
		return nil
	}
	for _, sub := range s.subjects {
		if sub.beginNS == 0 || sub.ended != "" || !sub.proc.Alive() {
			continue
		}
		if at := now(); at >= over {
			sub.snapshots = append(sub.snapshots, format.Snapshot{
				PID: sub.pid, BeginNS: at + s.offsetNS, EndNS: at + s.offsetNS, AtEnd: true, Unread: int64(sub.read),
			})
			continue
		}
		if err := sub.beginReading(snapshotEnd); err != nil {
			return s.of(sub.proc, err)
		}
	}
	return nil
}

// waitOut goes on recording until the end of its duration. A plugin that is opened meanwhile has
// the goroutines read once more.
func (s *session) waitOut() error {
	for {
		rest := s.opts.Duration - time.Duration(now()-s.startNS)
		if rest <= 0 {
			break
		}
		if !s.reading() {
			time.Sleep(min(rest, drainEvery))
		} else if err := s.readMore(); err != nil {
			return err
		}
		if err := s.cycleDue(); err != nil {
			return err
		}
	}
	s.endReadings()
	return nil
}

// cycleDue is cycle where the rings have not been drained for some time.
func (s *session) cycleDue() error {
	if now()-s.drained < int64(s.cycleEvery())/2 {
		return nil
	}
	return s.cycle()
}

// describeSnapshots says how the processes' goroutines were read. What was unsure is counted for
// all snapshots at the beginning together, of which a plugin that is opened takes one more, and the
// last of them has it.
func (s *session) describeSnapshots() {
	var all []format.Snapshot
	for _, sub := range s.all {
		sub.describeSnapshots()
		all = append(all, sub.snapshots...)
	}
	slices.SortStableFunc(all, func(a, b format.Snapshot) int { return cmp.Compare(a.BeginNS, b.BeginNS) })
	s.meta.Snapshots = all
}

// describeSnapshots says of the process's own how much of them was unsure.
func (s *subject) describeSnapshots() {
	if s.follow == nil {
		return
	}
	told := map[bool]bool{} // by AtEnd
	for i := range slices.Backward(s.snapshots) {
		if made := &s.snapshots[i]; !told[made.AtEnd] {
			told[made.AtEnd], made.Unsure = true, s.follow.Unsure(made.AtEnd)
		}
	}
}

// uncertainty is the time in which a goroutine was read, as an event has it: in microseconds, not
// less than it was.
func uncertainty(g *snapshot.Goroutine) uint32 {
	return uint32(min((g.After-g.Before)/1000+1, math.MaxUint32))
}

// begin is when the reading began that found what a snapshot event tells.
func (e *event) begin() int64 { return e.time - int64(e.text)*1000 }
