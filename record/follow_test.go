package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/stacks"
)

// program is one in which every pc is a function of its own.
type program struct{}

func frame(pc uint64) gobin.Frame {
	names := map[uint64]string{
		1: "runtime.goexit", 2: "main.work", 3: "runtime.gopark", 4: "runtime.asyncPreempt", 5: "runtime.asyncPreempt2",
		6: "syscall.Syscall", 7: "syscall.fsync", 8: "runtime.reentersyscall", 9: "runtime.cgocall",
	}
	return gobin.Frame{Func: names[pc/10], File: "f.go", Line: int(pc)}
}

func (program) StartFrame(pc uint64) (gobin.Frame, bool) { return frame(pc), true }
func (program) CallFrames(ret uint64) []gobin.Frame      { return []gobin.Frame{frame(ret - 1)} }
func (program) Frameless(uint64) bool                    { return false }
func (program) FuncAt(pc uint64) (gobin.Func, bool)      { return gobin.Func{Name: frame(pc).Func}, true }
func (program) Unknown(uint64) (uint64, bool)            { return 0, false }
func (program) AppendStack(dst []gobin.Frame, pcs []uint64, exact bool) []gobin.Frame {
	for i, pc := range pcs {
		if i > 0 || !exact {
			pc--
		}
		dst = append(dst, frame(pc))
	}
	return dst
}

// run follows events and gives the rows as text.
func run(t *testing.T, define func(*stacks.Table), events ...event) []string {
	t.Helper()
	reasons, traces := format.NewStrings(), format.NewStrings()
	texts := newTexts(reasons, []string{"", "chan receive", "IO wait", "sleep", "sync.Mutex.Lock"},
		[]string{"unknown", "GC sweep termination"})
	s := stacks.New(program{}, traces, reasons)
	if define != nil {
		define(s)
	}
	r := &rows{batch: &format.Batch{}, full: func(b *format.Batch) *format.Batch { return b }}
	f := newFollower(0, r, texts, s)
	for i := range events {
		f.emit(&events[i])
	}
	var out []string
	for i := range r.batch.Len() {
		e := r.batch.At(i)
		text := fmt.Sprintf("%d %v g%d %v->%v", e.TimeNS, e.Kind, e.GoID, e.From, e.To)
		for _, s := range []string{reasons.Lookup(e.Reason), traces.Lookup(e.Stack)} {
			if s != "" {
				text += " [" + s + "]"
			}
		}
		if e.ByGoID != 0 {
			text += fmt.Sprintf(" by g%d", e.ByGoID)
		}
		out = append(out, text)
	}
	return out
}

