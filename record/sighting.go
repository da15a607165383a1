package record

import (
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
)

// What the memory shows of a goroutine is older than what its events say: a probe is where a move
// begins, and the state is written after it, much later where the kernel takes the CPU away at the
// probe. A goroutine's moves come one after the other, so that the memory is behind by its last
// move and never by more. Only a creation is seen before its event. A goroutine that is about to
// end is told by where it left its stack (snapshot, ending.go), however long it has been so; that
// place is written before the probe at its end, so that only ends since the reading began must be
// remembered.

// tick is how far the coarsest clock of a kernel steps: two times that are equal may be so far
// apart, in any order.
const tick = 10 * time.Millisecond

// sighting is what is made of a goroutine that was found in memory.
type sighting uint8

const (
	sightingNews   sighting = iota // it is told
	sightingKnown                  // its events say where it is, or that it has ended
	sightingUnsure                 // it may be otherwise, and nothing says how
)

// earlyMove is the last move of a goroutine that was seen before the recording began. Others may
// have been missed.
type earlyMove struct {
	from, to format.State
	time     int64
}

// seeEarly takes an event from before the recording began.
func (f *follower) seeEarly(e *event) {
	var m earlyMove
	switch {
	case e.op == op(gobin.OpCreate):
		m = earlyMove{format.StateNotExist, format.StateRunnable, e.time}
	case e.op == op(gobin.OpCreateCoro):
		m = earlyMove{format.StateNotExist, format.StateWaiting, e.time}
	case e.op == op(gobin.OpCoroSwitch):
		m = earlyMove{format.StateRunning, format.StateWaiting, e.time}
		if e.flags&flagCoroExit != 0 {
			m.to = format.StateNotExist
		}
		f.moveEarly(e.byGoid, earlyMove{format.StateWaiting, format.StateRunning, e.time})
	case int(e.op) < len(moves) && moves[e.op].to != format.StateUnknown:
		m = earlyMove{moves[e.op].from, moves[e.op].to, e.time}
	default:
		return
	}
	f.moveEarly(e.goid, m)
}

func (f *follower) moveEarly(goid int64, m earlyMove) {
	if last, ok := f.early[goid]; !ok || last.time <= m.time {
		f.early[goid] = m
	}
}

// forget drops a goroutine that has ended, unless the memory may still show it.
func (f *follower) forget(e *event) bool {
	switch {
	case e.op == op(gobin.OpDropM): // the next C thread that comes into Go may take over its id
		return false
	case f.read:
		f.ended = append(f.ended, ending{e.goid, e.time})
		return false
	}
	delete(f.gs, e.goid)
	return true
}

// forgetEnded drops the goroutines that ended before a time.
func (f *follower) forgetEnded(before int64) {
	n := 0
	for n < len(f.ended) && f.ended[n].time < before {
		if g, ok := f.gs[f.ended[n].goid]; ok && g.state == format.StateNotExist {
			delete(f.gs, f.ended[n].goid)
		}
		n++
	}
	f.ended = f.ended[n:]
}

// readEnd notes that no more goroutines will be found for now.
func (f *follower) readEnd(now int64) {
	f.forgetEnded(now + 1)
	f.read, f.ended = false, nil
	clear(f.early)
}

// snapshot writes a goroutine as it was found in memory between e.begin and e.time, unless its
// events say more.
func (f *follower) snapshot(e *event) {
	f.forgetEnded(e.begin() - int64(tick))
	switch f.sight(e) {
	case sightingNews:
		f.tell(e)
		return
	case sightingUnsure:
		if e.flags&snapshotEnd != 0 {
			f.unsure[1]++
		} else {
			f.unsure[0]++
		}
	}
	if e.object != 0 && e.flags&snapshotEnd == 0 {
		f.entries[e.goid] = format.StringID(e.object)
	}
}

func (f *follower) sight(e *event) sighting {
	if e.begin() < f.gapEnd {
		return sightingUnsure
	}
	atEnd, state := e.flags&snapshotEnd != 0, format.State(e.flags&snapshotState)
	if g, known := f.gs[e.goid]; known {
		switch {
		case g.state == format.StateNotExist, !atEnd, g.moved >= e.begin():
			return sightingKnown
		case g.state != state && g.before == state:
			return sightingKnown // it is about to leave it
		}
		return sightingNews
	}
	if m, moved := f.early[e.goid]; moved && !atEnd {
		return m.sight(state)
	}
	if e.flags&snapshotFresh != 0 && (f.lateIDs || atEnd && f.seesCreate) {
		return sightingUnsure // another's id, or only just being created
	}
	return sightingNews
}

// sight is what is made of a goroutine that moved before the recording began and not since.
func (m earlyMove) sight(state format.State) sighting {
	switch {
	case m.to == format.StateNotExist:
		return sightingKnown
	case state == m.from && state != m.to:
		return sightingUnsure // it is about to leave it, or has come back to it unseen
	}
	return sightingNews
}

// tell writes a goroutine that was found in memory.
func (f *follower) tell(e *event) {
	state := format.State(e.flags & snapshotState)
	if state == format.StateRunnable {
		f.madeReady(e) // if it waited: the scheduler has, and is about to run it
	}
	w := format.Event{
		TimeNS: e.time, Kind: format.KindSnapshot, TID: e.tid, CPU: format.Unknown, Proc: e.proc,
		GoID: format.GoID(e.goid), To: state,
		Stack: format.StringID(e.stack), ByGoID: format.GoID(e.byGoid), ByStack: format.StringID(e.byStack),
	}
	if w.To == format.StateWaiting {
		w.Reason = f.waitReason(e)
	}
	f.write(&w)
	f.settle(e, w.To)
	if w.TID != format.Unknown {
		f.threadOf(w.TID).goid = e.goid
	}
}
