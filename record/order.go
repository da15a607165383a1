package record

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/kernel"
)

const (
	// orderWindow is how late an event may come out of its ring and still take its place in time.
	orderWindow = kernel.MaxLate
	// lookahead is how long an ordered event waits so that what follows can still complete it: the
	// end of a range, the slow path of a system call's return.
	lookahead = 150 * time.Millisecond
	// maxPending is how many events wait at most; beyond it they wait less.
	maxPending = 768 << 10
	// A queue keeps room for the most that was in it lately: since one or two times so many looks,
	// some seconds. It keeps room for some events in any case.
	roomLooks = 64
	leastRoom = 1 << 13
)

// queue holds one ring's events, nearly in order as they come and in order once pushed.
type queue struct {
	events []event
	head   int
	most   int // events and taken ones in the last looks
	looks  int // how many looks that were
}

func (q *queue) push(e *event) {
	q.events = append(q.events, *e)
	for i := len(q.events) - 1; i > q.head && q.events[i-1].time > q.events[i].time; i-- {
		q.events[i-1], q.events[i] = q.events[i], q.events[i-1]
	}
}

func (q *queue) len() int { return len(q.events) - q.head }

// next is the time of the first event.
func (q *queue) next() int64 { return q.events[q.head].time }

// until says whether there is an event up to the time to.
func (q *queue) until(to int64) bool { return q.head < len(q.events) && q.next() <= to }

// compact gives the taken events' room back when it is most of the queue, and from time to time the
// memory that a burst took and that came after it did not need.
func (q *queue) compact() {
	q.most = max(q.most, len(q.events))
	if q.head > 1<<12 && q.head > len(q.events)/2 {
		n := copy(q.events, q.events[q.head:])
		q.events, q.head = q.events[:n], 0
	}
	if q.looks++; q.looks < roomLooks {
		return
	}
	if room := max(2*q.most, leastRoom); cap(q.events) > 2*room {
		q.events, q.head = append(make([]event, 0, room), q.events[q.head:]...), 0
	}
	q.most, q.looks = 0, 0
}

// span is a range of the runtime's that has begun.
type span struct {
	subject uint16
	op      op
	reason  uint8
	from    int64 // where the next piece of it begins
	end     int64 // 0 while it lasts
	begun   bool  // a piece of it has been written
	lost    bool  // it went on at end, but nobody saw how long
}

// orderer brings the events of all rings into one order, and completes those that a later event
// explains. It is for one goroutine.
type orderer struct {
	queues []queue  // one a ring, and the last for what the recorder makes itself
	heap   []*queue // those with something to merge
	merged queue    // in order over all rings; an event's sequence number is base + its index
	base   uint64   // sequence number of merged.events[0]
	upTo   int64    // everything before has been merged
	taken  int64    // everything before has been taken, and may be written

	open      []*span          // ranges that last
	pieces    []*span          // ranges with a piece still to write
	nextPiece int64            // where the first of those begins
	snapshots map[gkey]uint64  // goroutine → sequence number of its pending snapshot
	ties      *ties            // nil: the clock is fine enough to go by
	late      map[uint16]int64 // events of a subject that came after their place in time had been written
}

// gkey is a goroutine of a recording: processes number theirs alike.
type gkey struct {
	goid    int64
	subject uint16
}

// key is the goroutine that an event is of.
func (e *event) key() gkey { return gkey{e.goid, e.subject} }

// newOrderer orders events of a clock that moves by steps of that size.
func newOrderer(rings int, clockStepNS int64) *orderer {
	return &orderer{
		queues: make([]queue, rings+1), snapshots: map[gkey]uint64{}, late: map[uint16]int64{},
		ties: newTies(clockStepNS),
	}
}

// start has the order begin at a time. What was before, while not everything was attached, is no
// recording.
func (o *orderer) start(at int64) { o.upTo, o.taken = at, at }

// push takes an event from a ring.
func (o *orderer) push(ring int, e *event) {
	switch {
	case e.time >= o.upTo:
		o.queues[ring].push(e)
	case e.time > o.taken && len(o.snapshots) == 0 && plain(e.op):
		o.merged.push(e)
	default:
		o.late[e.subject]++
	}
}

