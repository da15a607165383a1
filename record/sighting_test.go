package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

// memoryCase is a goroutine found in memory among its events. Times are in microseconds; recording
// began at 0, events before it come from when the probes were being attached.
type memoryCase struct {
	name   string
	set    func(*follower)
	events []event // as the probes saw them, in any order
	own    []event // what the recorder made
	want   []string
	unsure [2]int64
}

func do(o gobin.Op, time, goid int64) event {
	return event{op: op(o), time: 1000 * time, goid: goid, tid: 1}
}

func coroEnd(time, goid, next int64) event {
	return event{op: op(gobin.OpCoroSwitch), time: 1000 * time, goid: goid, byGoid: next, tid: 1, flags: flagCoroExit}
}

// reads is a reading of memory from one time to another, with what it found in between.
func reads(from, to int64, found ...event) []event {
	out := []event{{op: opReadBegin, time: 1000 * from}}
	out = append(out, found...)
	return append(out, event{op: opReadEnd, time: 1000 * to})
}

// sees is a goroutine found in a state between two times.
func sees(from, to, goid int64, state format.State, flags ...uint16) event {
	e := event{
		op: opSnapshot, time: 1000 * to, text: uint32(to - from), goid: goid, tid: -1, proc: -1, flags: uint16(state),
	}
	for _, f := range flags {
		e.flags |= f
	}
	return e
}

func (c *memoryCase) rows() (rows []string, unsure [2]int64) {
	reasons, traces := format.NewStrings(), format.NewStrings()
	texts := newTexts(reasons, []string{"", "chan receive"}, nil)
	r := &rowsText{}
	f := newFollower(0, r.make(), texts, stacks.New(program{}, traces, reasons))
	f.seesCreate = true
	if c.set != nil {
		c.set(f)
	}
	o := newOrderer(1, 0)
	for i := range c.events {
		if e := &c.events[i]; e.time < 0 {
			f.seeEarly(e)
		} else {
			o.push(0, e)
		}
	}
	for i := range c.own {
		o.own(&c.own[i])
	}
	o.merge(math.MaxInt64 - 1)
	o.take(math.MaxInt64-1, f.emit, f.piece)
	return r.text(), f.unsure
}

// rowsText are the rows of a test, as text.
type rowsText struct{ batch format.Batch }

func (r *rowsText) make() *rows {
	return &rows{batch: &r.batch, full: func(b *format.Batch) *format.Batch { return b }}
}

func (r *rowsText) text() (out []string) {
	for i := range r.batch.Len() {
		e := r.batch.At(i)
		out = append(out, fmt.Sprintf("%d %v g%d %v->%v", e.TimeNS/1000, e.Kind, e.GoID, e.From, e.To))
	}
	return out
}

const (
	isRunnable = format.StateRunnable
	isRunning  = format.StateRunning
	isSyscall  = format.StateSyscall
	isWaiting  = format.StateWaiting
)

func TestMemoryIsOlderThanTheEvents(t *testing.T) {
	none := []string(nil)
	for _, c := range slices.Concat(atTheEnd, atTheBeginning, afterAGap, withoutTransitions) {
		t.Run(c.name, func(t *testing.T) {
			rows, unsure := c.rows()
			var snapshots []string
			for _, row := range rows {
				if strings.Contains(row, "snapshot") {
					snapshots = append(snapshots, row)
				}
			}
			if want := append(none, c.want...); !slices.Equal(snapshots, want) || unsure != c.unsure {
				t.Errorf("told %q, unsure %v; want %q, %v; all rows:\n%s", snapshots, unsure, want, c.unsure,
					strings.Join(rows, "\n"))
			}
		})
	}
}

