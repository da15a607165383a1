package record

import (
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

// move is what an operation means for the goroutine it happens to.
type move struct {
	from, to format.State
	why      func(*follower, *event) format.StringID // nil: no reason
	stack    bool                                    // the goroutine's own stack came with it
	by       bool                                    // and who did it
	leaves   bool                                    // the thread has no goroutine after it
}

// moves says what every operation on a goroutine means. Those that are more than one row,
// and the kernel's, are in follower.emit.
var moves = [...]move{
	gobin.OpPark:         {format.StateRunning, format.StateWaiting, (*follower).waitReason, true, false, true},
	gobin.OpReady:        {format.StateWaiting, format.StateRunnable, (*follower).waker, false, true, false},
	gobin.OpInject:       {format.StateWaiting, format.StateRunnable, (*follower).waker, false, true, false},
	gobin.OpRun:          {format.StateRunnable, format.StateRunning, nil, false, false, false},
	gobin.OpYield:        {format.StateRunning, format.StateRunnable, (*follower).yieldReason, true, false, true},
	gobin.OpGoyield:      {format.StateRunning, format.StateRunnable, fixed(format.ReasonGoyield), true, false, true},
	gobin.OpPreemptPark:  {format.StateRunning, format.StateWaiting, fixed(format.ReasonPreempted), true, false, true},
	gobin.OpExit:         {format.StateRunning, format.StateNotExist, nil, false, false, true},
	gobin.OpSyscallEnter: {format.StateRunning, format.StateSyscall, (*follower).syscall, true, false, false},
	gobin.OpSyscallBlock: {format.StateRunning, format.StateSyscall, (*follower).syscall, true, false, false},
	gobin.OpSyscallExit:  {format.StateSyscall, format.StateRunning, nil, false, false, false},
	opSyscallSlow:        {format.StateSyscall, format.StateRunnable, nil, false, false, true},
	gobin.OpSyscallNoP: {format.StateRunning, format.StateRunnable, fixed(format.ReasonSyscallExit), false, false,
		true},
	gobin.OpNeedM: {format.StateNotExist, format.StateSyscall, nil, false, false, false},
	gobin.OpDropM: {format.StateSyscall, format.StateNotExist, nil, false, false, true},
}

// goroutine is what the recorder must remember of one: whether it waits, and for what. One whose
// end was seen is forgotten, but see follower.ended.
type goroutine struct {
	state  format.State
	before format.State // the state before that
	reason uint8
	moved  int64 // when
	// there is a row of the descriptor that it waits for in this state, or has a system call on
	described bool
}

// ending is the end of a goroutine.
type ending struct {
	goid, time int64
}

// thread is what the recorder must remember of one.
type thread struct {
	tid  int32
	goid int64 // the goroutine on it
}

// follower turns ordered events into the trace's rows. It keeps just enough state to say what no
// probe sees: a goroutine that runs while it was waiting was made ready by the scheduler itself,
// and which goroutine is on a thread.
//
// It is of one subject, whose goroutines' ids and threads it keeps apart from others' by that.
type follower struct {
	pid     int32 // of the process, as the trace has it
	rows    *rows
	texts   *texts
	stacks  *stacks.Table
	gs      map[int64]*goroutine
	threads map[int32]*thread
	recent  [64]*thread // of the threads the one that was last on a CPU, by the CPU's number
	counts  Counts
	limits  [numLimits]format.StringID // that hold

	early  map[int64]earlyMove // goroutines that moved while the probes were being attached, until they have been read
	read   bool                // goroutines are being read from memory
	ended  []ending            // since then, in order of time: those that the memory may still show
	gapEnd int64               // of the latest gap
	unsure [2]int64            // goroutines found at the beginning and at the end that are not told

	withoutReady bool // wake-ups are left out, so that those the scheduler does itself are not told either
	seesCreate   bool // creations are recorded
	maxKnown     int  // how many goroutines are remembered at most
	lateIDs      bool // a fresh goroutine may have an ended one's id: see snapshot.Goroutine.Fresh

	// Waits are left out, and nothing else after which a goroutine has to be run: one that runs twice in
	// a row has waited in between, and the scheduler made it ready itself.
	withoutPark bool
	// The entry functions of goroutines that moved before they were read from memory, and that no row
	// tells yet, where stacks are left out. As many as were read.
	entries map[int64]format.StringID
}

// Counts says how many rows of each kind a recording has.
type Counts struct {
	Events     int64 // rows in the trace
	Goroutine  int64 // transitions of goroutines
	Thread     int64
	Samples    int64
	Lost       int64
	LostStacks int64
	Gaps       int64 // rows that say that events were lost or not looked for
}

func newFollower(pid int32, r *rows, t *texts, s *stacks.Table) *follower {
	return &follower{
		pid: pid, maxKnown: maxKnown, rows: r, texts: t, stacks: s, gs: map[int64]*goroutine{},
		threads: map[int32]*thread{}, early: map[int64]earlyMove{}, entries: map[int64]format.StringID{},
	}
}

func (c *Counts) add(d Counts) {
	c.Events += d.Events
	c.Goroutine += d.Goroutine
	c.Thread += d.Thread
	c.Samples += d.Samples
	c.Lost += d.Lost
	c.LostStacks += d.LostStacks
	c.Gaps += d.Gaps
}

// Counts are those of the rows that were written until now, and of what was lost.
func (f *follower) Counts() Counts {
	c := f.counts
	c.LostStacks += f.stacks.Lost()
	return c
}

// lose counts events that were lost. The gap in their place is an event by itself.
func (f *follower) lose(events int64) { f.counts.Lost += events }

// loseStacks counts events whose stack was lost.
func (f *follower) loseStacks(n int64) { f.counts.LostStacks += n }

// Unsure is how many goroutines that were found at the beginning, or at the end, are not told.
func (f *follower) Unsure(atEnd bool) int64 {
	if atEnd {
		return f.unsure[1]
	}
	return f.unsure[0]
}

// emit writes the rows of one event.
func (f *follower) emit(e *event) {
	switch e.op {
	case op(gobin.OpCreate):
		f.create(e, format.StateRunnable, format.NullString)
	case op(gobin.OpCreateCoro):
		f.create(e, format.StateWaiting, f.texts.id(format.ReasonCoroutine))
	case op(gobin.OpRun):
		f.run(e)
	case op(gobin.OpCoroSwitch):
		f.coroSwitch(e)
	case opThreadOn, opThreadOff, opThreadWake:
		f.kernel(e)
	case opGap:
		f.gap(e)
	case opUnwatched:
		f.unwatched(e)
	case opSnapshot:
		f.snapshot(e)
	case opLimit:
		f.limit(e)
	case opSample:
		f.sample(e)
	case opDescriptor:
		f.descriptor(e)
	case opRound:
		f.round(e)
	case opRoundFound:
		f.roundFound(e)
	case opReadBegin:
		f.read = true
	case opReadEnd:
		f.readEnd(e.time)
	default:
		f.transition(e, &moves[e.op])
	}
}

// transition writes the one row that m says.
func (f *follower) transition(e *event, m *move) {
	w := f.row(e, m.from, m.to)
	if m.why != nil {
		w.Reason = m.why(f, e)
	}
	if m.stack {
		w.Stack, w.Object = f.stack(e.stack), e.object
	}
	if m.by {
		w.ByGoID, w.ByStack = format.GoID(e.byGoid), f.stack(e.byStack)
	}
	f.write(&w)
	f.settle(e, m.to)
	if m.leaves {
		f.thread(e).goid = 0
	} else if !m.by {
		f.thread(e).goid = e.goid
	}
}

// thread is the one that an event happened on.
func (f *follower) thread(e *event) *thread {
	slot := &f.recent[int(e.cpu)%len(f.recent)]
	if *slot == nil || (*slot).tid != e.tid {
		*slot = f.threadOf(e.tid)
	}
	return *slot
}

func (f *follower) threadOf(tid int32) *thread {
	t, ok := f.threads[tid]
	if !ok {
		t = &thread{tid: tid}
		f.threads[tid] = t
	}
	return t
}

func (f *follower) forgetThreads() {
	clear(f.threads)
	clear(f.recent[:])
}

// maxKnown is how many goroutines of all processes are remembered at most: where their ends are not
// recorded they only become more.
const maxKnown = 4 << 20

// settle remembers the goroutine's new state.
func (f *follower) settle(e *event, to format.State) {
	if to == format.StateNotExist && f.forget(e) {
		return
	}
	g, ok := f.gs[e.goid]
	if !ok {
		if len(f.gs) >= f.maxKnown {
			clear(f.gs)
		}
		g = &goroutine{}
		f.gs[e.goid] = g
	}
	*g = goroutine{state: to, before: g.state, reason: e.reason, moved: e.time}
}

func (f *follower) row(e *event, from, to format.State) format.Event {
	return format.Event{
		TimeNS: e.time, Kind: format.KindGoroutine,
		TID: e.tid, CPU: int32(e.cpu), Proc: e.proc,
		GoID: format.GoID(e.goid), From: from, To: to,
	}
}

func (f *follower) write(w *format.Event) {
	w.PID = f.pid
	f.rows.add(w)
	f.counts.Events++
	if w.Kind == format.KindGoroutine {
		f.counts.Goroutine++
	}
}

func (f *follower) create(e *event, to format.State, why format.StringID) {
	w := f.row(e, format.StateNotExist, to)
	w.Reason = why
	w.Stack = f.stacks.Entry(e.stack)
	w.ByGoID, w.ByStack = format.GoID(e.byGoid), f.stack(e.byStack)
	f.write(&w)
	f.settle(e, to)
}

// run writes that a goroutine runs and, where it was waiting until now, that the scheduler made it
// ready just before: findRunnable does that itself for the first goroutine of a netpoll and for GC
// workers, park_m for a refused park (go1.18–1.27 src/runtime/proc.go).
func (f *follower) run(e *event) {
	f.madeReady(e)
	w := f.row(e, format.StateRunnable, format.StateRunning)
	if entry, ok := f.entries[e.goid]; ok {
		w.Stack = entry
		delete(f.entries, e.goid)
	}
	f.write(&w)
	f.settle(e, w.To)
	f.thread(e).goid = e.goid
}

// madeReady writes the wake-up that no probe saw of a goroutine that is now known not to wait.
func (f *follower) madeReady(e *event) {
	g, ok := f.gs[e.goid]
	waited := ok && (g.state == format.StateWaiting || g.state == format.StateRunning && f.withoutPark)
	if !waited || f.withoutReady {
		return
	}
	w := f.row(e, format.StateWaiting, format.StateRunnable)
	w.Reason = f.texts.waker(gobin.OpRun, g.reason, e.proc)
	if g.state == format.StateRunning {
		w.Reason = f.texts.id(format.ReasonRuntime)
	}
	if e.op == opSnapshot {
		w.TID, w.CPU = format.Unknown, format.Unknown
	}
	f.write(&w)
	f.settle(e, format.StateRunnable)
}

// coroSwitch writes that one goroutine handed its thread to another.
func (f *follower) coroSwitch(e *event) {
	to, why := format.StateWaiting, f.texts.id(format.ReasonCoroutine)
	if e.flags&flagCoroExit != 0 {
		to, why = format.StateNotExist, format.NullString
	}
	w := f.row(e, format.StateRunning, to)
	w.Reason, w.Stack = why, f.stack(e.stack)
	f.write(&w)
	f.settle(e, to)

	next := *e
	next.goid = e.byGoid
	w = f.row(&next, format.StateWaiting, format.StateRunning)
	w.ByGoID, w.ByStack = format.GoID(e.goid), f.stack(e.stack)
	f.write(&w)
	f.settle(&next, format.StateRunning)
	f.thread(e).goid = next.goid
}

// kernel writes what the kernel's scheduler did with a thread.
func (f *follower) kernel(e *event) {
	t := f.threadOf(e.tid)
	w := format.Event{
		TimeNS: e.time, Kind: format.KindThread, TID: e.tid, CPU: int32(e.cpu), Proc: format.Unknown,
		GoID: format.GoID(t.goid), Reason: format.StringID(e.text),
	}
	switch {
	case e.op == opThreadOn:
		w.From, w.To = format.StateRunnable, format.StateRunning
	case e.op == opThreadWake:
		w.From, w.To = format.StateWaiting, format.StateRunnable
		if e.other != 0 {
			w.ByGoID = format.GoID(f.threadOf(e.other).goid)
		}
	case e.flags&flagDead != 0:
		w.From, w.To = format.StateRunning, format.StateNotExist
		delete(f.threads, e.tid)
		clear(f.recent[:])
	case e.flags&flagInvoluntary != 0:
		w.From, w.To = format.StateRunning, format.StateRunnable
	default:
		w.From, w.To = format.StateRunning, format.StateWaiting
	}
	f.write(&w)
	f.counts.Thread++
}

// gap writes that events were lost; what goroutines and threads do after it is not known until they
// are seen.
func (f *follower) gap(e *event) {
	w := format.NoEvent
	w.TimeNS, w.EndNS, w.Kind, w.Reason = e.time, e.until(), format.KindGap, format.StringID(e.text)
	f.write(&w)
	f.counts.Gaps++
	clear(f.gs)
	f.ended = f.ended[:0]
	f.gapEnd = max(f.gapEnd, e.until())
	f.forgetThreads()
}

// unwatched writes that one class was not watched. What other classes tell stays known.
func (f *follower) unwatched(e *event) {
	w := format.NoEvent
	w.TimeNS, w.EndNS, w.Kind, w.Reason = e.time, e.until(), format.KindGap, format.StringID(e.text)
	f.write(&w)
	f.counts.Gaps++
}

// piece writes a range, or as much of it as is known.
func (f *follower) piece(begin, end int64, s *span) {
	w := format.NoEvent
	w.TimeNS, w.EndNS, w.Kind, w.Reason = begin, end, format.KindRange, f.texts.rangeName(s.op, s.reason)
	w.From, w.To = format.StateNotExist, format.StateNotExist
	switch {
	case s.op == opNone: // its beginning was not seen
		w.From, w.Reason = format.StateUnknown, f.texts.rangeName(op(s.reason), 0)
	case s.begun:
		w.From = format.StateRunning
	}
	if s.end == 0 || s.lost {
		w.To = format.StateRunning
	}
	f.write(&w)
}

func (f *follower) stack(hash uint64) format.StringID { return f.stacks.ID(hash) }

func (f *follower) waitReason(e *event) format.StringID { return f.texts.waitReason(e.reason) }

// waker names what made a goroutine ready when it was not a goroutine.
func (f *follower) waker(e *event) format.StringID {
	if e.byGoid != 0 {
		return format.NullString
	}
	return f.texts.waker(gobin.Op(e.op), e.reason, e.proc)
}

func (f *follower) yieldReason(e *event) format.StringID {
	if e.flags&flagPreempted != 0 {
		return f.texts.id(format.ReasonPreempted)
	}
	return f.texts.id(format.ReasonGosched)
}

// syscall names the system call by the function that makes it.
func (f *follower) syscall(e *event) format.StringID { return f.stacks.Syscall(e.stack) }

func fixed(t format.Reason) func(*follower, *event) format.StringID {
	return func(f *follower, _ *event) format.StringID { return f.texts.id(t) }
}
