package replay

import (
	"context"
	"iter"

	"github.com/gosched/gosched/format"
)

// Source is a trace to walk. Every format.Trace is one.
type Source interface {
	Metadata() format.Metadata
	Reasons() *format.Strings
	Stacks() *format.Strings
	Batches(ctx context.Context, sel format.Selection) iter.Seq2[*format.Batch, error]
}

// States is a set of states.
type States uint8

// StatesOf is the set of the given states.
func StatesOf(states ...format.State) States {
	var s States
	for _, state := range states {
		s |= 1 << (state & 7)
	}
	return s
}

// AllStates are the states that spans can have.
const AllStates = States(1<<format.StateRunnable | 1<<format.StateRunning | 1<<format.StateSyscall |
	1<<format.StateWaiting)

// Has says whether the set has the state.
func (s States) Has(state format.State) bool { return s>>state&1 != 0 }

// Wants is what a pass asks of a walk. What no pass wants is not computed.
//
// The spans of a kernel thread come in the same order as those of goroutines, with Span.Thread set.
// TID is the thread, GoID the goroutine that was on it at the end, where known, and CPU where it
// was then. It is running, or runnable: ready and without a CPU, or waiting: asleep. Reason is the
// kernel's state of one asleep, and of one that is runnable the name of the thread that had taken
// the CPU from it or, where it was woken, had its CPU then; EndReason is then the name of the thread
// that gave the CPU to it. Either is "swapper" where the CPU was idle, and null where that is not
// known. Gaps end them as they end all spans; nothing is said of a
// thread before its first row.
type Wants struct {
	States States // the states whose spans it takes
	// that spans carry where and by whom: Stack, TID, CPU, By… and what the row at their end says
	// of these; else they are null
	Details     bool
	Delay       bool             // that runnable spans carry their Delay
	Threads     bool             // the spans of kernel threads too, as said above; Details then come along
	Suspensions bool             // that Span.SuspendedNS and Summary.Suspended are known; Delay and Threads imply it
	Columns     format.ColumnSet // of the rows that a RowPass takes
}

// columns are those that a walk reads: what the model goes by, and what is wanted.
func (w Wants) columns() format.ColumnSet {
	set := w.Columns | format.Columns(format.ColTime, format.ColKind, format.ColPID, format.ColProc, format.ColGoID,
		format.ColFrom, format.ColTo,
		format.ColReason, format.ColStack, format.ColEnd)
	if w.Delay || w.Threads || w.Suspensions {
		set |= format.Columns(format.ColTID)
	}
	if w.Threads {
		set |= format.Columns(format.ColCPU)
	}
	if w.Details {
		set |= format.Columns(format.ColTID, format.ColCPU, format.ColByGoID, format.ColByStack,
			format.ColObject)
	}
	return set
}

// Pass is a question to a trace, answered from its spans.
type Pass interface {
	// Wants is asked once, before the walk.
	Wants() Wants
	// Spans takes the next spans, those of each process in the order of their ends. The slice is
	// valid during the call only.
	Spans(spans []Span)
}

// BeginPass is a Pass that needs to know the trace, or to resolve names, during the walk.
type BeginPass interface {
	Pass
	// Begin is called once, before the walk.
	Begin(names *Names, meta *format.Metadata)
}

// RangePass is a Pass that takes ranges too, in the order of their beginnings and before any span
// that ends after them.
type RangePass interface {
	Pass
	Range(r Range)
}

// Limit is a limit of a process that holds from a moment on.
type Limit struct {
	format.Limit
	TimeNS int64
	PID    int32
}

// LimitPass is a Pass that takes limits too, after every span that ended before them. What held
// before the first, the metadata says.
type LimitPass interface {
	Pass
	Limit(l Limit)
}

// SuspensionPass is a Pass that takes the times too in which a process was stopped from outside,
// when they end.
type SuspensionPass interface {
	Pass
	Suspension(s Suspension)
}

// Snapshot is a goroutine as the process's memory showed it.
type Snapshot struct {
	TimeNS    int64
	PID       int32
	GoID      format.GoID
	ByGoID    format.GoID     // who created it
	CreatedAt format.StringID // the stack there: the go statement's frame alone
	State     format.State
	SinceNS   int64 // since when it is in that state, where a flight recorder knew it; 0: not known
}

// SnapshotPass is a Pass that takes snapshots too, after every span that ended before them. One
// that contradicts the rows before it comes too, unless the goroutine had ended.
type SnapshotPass interface {
	Pass
	Snapshot(s Snapshot)
}

// Descriptor is a goroutine that waits for a file descriptor, or is in a system call on it. The span
// that it is in ends after TimeNS.
type Descriptor struct {
	TimeNS int64
	PID    int32
	TID    int32 // of one in a system call
	GoID   format.GoID
	FD     int64        // its number in the process
	State  format.State // StateWaiting or StateSyscall
	What   format.Descriptor
}

// DescriptorPass is a Pass that takes descriptors too, after every span that ended before them. Few
// spans have one.
type DescriptorPass interface {
	Pass
	Descriptor(d Descriptor)
}

// RowPass is a Pass that looks at the rows themselves, each batch before it is walked. What it
// counts must not depend on what spans it has taken by then.
type RowPass interface {
	Pass
	// Rows takes the next rows, with at least the columns that were wanted. The batch is valid
	// during the call only.
	Rows(b *format.Batch)
}