func TestFollowerTellsWhatEventsMean(t *testing.T) {
	do := func(o gobin.Op, time, goid int64, more ...func(*event)) event {
		e := event{op: op(o), time: time, goid: goid, tid: 1}
		for _, m := range more {
			m(&e)
		}
		return e
	}
	reason := func(n uint8) func(*event) { return func(e *event) { e.reason = n } }
	by := func(goid int64) func(*event) { return func(e *event) { e.byGoid = goid } }
	flags := func(f uint16) func(*event) { return func(e *event) { e.flags = f } }
	noP := func(e *event) { e.proc = format.Unknown }
	stack := func(hash uint64) func(*event) { return func(e *event) { e.stack = hash } }
	define := func(t *stacks.Table) {
		t.Define(100, stacks.Stack{Whole: true, PCs: []uint64{31, 21, 11}}) // gopark < work < goexit
		// interrupted at an exact pc; junk below goexit
		t.Define(101, stacks.Stack{Whole: true, PCs: []uint64{51, 41, 25, 11, 99}})
		t.Define(102, stacks.Stack{Whole: true, PCs: []uint64{81, 61, 71, 21, 11}}) // a system call
		t.Define(103, stacks.Stack{Whole: true, PCs: []uint64{91, 21, 11}})         // a call into C
		t.Define(104, stacks.Stack{PCs: []uint64{31, 21}})                          // broken
	}
	for _, c := range []struct {
		name   string
		events []event
		want   []string
	}{
		{"a goroutine's life", []event{
			do(gobin.OpCreate, 1, 7, by(1), stack(20)),
			do(gobin.OpRun, 2, 7),
			do(gobin.OpPark, 3, 7, reason(1), stack(100)),
			do(gobin.OpReady, 4, 7, by(1)),
			do(gobin.OpRun, 5, 7),
			do(gobin.OpExit, 6, 7),
		}, []string{
			"1 goroutine g7 notexist->runnable [main.work f.go:20] by g1",
			"2 goroutine g7 runnable->running",
			"3 goroutine g7 running->waiting [chan receive] [main.work f.go:20]",
			"4 goroutine g7 waiting->runnable by g1",
			"5 goroutine g7 runnable->running",
			"6 goroutine g7 running->notexist",
		}},
		{"the scheduler makes ready what it runs at once", []event{
			do(gobin.OpPark, 1, 7, reason(2)),
			do(gobin.OpRun, 2, 7),
		}, []string{
			"1 goroutine g7 running->waiting [IO wait]",
			"2 goroutine g7 waiting->runnable [netpoll]",
			"2 goroutine g7 runnable->running",
		}},
		{"who wakes when no goroutine does", []event{
			do(gobin.OpReady, 1, 7, reason(3)),
			do(gobin.OpInject, 2, 7, reason(2)),
			do(gobin.OpReady, 3, 7, reason(2)),
			do(gobin.OpReady, 4, 7, reason(4), noP),
			do(gobin.OpReady, 5, 7, reason(200)),
		}, []string{
			"1 goroutine g7 waiting->runnable [timer]",
			"2 goroutine g7 waiting->runnable [netpoll]",
			"3 goroutine g7 waiting->runnable [timer]",
			"4 goroutine g7 waiting->runnable [sysmon]",
			"5 goroutine g7 waiting->runnable [runtime]",
		}},
		{"yields", []event{
			do(gobin.OpYield, 1, 7),
			do(gobin.OpYield, 2, 7, flags(flagPreempted), stack(101)),
			do(gobin.OpGoyield, 3, 7),
			do(gobin.OpPreemptPark, 4, 7, stack(104)),
		}, []string{
			"1 goroutine g7 running->runnable [runtime.Gosched]",
			"2 goroutine g7 running->runnable [preempted] [main.work f.go:25;runtime.asyncPreempt " +
				"f.go:40;runtime.asyncPreempt2 f.go:50]",
			"3 goroutine g7 running->runnable [goyield]",
			"4 goroutine g7 running->waiting [preempted] [[truncated];main.work f.go:20]",
		}},
		{"system calls are named by their functions", []event{
			do(gobin.OpSyscallEnter, 1, 7, stack(102)),
			do(gobin.OpSyscallExit, 2, 7),
			do(gobin.OpSyscallEnter, 3, 7, stack(103)),
			{op: opSyscallSlow, time: 4, goid: 7},
		}, []string{
			"1 goroutine g7 running->syscall [fsync] [main.work f.go:20;syscall.fsync f.go:70;syscall.Syscall f.go:60]",
			"2 goroutine g7 syscall->running",
			"3 goroutine g7 running->syscall [cgo] [main.work f.go:20;runtime.cgocall f.go:90]",
			"4 goroutine g7 syscall->runnable",
		}},
		{"coroutines hand their thread over", []event{
			do(gobin.OpCreateCoro, 1, 8, by(7)),
			do(gobin.OpCoroSwitch, 2, 7, by(8)),
			do(gobin.OpCoroSwitch, 3, 8, by(7), flags(flagCoroExit)),
		}, []string{
			"1 goroutine g8 notexist->waiting [coroutine] by g7",
			"2 goroutine g7 running->waiting [coroutine]",
			"2 goroutine g8 waiting->running by g7",
			"3 goroutine g8 running->notexist",
			"3 goroutine g7 waiting->running by g8",
		}},
		{"threads know their goroutine", []event{
			do(gobin.OpRun, 1, 7),
			{op: opThreadOff, time: 2, tid: 1, flags: flagInvoluntary},
			{op: opThreadOn, time: 3, tid: 1},
			{op: opThreadWake, time: 4, tid: 2, other: 1},
			do(gobin.OpPark, 5, 7, reason(1)),
			{op: opThreadOff, time: 6, tid: 1},
			{op: opThreadOff, time: 7, tid: 1, flags: flagDead},
		}, []string{
			"1 goroutine g7 runnable->running",
			"2 thread g7 running->runnable",
			"3 thread g7 runnable->running",
			"4 thread g0 waiting->runnable by g7",
			"5 goroutine g7 running->waiting [chan receive]",
			"6 thread g0 running->waiting",
			"7 thread g0 running->notexist",
		}},
		{"nothing is known after a gap", []event{
			do(gobin.OpPark, 1, 7, reason(2)),
			{op: opGap, time: 2, byGoid: 3},
			do(gobin.OpRun, 4, 7),
		}, []string{
			"1 goroutine g7 running->waiting [IO wait]",
			"2 gap g0 unknown->unknown",
			"4 goroutine g7 runnable->running",
		}},
		{"a snapshot at attach gives way to what was seen", []event{
			do(gobin.OpRun, 1, 7),
			{op: opSnapshot, time: 2, goid: 7, tid: -1, flags: uint16(format.StateWaiting), reason: 1},
			{op: opSnapshot, time: 2, goid: 8, tid: -1, flags: uint16(format.StateWaiting), reason: 1},
			{op: opSnapshot, time: 3, goid: 7, tid: -1, flags: uint16(format.StateRunning) | snapshotEnd},
		}, []string{
			"1 goroutine g7 runnable->running",
			"2 snapshot g8 unknown->waiting [chan receive]",
			"3 snapshot g7 unknown->running",
		}},
		{"a snapshot at the end shows a wake-up that no probe sees", []event{
			do(gobin.OpPark, 1, 7, reason(2)),
			{op: opSnapshot, time: 5, goid: 7, tid: -1, flags: uint16(format.StateRunnable) | snapshotEnd},
			do(gobin.OpRun, 6, 7),
		}, []string{
			"1 goroutine g7 running->waiting [IO wait]",
			"5 goroutine g7 waiting->runnable [netpoll]",
			"5 snapshot g7 unknown->runnable",
			"6 goroutine g7 runnable->running",
		}},
		{"a snapshot at the end does not show a move that has only begun", []event{
			do(gobin.OpPark, 1, 7, reason(2)),
			do(gobin.OpReady, 2, 7, by(1)),
			{op: opSnapshot, time: 5, goid: 7, tid: -1, flags: uint16(format.StateWaiting) | snapshotEnd},
			{op: opSnapshot, time: 5, goid: 7, tid: -1, flags: uint16(format.StateRunning) | snapshotEnd},
		}, []string{
			"1 goroutine g7 running->waiting [IO wait]",
			"2 goroutine g7 waiting->runnable by g1",
			"5 snapshot g7 unknown->running",
		}},
		{"a snapshot at the end of what moved while it was read is dropped", []event{
			do(gobin.OpPark, 4, 7, reason(2)),
			{op: opSnapshot, time: 5, goid: 7, tid: -1, text: 1, flags: uint16(format.StateRunning) | snapshotEnd},
		}, []string{
			"4 goroutine g7 running->waiting [IO wait]",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, define, c.events...)
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestADescriptorIsToldOnceForEachWait(t *testing.T) {
	wait := func(at, goid int64) event {
		return event{op: op(gobin.OpPark), time: at, goid: goid, reason: 2, tid: 7}
	}
	call := func(at, goid int64) event {
		return event{op: op(gobin.OpSyscallEnter), time: at, goid: goid, tid: 7}
	}
	found := func(at, goid int64, tid int32) event {
		return event{op: opDescriptor, time: at, goid: goid, tid: tid, object: 3}
	}
	ready := event{op: op(gobin.OpInject), time: 30, goid: 1}
	for _, c := range []struct {
		name   string
		events []event
		want   string
	}{
		{"twice in one wait", []event{wait(10, 1), found(20, 1, -1), found(21, 1, -1)}, "20"},
		{"in two waits", []event{wait(10, 1), found(20, 1, -1), ready, {op: op(gobin.OpRun), time: 31, goid: 1},
			wait(40, 1), found(41, 1, -1)}, "20 41"},
		{"of one that does not wait any more", []event{wait(10, 1), ready, found(31, 1, -1)}, ""},
		{"of one that is not known", []event{found(20, 1, -1)}, ""},
		{"on a thread", []event{call(10, 2), found(20, 0, 7)}, "20"},
		{"on a thread whose goroutine is back", []event{call(10, 2), {op: op(gobin.OpSyscallExit), time: 15, goid: 2,
			tid: 7}, found(20, 0, 7)}, ""},
		{"on a thread that is not known", []event{call(10, 2), found(20, 0, 8)}, ""},
		{"on a thread of which another goroutine is", []event{call(10, 2), wait(20, 3), found(30, 0, 7)}, ""},
	} {
		var got []string
		for _, line := range run(t, nil, c.events...) {
			if at, rest, _ := strings.Cut(line, " "); strings.HasPrefix(rest, format.KindDescriptor.String()) {
				got = append(got, at)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: rows at %q; want %q", c.name, got, c.want)
		}
	}
}
