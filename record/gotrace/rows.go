package gotrace

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/format"
)

// row is an event that is not written yet, because what follows may show that the tracer meant
// something else.
type row struct {
	format.Event
	hasStack bool // the tracer's event had the stack of who did it
	dropped  bool
}

// openRange is a range whose end has not been seen: where its row is, if it is still pending.
type openRange struct {
	name string
	row  int
}

const (
	maxPending = 2048 // rows that wait at most
	batchRows  = 4096
	lookBack   = 64 // rows in which the tracer's other events of one move are looked for
)

func (i *importer) add(r row) {
	if r.Kind == format.KindGoroutine && i.translated(&r) {
		return
	}
	if len(i.pending) == maxPending {
		i.flush(maxPending / 2)
	}
	i.pending = append(i.pending, r)
}

// translated says whether a move is the end of something that the tracer tells in several events,
// and mends the rows of the others.
func (i *importer) translated(r *row) bool {
	if r.From != format.StateRunnable || r.To != format.StateRunning {
		return false
	}
	for n := len(i.pending) - 1; n >= max(0, len(i.pending)-lookBack); n-- {
		before := &i.pending[n]
		if before.dropped || before.Kind != format.KindGoroutine || before.GoID != r.GoID {
			continue
		}
		switch {
		// it took a P itself
		case before.From == format.StateSyscall && before.Proc != format.Unknown && before.TID == r.TID:
			before.To = format.StateRunning
			return true
		case before.From == format.StateRunning && before.TID == r.TID && i.isResize(before):
			before.dropped = true
			return true
		case before.From == format.StateWaiting:
			return i.isSwitch(n, r)
		}
		return false
	}
	return false
}

// isResize says whether a yield is one that only the tracer sees (go1.26 src/runtime/proc.go,
// procresize).
func (i *importer) isResize(r *row) bool {
	if r.Reason == format.NullString || i.out.Reasons().Lookup(r.Reason) != format.ReasonGosched.String() {
		return false
	}
	stack := i.out.Stacks().Lookup(r.Stack)
	return strings.Contains(stack, "runtime.startTheWorld") || strings.Contains(stack, "runtime.procresize")
}

// isSwitch says whether row n and the one after it are, with r, a switch of coroutines: the reader
// makes three moves of it, a nanosecond apart on one thread, without stacks (go1.26
// src/internal/trace/order.go, advanceGoSwitch). They become two at one time.
func (i *importer) isSwitch(n int, r *row) bool {
	if n+2 != len(i.pending) {
		return false
	}
	woken, left := &i.pending[n], &i.pending[n+1]
	ends := left.To == format.StateNotExist || left.To == format.StateWaiting && left.Reason == format.NullString
	if woken.hasStack || left.hasStack || woken.ByGoID != left.GoID || left.From != format.StateRunning || !ends ||
		woken.TimeNS+1 != left.TimeNS || left.TimeNS+1 != r.TimeNS || woken.TID != r.TID || left.TID != r.TID {
		return false
	}
	if left.To == format.StateWaiting {
		left.Reason = i.text(format.ReasonCoroutine.String())
	}
	left.TimeNS, woken.To, woken.Proc = woken.TimeNS, format.StateRunning, r.Proc
	*woken, *left = *left, *woken
	return true
}

func isKept(name string) bool {
	_, stops := format.IsStopTheWorld(name)
	return stops || format.ParseReason(name) == format.ReasonMarkPhase
}

// rangeBegin begins a range, or a piece of one that is going on.
func (i *importer) rangeBegin(name string, t int64, from format.State) {
	if !isKept(name) || i.opened(name) >= 0 {
		return
	}
	e := format.NoEvent
	e.Kind, e.TimeNS, e.EndNS, e.From, e.To, e.Reason = format.KindRange, t, t, from, format.StateRunning, i.text(name)
	i.add(row{Event: e})
	i.open = append(i.open, openRange{name, len(i.pending) - 1})
}

func (i *importer) opened(name string) int {
	for n := range i.open {
		if i.open[n].name == name {
			return n
		}
	}
	return -1
}

func (i *importer) rangeEnd(name string, t int64) {
	n := i.opened(name)
	if n < 0 {
		return
	}
	r := &i.pending[i.open[n].row]
	r.EndNS, r.To = t, format.StateNotExist
	i.open = append(i.open[:n], i.open[n+1:]...)
}

// flush writes the first n pending rows. A range among them that is still open is written up to now
// and goes on in a piece of its own.
func (i *importer) flush(n int) {
	for k := range i.open {
		if i.open[k].row >= n {
			i.open[k].row -= n
			continue
		}
		piece := &i.pending[i.open[k].row]
		next := *piece
		piece.EndNS = i.end
		next.TimeNS, next.EndNS, next.From = i.end, i.end, format.StateRunning
		i.pending = append(i.pending, next)
		i.open[k].row = len(i.pending) - 1 - n
	}
	for k := range i.pending[:n] {
		if !i.pending[k].dropped {
			i.batch.Append(i.pending[k].Event)
			i.written++
		}
	}
	i.pending = append(i.pending[:0], i.pending[n:]...)
	if i.batch.Len() >= batchRows {
		i.write()
	}
}

func (i *importer) write() {
	if i.err == nil && i.batch.Len() > 0 {
		i.err = i.out.Write(&i.batch)
	}
	i.batch.Reset()
}

// finish writes what is left. Ranges that have no end go on.
func (i *importer) finish() {
	for k := range i.open {
		i.pending[i.open[k].row].EndNS = i.end
	}
	i.open = nil
	i.flush(len(i.pending))
	i.write()
}

// noKernel is why a Go trace lacks a transition.
const noKernel = "Go's tracer does not follow threads in the kernel"

// clock says what the times are.
func (i *importer) clock() string {
	switch {
	case i.wall:
		return "Go trace clock, wall time when the trace began"
	case !i.told.IsZero():
		return "Go trace clock; what time it was is known from outside the trace, roughly"
	default:
		return "Go trace clock; the trace does not say what time it was"
	}
}

// coverage says what an import sees.
func (i *importer) coverage() []format.Coverage {
	all := format.CoverAllBut(noKernel, format.TransitionKernel)
	for k := range all {
		switch all[k].Transition {
		case format.TransitionSamples:
			all[k].Covered = i.samples > 0
			if !all[k].Covered {
				all[k].Why = "the program made no CPU profile while it was traced"
			}
		case format.TransitionDescriptors:
			all[k].Covered, all[k].Why = false, "a Go trace does not have them"
		}
	}
	return all
}

func (i *importer) metadata(opts *Options, truncated error) format.Metadata {
	where := &opts.Where
	m := format.Metadata{
		SchemaVersion: format.SchemaVersion, Source: format.SourceGoTrace, Recorder: opts.Recorder, Clock: i.clock(),
		Host: where.Host, Kernel: where.Kernel, Arch: where.Arch, CPUModel: where.CPUModel, CPUs: where.CPUs,
		Machine:       where.Machine,
		ClockOffsetNS: i.offset, StartNS: i.first, EndNS: i.end, EndReason: "end of the Go trace", MaxStackDepth: 128,
	}
	if i.samples > 0 {
		m.SamplePeriodNS = samplePeriodNS
	}
	if truncated != nil {
		m.EndReason = "the Go trace is cut: " + truncated.Error()
	}
	p := format.Process{PID: format.Unknown, Command: where.Command, GoVersion: fmt.Sprintf("go1.%d", i.minor),
		GOMAXPROCS: i.procs, Coverage: i.coverage()}
	m.Processes = []format.Process{p}
	return m
}