// spanBuffer is how many spans are handed out at once: few enough to stay in the nearest cache.
const spanBuffer = 128

// outlet hands spans to the passes that want them.
type outlet struct {
	passes      []Pass
	wants       []Wants
	union       Wants
	ranges      []RangePass
	limits      []LimitPass
	suspensions []SuspensionPass
	snapshots   []SnapshotPass
	samples     []SamplePass
	descriptors []DescriptorPass
	rounds      []RoundPass
	rows        []RowPass
	windows     []WindowPass
	n           int
	buffer      [spanBuffer]Span
	scratch     []Span
}

func newOutlet(passes []Pass) *outlet {
	o := &outlet{passes: passes}
	for i := range o.buffer {
		s := &o.buffer[i]
		s.TID, s.CPU, s.EndTID, s.EndCPU, s.EndProc = format.Unknown, format.Unknown, format.Unknown, format.Unknown,
			format.Unknown
	}
	for _, p := range passes {
		w := p.Wants()
		w.States &= AllStates
		o.wants = append(o.wants, w)
		o.union.States |= w.States
		o.union.Details = o.union.Details || w.Details || w.Threads
		o.union.Delay = o.union.Delay || w.Delay
		o.union.Threads = o.union.Threads || w.Threads
		o.union.Suspensions = o.union.Suspensions || w.Suspensions || w.Delay || w.Threads
		o.union.Columns |= w.Columns
		if r, ok := p.(RangePass); ok {
			o.ranges = append(o.ranges, r)
		}
		if l, ok := p.(LimitPass); ok {
			o.limits = append(o.limits, l)
		}
		if s, ok := p.(SuspensionPass); ok {
			o.suspensions = append(o.suspensions, s)
		}
		if s, ok := p.(SnapshotPass); ok {
			o.snapshots = append(o.snapshots, s)
			o.union.Columns |= format.Columns(format.ColByGoID, format.ColByStack, format.ColSince)
		}
		if s, ok := p.(SamplePass); ok {
			o.samples = append(o.samples, s)
			o.union.Columns |= format.Columns(format.ColTID, format.ColCPU)
		}
		if d, ok := p.(DescriptorPass); ok {
			o.descriptors = append(o.descriptors, d)
			o.union.Columns |= format.Columns(format.ColTID, format.ColObject)
		}
		if r, ok := p.(RoundPass); ok {
			o.rounds = append(o.rounds, r)
			o.union.Columns |= format.Columns(format.ColByGoID, format.ColByStack, format.ColWeight)
		}
		if r, ok := p.(RowPass); ok {
			o.rows = append(o.rows, r)
		}
		if x, ok := p.(WindowPass); ok {
			o.windows = append(o.windows, x)
		}
	}
	return o
}

// next is the place for the next span; the span counts once advance is called.
func (o *outlet) next() *Span { return &o.buffer[o.n] }

func (o *outlet) advance() {
	if o.n++; o.n == spanBuffer {
		o.flush()
	}
}

func (o *outlet) flush() {
	if o.n == 0 {
		return
	}
	for i, p := range o.passes {
		if spans := o.wanted(&o.wants[i]); len(spans) > 0 {
			p.Spans(spans)
		}
	}
	o.n = 0
}

// wanted is the buffered spans that a pass asked for.
func (o *outlet) wanted(w *Wants) []Span {
	if w.States&o.union.States == o.union.States && w.Threads == o.union.Threads {
		return o.buffer[:o.n]
	}
	o.scratch = o.scratch[:0]
	for i := range o.buffer[:o.n] {
		if s := &o.buffer[i]; s.Thread && w.Threads || !s.Thread && w.States.Has(s.State) {
			o.scratch = append(o.scratch, *s)
		}
	}
	return o.scratch
}

func (o *outlet) sendRange(r Range) {
	if len(o.ranges) == 0 {
		return
	}
	o.flush()
	for _, p := range o.ranges {
		p.Range(r)
	}
}

func (o *outlet) sendLimit(l Limit) {
	if len(o.limits) == 0 {
		return
	}
	o.flush()
	for _, p := range o.limits {
		p.Limit(l)
	}
}

func (o *outlet) sendSuspension(s Suspension) {
	if len(o.suspensions) == 0 {
		return
	}
	o.flush()
	for _, p := range o.suspensions {
		p.Suspension(s)
	}
}

func (o *outlet) sendSnapshot(b *format.Batch, i int, t int64) {
	if len(o.snapshots) == 0 {
		return
	}
	o.flush()
	s := Snapshot{TimeNS: t, PID: b.PID[i], GoID: b.GoID[i], ByGoID: b.ByGoID[i], CreatedAt: b.ByStack[i],
		State: b.To[i]}
	if len(b.SinceNS) > 0 {
		s.SinceNS = b.SinceNS[i]
	}
	for _, p := range o.snapshots {
		p.Snapshot(s)
	}
}

func (o *outlet) sendWindow(w Window) {
	o.flush()
	for _, p := range o.windows {
		p.Window(w)
	}
}

func (o *outlet) sendDescriptor(d Descriptor) {
	o.flush()
	for _, p := range o.descriptors {
		p.Descriptor(d)
	}
}
