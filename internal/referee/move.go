package referee

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/format"
)

// Frame is one function of a stack, inlined ones included.
type Frame struct {
	Func string
	Line int
}

func (f Frame) String() string { return fmt.Sprintf("%s:%d", f.Func, f.Line) }

// Stack is a goroutine's stack, root first.
type Stack []Frame

func (s Stack) String() string {
	frames := make([]string, len(s))
	for i, f := range s {
		frames[i] = f.String()
	}
	return strings.Join(frames, " > ")
}

// Move is one transition of one goroutine.
type Move struct {
	TimeNS  int64 // CLOCK_MONOTONIC; in traces of Go 1.21 and earlier the tracer's own clock
	From    format.State
	To      format.State
	Reason  string      // why it parked or yielded; else empty
	By      format.GoID // who created or woke it
	Stack   Stack       // its own; nil: the recording has none
	ByStack Stack       // the creator's or waker's

	thread int64 // the thread as the recording numbers it
	proc   int64 // the P, -1: none or unknown
}

// kind is what the alignment compares: the states before and after.
type kind struct{ from, to format.State }

func (m *Move) kind() kind { return kind{m.From, m.To} }

// The moves that the comparison treats by name.
var (
	create      = kind{format.StateNotExist, format.StateRunnable}
	createCoro  = kind{format.StateNotExist, format.StateWaiting}
	run         = kind{format.StateRunnable, format.StateRunning}
	park        = kind{format.StateRunning, format.StateWaiting}
	yield       = kind{format.StateRunning, format.StateRunnable}
	ready       = kind{format.StateWaiting, format.StateRunnable}
	coroRun     = kind{format.StateWaiting, format.StateRunning}
	syscallIn   = kind{format.StateRunning, format.StateSyscall}
	syscallOut  = kind{format.StateSyscall, format.StateRunning}
	syscallLost = kind{format.StateSyscall, format.StateRunnable}
)

func (k kind) String() string { return k.from.String() + "→" + k.to.String() }

func (m *Move) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", m.TimeNS, m.kind())
	if m.Reason != "" {
		fmt.Fprintf(&b, " %q", m.Reason)
	}
	if m.By != format.NoGoroutine {
		fmt.Fprintf(&b, " by g%d", m.By)
	}
	fmt.Fprintf(&b, " thread %d", m.thread)
	if n := len(m.Stack); n > 0 {
		fmt.Fprintf(&b, " at %s", m.Stack[max(0, n-3):])
	}
	return b.String()
}

// Recording is one recording of a run: the moves of every goroutine in order.
type Recording struct {
	Moves map[format.GoID][]Move
	Begin int64 // the first moment at which the tracer was on
	End   int64 // the last moment at which it was on for certain
	Depth int   // stacks have at most so many frames, inlined ones not counted; 0: no limit
	Lost  int64 // events that the recorder says it lost
	Gaps  []Gap // when it says it did not look

	Ranges  []Range // in the order of their begin
	Assists int     // GC mark assists that began, in a Go trace

	Format string // of a Go trace: the version in its header, "go 1.26"; empty in ours

	Differences map[DifferenceID]int // how often each of Differences was applied
}

// Gap is an interval in which a recorder lost events or did not look for them.
type Gap struct {
	From, To int64
	Why      string
}

func newRecording() *Recording {
	return &Recording{Moves: map[format.GoID][]Move{}, Differences: map[DifferenceID]int{}}
}

// V1 reports whether it is a trace of Go 1.21 or earlier: its clock is its own, and it knows less
// of system calls.
func (r *Recording) V1() bool { return r.Format != "" && r.Format < "go 1.22" }

// Len is the number of moves of all goroutines.
func (r *Recording) Len() int {
	n := 0
	for _, moves := range r.Moves {
		n += len(moves)
	}
	return n
}

// Shift moves all times by ns.
func (r *Recording) Shift(ns int64) {
	r.Begin += ns
	r.End += ns
	for _, moves := range r.Moves {
		for i := range moves {
			moves[i].TimeNS += ns
		}
	}
}