// plain says whether an operation means the same wherever it comes in the order: it completes
// nothing and nothing completes it.
func plain(o op) bool {
	switch gobin.Op(o) {
	case gobin.OpSyscallExit, gobin.OpSyscallNoP, gobin.OpGCStart, gobin.OpGCEnd, gobin.OpSTWBegin, gobin.OpSTWEnd:
		return false
	}
	return true
}

// own takes an event that the recorder made.
func (o *orderer) own(e *event) { o.queues[len(o.queues)-1].push(e) }

// takeLate tells how many events of each subject came too late since the last call, and from when
// on they may be missing.
func (o *orderer) takeLate(tell func(subject uint16, from, n int64)) {
	for _, subject := range slices.Sorted(maps.Keys(o.late)) {
		tell(subject, o.taken, o.late[subject])
	}
	clear(o.late)
}

// gap takes a gap of a subject from begin on, or from the first event on that is not written yet.
func (o *orderer) gap(e *event) {
	e.time = max(e.time, o.taken)
	if e.time >= o.upTo {
		o.own(e)
		return
	}
	o.leaveOpen(e, opNone)
	maps.DeleteFunc(o.snapshots, func(k gkey, _ uint64) bool { return k.subject == e.subject })
	o.merged.push(e)
}

// forget forgets a subject whose last events have been taken.
func (o *orderer) forget(subject uint16) {
	ofSubject := func(k gkey) bool { return k.subject == subject }
	maps.DeleteFunc(o.snapshots, func(k gkey, _ uint64) bool { return ofSubject(k) })
	delete(o.late, subject)
	if o.ties != nil {
		maps.DeleteFunc(o.ties.states, func(k gkey, _ format.State) bool { return ofSubject(k) })
	}
	o.pieces = slices.DeleteFunc(o.pieces, func(s *span) bool { return s.subject == subject })
}

// unwatched takes a gap of one class of a subject, from begin on likewise.
func (o *orderer) unwatched(e *event) {
	e.time = max(e.time, o.taken)
	if e.time >= o.upTo {
		o.own(e)
		return
	}
	o.merged.push(e)
}

func (o *orderer) pending() int {
	n := o.merged.len()
	for i := range o.queues {
		n += o.queues[i].len()
	}
	return n
}

// merge orders every event up to the time to.
func (o *orderer) merge(to int64) {
	o.heap = o.heap[:0]
	for i := range o.queues {
		if q := &o.queues[i]; q.until(to) {
			o.heap = append(o.heap, q)
		}
	}
	for i := len(o.heap)/2 - 1; i >= 0; i-- {
		o.sink(i)
	}
	for len(o.heap) > 0 {
		i := o.ties.first(o.heap)
		q := o.heap[i]
		o.ties.took(&q.events[q.head])
		o.admit(&q.events[q.head])
		q.head++
		if !q.until(to) {
			last := len(o.heap) - 1
			o.heap[i], o.heap = o.heap[last], o.heap[:last]
		}
		o.sink(i)
	}
	for i := range o.queues {
		o.queues[i].compact()
	}
	o.upTo = max(o.upTo, to)
}

// sink restores the order of the heap, in which each queue's next event is not after those of the
// two below it.
func (o *orderer) sink(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(o.heap); child++ {
			if o.heap[child].next() < o.heap[first].next() {
				first = child
			}
		}
		if first == i {
			return
		}
		o.heap[i], o.heap[first] = o.heap[first], o.heap[i]
		i = first
	}
}

// admit appends an event to the order unless it only completes an earlier one.
func (o *orderer) admit(e *event) {
	switch gobin.Op(e.op) {
	case gobin.OpSyscallNoP:
		if o.slowReturn(e) {
			return
		}
	case gobin.OpCreate, gobin.OpCreateCoro:
		o.forgetSnapshot(e.key())
	case gobin.OpGCStart, gobin.OpSTWBegin:
		o.begin(e)
		return
	case gobin.OpGCEnd, gobin.OpSTWEnd:
		o.end(e)
		return
	}
	switch e.op {
	case opEnded:
		o.leaveOpen(e, opNone)
		return
	case opGap:
		o.leaveOpen(e, opNone)
	case opSnapshot:
		o.snapshots[e.key()] = o.base + uint64(len(o.merged.events))
	}
	o.merged.events = append(o.merged.events, *e)
}

