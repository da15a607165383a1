package replay

import "github.com/gosched/gosched/format"

// Flags say what is not known about a span's ends.
type Flags uint8

// The flags of a span.
const (
	// CensoredLeft means that the state began at an unknown time before Begin.
	CensoredLeft Flags = 1 << iota
	// CensoredRight means that the state went on after End, which is where observation stopped.
	CensoredRight
	// EndUnseen means that the state ended at an unknown time between Begin and End, because moves
	// are missing from the trace. The length of such a span is an upper bound and not a
	// measurement.
	EndUnseen
	// AfterGap comes with CensoredLeft: the goroutine was found in this state after a time that was
	// not watched. Such spans tell nothing of how long those last that begin: the longer one is, the
	// likelier it reaches over a gap's end.
	AfterGap
)

// Censored says that the state lasted at least as long as the span, and maybe longer.
func (f Flags) Censored() bool { return f&(CensoredLeft|CensoredRight) != 0 }

// Why says why a goroutine became runnable.
type Why uint8

// The reasons to become runnable.
const (
	WhyUnknown     Why = iota // not seen: the span is censored at its left
	WhyCreated                // a go statement
	WhyWoken                  // something that it waited for happened; Span.Waited names the wait
	WhyPreempted              // it ran too long, or the garbage collector wanted it to stop
	WhyGosched                // it called runtime.Gosched
	WhyGoyield                // the runtime let another goroutine go first
	WhySyscallExit            // it came back from a system call and there was no P for it
	WhyYielded                // it gave up its P for a reason that the trace does not name
	numWhys
)

var whyNames = [numWhys]string{
	WhyUnknown: "unknown", WhyCreated: "created", WhyWoken: "woken", WhyYielded: "yielded",
	WhyPreempted: format.ReasonPreempted.String(), WhyGosched: format.ReasonGosched.String(),
	WhyGoyield: format.ReasonGoyield.String(), WhySyscallExit: format.ReasonSyscallExit.String(),
}

// String is the name that reports print.
func (w Why) String() string {
	if w >= numWhys {
		return whyNames[WhyUnknown]
	}
	return whyNames[w]
}

// yieldReasons are the reasons of a move running→runnable, as format.Batch states them.
var yieldReasons = map[format.Reason]Why{
	format.ReasonPreempted:   WhyPreempted,
	format.ReasonGosched:     WhyGosched,
	format.ReasonGoyield:     WhyGoyield,
	format.ReasonSyscallExit: WhySyscallExit,
}

// EntryID names an entry function, which is what we call a goroutine's kind. Names.Entry gives its
// name.
type EntryID uint32

// UnknownEntry is the EntryID of a goroutine whose entry function was not seen.
const UnknownEntry EntryID = 0

// Span is a stretch of time that a goroutine spent in one state.
//
// The fields without End in their name come from the row that began the state; they are null where
// it was not seen. Those with End come from the row that ended it, and are null in a span that no
// row ended.
type Span struct {
	Begin, End int64 // nanoseconds since the Unix epoch
	GoID       format.GoID
	ByGoID     format.GoID     // who began it: of a runnable span the creator or waker
	EndByGoID  format.GoID     // who ended it: of a waiting span the waker
	Reason     format.StringID // why it is in this state: a wait reason, a system call, why it yielded
	Stack      format.StringID // where it is in this state: its own stack, or of a new goroutine the entry function
	ByStack    format.StringID
	Waited     format.StringID // of a runnable span that began with a wake-up: the reason of the wait before
	EndReason  format.StringID // of a waiting span: "netpoll", "timer", … where no goroutine woke it
	// EndStack is where it was at the end: of a running span where it parked, yielded or entered
	// the kernel. It is null where its entry function had returned by then: that it ran is all that
	// is known.
	EndStack    format.StringID
	EndByStack  format.StringID
	Entry       EntryID
	PID         int32
	TID         int32
	CPU         int32
	Proc        int32
	EndTID      int32 // of a runnable span: the thread that ran it
	EndCPU      int32
	EndProc     int32
	Object      int64 // of a waiting span: what it waits for, see format.Batch; 0: not known
	State       format.State
	Next        format.State // the state after it; StateUnknown where it was not seen
	Why         Why          // of a runnable span
	Flags       Flags
	Thread      bool  // it is a thread's, not a goroutine's: see Wants.Threads
	SuspendedNS int64 // of its length, in which the whole process was stopped from outside; if a pass wants it
	// of a goroutine's runnable span that ended with running, if a pass wants it; of a thread's,
	// always, PartOffCPU or PartWakeUp alone
	Delay Delay
}

// Len is the time between the span's ends in nanoseconds.
func (s *Span) Len() int64 { return s.End - s.Begin }

// Range is something that lasts and concerns the whole process: a GC phase, a stop-the-world pause.
type Range struct {
	Begin, End int64
	PID        int32
	Reason     format.StringID
	// CensoredLeft: it goes on from an earlier piece or its beginning was not seen; CensoredRight:
	// another piece follows
	Flags     Flags
	StopWorld bool
}
