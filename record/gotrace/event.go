package gotrace

import (
	"math"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"github.com/gosched/gosched/format"
)

// importer is the state of one import.
type importer struct {
	out     Writer
	minor   int // of the Go version that the header names
	pending []row
	open    []openRange
	batch   format.Batch
	written int64
	err     error // of the writer

	offset     int64 // from the trace's clock to the Unix epoch
	wall       bool  // the trace says what time it was
	told       time.Time
	begun      bool
	first, end int64
	procs      int // GOMAXPROCS at first, 0: the trace has not said it
	procsNow   int
	samples    int64
	stacks     map[trace.Stack]format.StringID
	seen       map[trace.Stack]stackFacts
	texts      map[string]format.StringID
}

func newImporter(out Writer, minor int) *importer {
	return &importer{out: out, minor: minor, stacks: map[trace.Stack]format.StringID{},
		seen: map[trace.Stack]stackFacts{}, texts: map[string]format.StringID{}}
}

var states = map[trace.GoState]format.State{
	trace.GoNotExist: format.StateNotExist,
	trace.GoRunnable: format.StateRunnable,
	trace.GoRunning:  format.StateRunning,
	trace.GoSyscall:  format.StateSyscall,
	trace.GoWaiting:  format.StateWaiting,
}

func (i *importer) event(ev *trace.Event) {
	if ev.Kind() == trace.EventSync {
		i.sync(ev)
		return
	}
	if !i.begun {
		i.begin(int64(ev.Time()))
	}
	t := int64(ev.Time()) + i.offset
	i.end = max(i.end, t)
	switch ev.Kind() {
	case trace.EventMetric:
		if m := ev.Metric(); m.Name == "/sched/gomaxprocs:threads" {
			i.limit(t, m.Value.Uint64())
		}
	case trace.EventRangeBegin:
		i.rangeBegin(ev.Range().Name, t, format.StateNotExist)
	case trace.EventRangeActive:
		i.rangeBegin(ev.Range().Name, t, format.StateUnknown)
	case trace.EventRangeEnd:
		i.rangeEnd(ev.Range().Name, t)
	case trace.EventStackSample:
		i.sample(ev, t)
	case trace.EventStateTransition:
		if st := ev.StateTransition(); st.Resource.Kind == trace.ResourceGoroutine {
			i.transition(ev, &st, t)
		}
	}
}

// limit takes GOMAXPROCS, which the tracer says at the beginning of each generation and when it
// changes. The first is the metadata's.
func (i *importer) limit(t int64, procs uint64) {
	if procs == 0 || procs > math.MaxInt32 || int(procs) == i.procsNow {
		return
	}
	if i.procsNow = int(procs); i.procs == 0 {
		i.procs = i.procsNow
		return
	}
	e := format.NoEvent
	e.TimeNS, e.Kind = t, format.KindLimit
	e.Reason = i.text(format.Limit{Name: format.LimitProcs, Value: float64(procs)}.String())
	i.add(row{Event: e})
}

// samplePeriodNS is the CPU time that a sample of Go's CPU profiler stands for, unless the program
// has changed its rate, which no trace says (go1.22-1.27 src/runtime/pprof/pprof.go, StartCPUProfile).
const samplePeriodNS = 10e6

// sample takes one of the CPU profiler's samples, which are in traces of programs that profile
// themselves meanwhile.
func (i *importer) sample(ev *trace.Event, t int64) {
	e := format.NoEvent
	e.TimeNS, e.Kind, e.Stack = t, format.KindSample, i.stack(ev.Stack())
	e.TID, e.Proc = known(int64(ev.Thread())), known(int64(ev.Proc()))
	if g := ev.Goroutine(); g != trace.NoGoroutine {
		e.GoID = format.GoID(g)
	}
	i.samples++
	i.add(row{Event: e})
}

// begin takes the trace's first moment. Where the trace does not say when it was, the caller may.
func (i *importer) begin(t int64) {
	if !i.wall && !i.told.IsZero() {
		i.offset = i.told.UnixNano() - t
	}
	i.begun, i.first = true, t+i.offset
}

// sync begins a generation: stacks are numbered anew. The first one with a clock says what time it
// is.
func (i *importer) sync(ev *trace.Event) {
	clear(i.stacks)
	clear(i.seen)
	if c := ev.Sync().ClockSnapshot; c != nil && !i.begun {
		i.offset, i.wall = c.Wall.UnixNano()-int64(c.Trace), true
	}
}

func (i *importer) transition(ev *trace.Event, st *trace.StateTransition, t int64) {
	from, to := st.Goroutine()
	if from == to || to == trace.GoUndetermined {
		return
	}
	e := format.NoEvent
	e.TimeNS, e.GoID, e.To = t, format.GoID(st.Resource.Goroutine()), states[to]
	e.TID, e.Proc = known(int64(ev.Thread())), known(int64(ev.Proc()))
	if from == trace.GoUndetermined {
		i.status(&e, st)
		return
	}
	e.Kind, e.From = format.KindGoroutine, states[from]
	e.Stack = i.stack(st.Stack)
	switch {
	case e.From == format.StateNotExist, e.From == format.StateWaiting:
		if by := ev.Goroutine(); by != trace.NoGoroutine && format.GoID(by) != e.GoID {
			e.ByGoID, e.ByStack = format.GoID(by), i.stack(ev.Stack())
		}
	case e.From == format.StateRunning && e.To == format.StateSyscall:
		e.Reason = i.text(i.facts(st.Stack).syscall)
	case e.From == format.StateRunning && e.To != format.StateNotExist:
		e.Reason = i.text(i.reason(st.Reason, st.Stack))
	}
	i.add(row{Event: e, hasStack: ev.Stack() != trace.NoStack})
}

// status takes the state of a goroutine that the trace has not named before: it was in it all the
// time.
func (i *importer) status(e *format.Event, st *trace.StateTransition) {
	if e.To == format.StateNotExist {
		return
	}
	e.Kind, e.Stack = format.KindSnapshot, i.stack(st.Stack)
	if e.To == format.StateWaiting {
		e.Reason = i.text(i.reason(st.Reason, st.Stack))
	}
	if e.To != format.StateRunning && e.To != format.StateSyscall {
		e.TID, e.Proc = format.Unknown, format.Unknown // those are of who says it
	}
	i.add(row{Event: *e})
}

// known is an id of the tracer's, which has -1 for none.
func known(id int64) int32 {
	if id < 0 || id > 1<<31-1 {
		return format.Unknown
	}
	return int32(id)
}

func (i *importer) text(s string) format.StringID {
	if s == "" {
		return format.NullString
	}
	id, ok := i.texts[s]
	if !ok {
		id = i.out.Reasons().Intern(strings.Clone(s))
		i.texts[strings.Clone(s)] = id
	}
	return id
}