// slowReturn turns the goroutine's pending return from a system call into one that found no P.
// The runtime returns first and looks for a P then (go1.18–1.27 src/runtime/proc.go, exitsyscall).
func (o *orderer) slowReturn(e *event) bool {
	for i := len(o.merged.events) - 1; i >= o.merged.head; i-- {
		prev := &o.merged.events[i]
		if prev.key() != e.key() || prev.op >= opThreadOn {
			continue
		}
		if prev.op != op(gobin.OpSyscallExit) {
			return false
		}
		prev.op = opSyscallSlow
		return true
	}
	return false
}

// forgetSnapshot drops a pending snapshot of a goroutine that turns out to be just being created.
func (o *orderer) forgetSnapshot(g gkey) {
	seq, ok := o.snapshots[g]
	if !ok {
		return
	}
	if i := int(seq - o.base); seq >= o.base && i >= o.merged.head {
		o.merged.events[i].op = opNone
	}
	delete(o.snapshots, g)
}

// take hands every ordered event up to the time to, and every piece of a range, to emit in order.
func (o *orderer) take(to int64, emit func(*event), piece func(begin, end int64, s *span)) {
	q := &o.merged
	for q.head < len(q.events) && q.events[q.head].time <= to {
		e := &q.events[q.head]
		o.takePieces(e.time, piece)
		q.head++
		if e.op == opNone {
			continue
		}
		if e.op == opSnapshot {
			delete(o.snapshots, e.key())
		}
		emit(e)
	}
	o.takePieces(to, piece)
	o.taken = max(o.taken, to)
	before := len(q.events)
	q.compact()
	o.base += uint64(before - len(q.events))
}

// leaveOpen ends what is known of the event's process's ranges of a kind, or of all, at the event's
// time: their ends were not seen.
func (o *orderer) leaveOpen(at *event, kind op) {
	left := o.open[:0]
	for _, s := range o.open {
		if s.subject != at.subject || kind != opNone && s.op != kind {
			left = append(left, s)
			continue
		}
		s.end, s.lost = max(at.time, s.from), true
	}
	o.open = left
}

func (o *orderer) begin(e *event) {
	o.leaveOpen(e, e.op) // there is one at a time
	s := &span{subject: e.subject, op: e.op, reason: e.reason, from: e.time}
	o.open = append(o.open, s)
	o.addPiece(s)
}

func (o *orderer) addPiece(s *span) {
	if len(o.pieces) == 0 || s.from < o.nextPiece {
		o.nextPiece = s.from
	}
	o.pieces = append(o.pieces, s)
}

// end closes the range that e ends. One whose beginning was not seen is a piece by itself.
func (o *orderer) end(e *event) {
	begin := e.op - 1 // OpGCEnd follows OpGCStart, OpSTWEnd follows OpSTWBegin
	for i := len(o.open) - 1; i >= 0; i-- {
		if o.open[i].op == begin && o.open[i].subject == e.subject {
			o.open[i].end = e.time
			o.open = append(o.open[:i], o.open[i+1:]...)
			return
		}
	}
	o.addPiece(&span{subject: e.subject, op: opNone, reason: uint8(begin), from: e.time, end: e.time})
}

// takePieces writes the pieces of ranges that begin up to the time to. A range that still lasts is
// written as far as the order is known, and goes on in a later piece.
func (o *orderer) takePieces(to int64, piece func(begin, end int64, s *span)) {
	if len(o.pieces) == 0 || o.nextPiece > to {
		return
	}
	slices.SortStableFunc(o.pieces, func(a, b *span) int { return cmp.Compare(a.from, b.from) })
	due := o.pieces
	o.pieces = nil
	for _, s := range due {
		if s.from > to {
			o.addPiece(s)
			continue
		}
		cut := s.end
		if cut == 0 {
			cut = max(o.upTo, s.from)
		}
		piece(s.from, cut, s)
		s.begun, s.from = true, cut
		if s.end == 0 {
			o.addPiece(s)
		}
	}
}