var atTheEnd = []memoryCase{
	{
		name:   "at the end, one that ended during the reading and was read before",
		events: []event{do(gobin.OpCreate, 1, 7), do(gobin.OpRun, 2, 7), do(gobin.OpExit, 55, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name:   "at the end, one that ended before its part of the reading, and whose state was not written yet",
		events: []event{do(gobin.OpCreate, 1, 7), do(gobin.OpRun, 2, 7), do(gobin.OpExit, 55, 7)},
		own:    reads(50, 70, sees(55, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name:   "at the end, one that ended as it was seen runnable",
		events: []event{do(gobin.OpCreate, 51, 7), do(gobin.OpRun, 52, 7), do(gobin.OpExit, 53, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
	},
	{
		name:   "at the end, a coroutine that ended during the reading",
		events: []event{do(gobin.OpCreateCoro, 1, 7), do(gobin.OpRun, 2, 8), coroEnd(55, 7, 8)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name: "at the end, one that ended and whose g another has now",
		events: []event{
			do(gobin.OpCreate, 1, 7), do(gobin.OpRun, 2, 7), do(gobin.OpExit, 51, 7),
			do(gobin.OpCreate, 52, 8), do(gobin.OpRun, 53, 8), do(gobin.OpPark, 54, 8),
		},
		own:  reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd), sees(55, 60, 8, isWaiting, snapshotEnd)),
		want: []string{"60 snapshot g8 unknown->waiting"},
	},
	{
		name:   "at the end, one whose creation comes before the end of its reading",
		events: []event{do(gobin.OpCreate, 59, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
	},
	{
		name:   "at the end, one whose creation comes after its reading",
		events: []event{do(gobin.OpCreate, 61, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
	},
	{
		name:   "at the end, one whose creation comes after the recording",
		own:    reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
		unsure: [2]int64{0, 1},
	},
	{
		name:   "at the end, one that moved during the reading",
		events: []event{do(gobin.OpRun, 1, 7), do(gobin.OpPark, 50, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name:   "at the end, one whose last move is not written yet",
		events: []event{do(gobin.OpRun, 1, 7), do(gobin.OpPark, 2, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name:   "at the end, one that stands still",
		events: []event{do(gobin.OpRun, 1, 7), do(gobin.OpPark, 2, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isWaiting, snapshotEnd)),
		want:   []string{"60 snapshot g7 unknown->waiting"},
	},
	{
		name: "at the end, one that never moved",
		own:  reads(50, 70, sees(50, 60, 7, isWaiting, snapshotEnd)),
		want: []string{"60 snapshot g7 unknown->waiting"},
	},
	{
		name:   "at the end, a C thread that left Go long ago and is not written yet",
		events: []event{do(gobin.OpNeedM, 1, 7), do(gobin.OpDropM, 2, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isSyscall, snapshotEnd)),
	},
	{
		name:   "at the end, a C thread that left Go and came back",
		events: []event{do(gobin.OpNeedM, 1, 7), do(gobin.OpDropM, 2, 7), do(gobin.OpNeedM, 3, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isSyscall, snapshotEnd)),
		want:   []string{"60 snapshot g7 unknown->syscall"},
	},
}

var atTheBeginning = []memoryCase{
	{
		name: "at the beginning, one that stands still",
		own:  reads(1, 20, sees(1, 10, 7, isWaiting)),
		want: []string{"10 snapshot g7 unknown->waiting"},
	},
	{
		name:   "at the beginning, one that ended during the reading",
		events: []event{do(gobin.OpExit, 5, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isRunning)),
	},
	{
		name:   "at the beginning, one that ended after recording began and a tick before its part of the reading",
		events: []event{do(gobin.OpExit, 1, 7)},
		own:    reads(0, 20, sees(2, 10, 7, isRunning)),
	},
	{
		name:   "at the beginning, one that ended before recording began",
		events: []event{do(gobin.OpRun, -3, 7), do(gobin.OpExit, -2, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isRunning)),
	},
	{
		name:   "at the beginning, one that ended and whose g another has now",
		events: []event{do(gobin.OpExit, 2, 7), do(gobin.OpCreate, 3, 8)},
		own:    reads(1, 20, sees(1, 10, 7, isRunning), sees(1, 10, 8, isRunnable, snapshotFresh)),
	},
	{
		name:   "at the beginning, one whose creation comes after its reading",
		events: []event{do(gobin.OpCreate, 11, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isRunnable, snapshotFresh)),
	},
	{
		name: "at the beginning, one that was created before and has not run",
		own:  reads(1, 20, sees(1, 10, 7, isRunnable, snapshotFresh)),
		want: []string{"10 snapshot g7 unknown->runnable"},
	},
	{
		name:   "at the beginning, one that has not run, where ids come late",
		set:    func(f *follower) { f.lateIDs = true },
		own:    reads(1, 20, sees(1, 10, 7, isRunnable, snapshotFresh)),
		unsure: [2]int64{1, 0},
	},
	{
		name:   "at the beginning, one that moved during the reading",
		events: []event{do(gobin.OpPark, 5, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isRunning)),
	},
	{
		name:   "at the beginning, one that parked before recording began",
		events: []event{do(gobin.OpPark, -2, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isWaiting)),
		want:   []string{"10 snapshot g7 unknown->waiting"},
	},
	{
		name:   "at the beginning, one whose move before it is not written yet",
		events: []event{do(gobin.OpPark, -2, 7), do(gobin.OpRun, -3, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isRunning)),
		unsure: [2]int64{1, 0},
	},
	{
		name:   "at the beginning, one that moved on unseen before it",
		events: []event{do(gobin.OpRun, -3, 7)},
		own:    reads(1, 20, sees(1, 10, 7, isWaiting)),
		want:   []string{"10 snapshot g7 unknown->waiting"},
	},
	{
		name:   "at the beginning, both sides of a switch before it",
		events: []event{{op: op(gobin.OpCoroSwitch), time: -1000, goid: 7, byGoid: 8}},
		own:    reads(1, 20, sees(1, 10, 7, isRunning), sees(1, 10, 8, isRunning)),
		want:   []string{"10 snapshot g8 unknown->running"},
		unsure: [2]int64{1, 0},
	},
	{
		name:   "one that moved early, found again at the end",
		events: []event{do(gobin.OpPark, -2, 7)},
		own: append(reads(1, 20, sees(1, 10, 7, isRunning)),
			reads(50, 70, sees(50, 60, 7, isWaiting, snapshotEnd))...),
		want:   []string{"60 snapshot g7 unknown->waiting"},
		unsure: [2]int64{1, 0},
	},
}

func gapBetween(from, to int64) event {
	return event{op: opGap, time: 1000 * from, byGoid: 1000 * to}
}

var afterAGap = []memoryCase{
	{
		name:   "after a gap, one that was seen before it",
		events: []event{do(gobin.OpRun, 1, 7), do(gobin.OpPark, 2, 7)},
		own:    append(reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)), gapBetween(10, 20)),
		want:   []string{"60 snapshot g7 unknown->running"},
	},
	{
		name:   "after a gap, one that ended after it",
		events: []event{do(gobin.OpRun, 1, 7), do(gobin.OpExit, 51, 7)},
		own:    append(reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)), gapBetween(10, 20)),
	},
	{
		name:   "after a gap, one that has not run and may have been created in it",
		own:    append(reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)), gapBetween(10, 20)),
		unsure: [2]int64{0, 1},
	},
	{
		name:   "one that was read before the end of a gap",
		own:    append(reads(50, 70, sees(50, 60, 7, isWaiting, snapshotEnd)), gapBetween(40, 55)),
		unsure: [2]int64{0, 1},
	},
	{
		name: "one that was read after the end of a gap",
		own:  append(reads(50, 70, sees(55, 60, 7, isWaiting, snapshotEnd)), gapBetween(40, 55)),
		want: []string{"60 snapshot g7 unknown->waiting"},
	},
	{
		name:   "one that was read in a gap at the beginning",
		own:    append(reads(1, 20, sees(1, 10, 7, isWaiting)), gapBetween(2, 5)),
		unsure: [2]int64{1, 0},
	},
}

var withoutTransitions = []memoryCase{
	{
		name:   "without exit, one that runs on",
		events: []event{do(gobin.OpCreate, 1, 7), do(gobin.OpRun, 2, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
		want:   []string{"60 snapshot g7 unknown->running"},
	},
	{
		name:   "without create, one that ended during the reading",
		set:    func(f *follower) { f.seesCreate = false },
		events: []event{do(gobin.OpRun, 2, 7), do(gobin.OpExit, 51, 7)},
		own:    reads(50, 70, sees(50, 60, 7, isRunning, snapshotEnd)),
	},
	{
		name: "without create, one that has not run",
		set:  func(f *follower) { f.seesCreate = false },
		own:  reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
		want: []string{"60 snapshot g7 unknown->runnable"},
	},
	{
		name:   "without create, one that has not run, where ids come late",
		set:    func(f *follower) { f.seesCreate, f.lateIDs = false, true },
		own:    reads(50, 70, sees(50, 60, 7, isRunnable, snapshotEnd, snapshotFresh)),
		unsure: [2]int64{0, 1},
	},
}

// TestEndsAreRememberedOnlyWhileMemoryIsRead creates and ends goroutines before, during and after a
// reading.
func TestEndsAreRememberedOnlyWhileMemoryIsRead(t *testing.T) {
	texts := newTexts(format.NewStrings(), nil, nil)
	f := newFollower(0, new(rowsText).make(), texts, stacks.New(program{}, format.NewStrings(), format.NewStrings()))
	var time, goid int64
	ends := func(n int) {
		for range n {
			time, goid = time+1000, goid+1
			for _, o := range []gobin.Op{gobin.OpCreate, gobin.OpRun, gobin.OpExit} {
				e := do(o, time, goid)
				f.emit(&e)
			}
		}
	}
	check := func(when string, most int) {
		t.Helper()
		if len(f.gs) > most || len(f.ended) > most {
			t.Fatalf("%s, %d goroutines are remembered and %d ends, want at most %d",
				when, len(f.gs), len(f.ended), most)
		}
	}
	ends(1000)
	check("before the reading", 0)
	f.emit(&event{op: opReadBegin, time: 1000 * time})
	for range 50 {
		began := time
		ends(100)
		e := sees(began, time, 1<<40, isWaiting, snapshotEnd)
		f.emit(&e)
		check("during the reading", 112) // and those of the tick before
		if len(f.ended) < 100 {
			t.Errorf("%d ends are remembered of the 100 since this part of the reading began", len(f.ended))
		}
	}
	f.emit(&event{op: opReadEnd, time: 1000 * time})
	check("after the reading", 1) // the one that was found
	ends(1000)
	check("long after it", 1)
}
