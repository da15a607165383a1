package format

// GoID is a goroutine's id as the Go runtime numbers it.
type GoID int64

// NoGoroutine is the GoID of no goroutine; it is null in a trace.
const NoGoroutine GoID = 0

// Unknown is the value of a PID, TID, CPU or Proc that was not seen; it is null in a trace.
const Unknown int32 = -1

// StringID is an index into a Strings table. Index 0 is the null string.
type StringID uint32

// NullString is the StringID of no string; it is null in a trace.
const NullString StringID = 0

// Kind says what an event is about.
type Kind uint8

// The kinds of events.
const (
	// KindGoroutine is a goroutine's transition from one state to another.
	KindGoroutine Kind = iota
	// KindThread is a kernel thread of the process going on or off a CPU, or being woken.
	KindThread
	// KindRange is something that lasts: a GC cycle, a stop-the-world pause.
	KindRange
	// KindGap is an interval in which events were lost.
	KindGap
	// KindSnapshot is a goroutine as it was found in the process's memory: at attach, at the end, or in
	// a round.
	KindSnapshot
	// KindLimit is a limit of the process that holds from now on: see Limit.
	KindLimit
	// KindSample is what a thread of the process was doing at a moment when it was on a CPU.
	KindSample
	// KindDescriptor is what a goroutine waits for, where that is a file descriptor: see Descriptor.
	KindDescriptor
	// KindRound is one reading of all goroutines of a process, without probes.
	KindRound

	NumKinds = iota
)

// State is a state of a goroutine or a thread, in the vocabulary of the Go execution trace.
type State uint8

// The states. StateUnknown is null in a trace.
const (
	StateUnknown State = iota
	StateNotExist
	StateRunnable
	StateRunning
	StateSyscall
	StateWaiting
)

// Batch is a run of events as columns of equal length. Row i of a batch is one event.
//
// What each column means for each kind:
//
//   - goroutine: GoID moved From → To on thread TID, CPU, Proc. Reason, Stack, ByGoID and ByStack
//     by move: create (notexist→runnable, or →waiting for a coroutine): Stack is the entry function
//     alone, By* the creator; run (runnable→running): nothing more; park (running→waiting): Reason
//     is the runtime's wait reason, Stack the goroutine's own, Object what it waits for; ready
//     (waiting→runnable): By* the waker; Reason "netpoll", "timer", "sysmon", "gc" or "runtime"
//     where it was no goroutine; yield (running→runnable): Reason "preempted", "runtime.Gosched",
//     "goyield" or "syscall exit"; Stack its own; syscall (running→syscall): Reason the system
//     call's name where known, "cgo" for a call into C; Stack its own; syscall exit
//     (syscall→running, or →runnable when no P was free); exit (running→notexist); coroutine
//     switch: running→waiting "coroutine" of one and waiting→running of the other at the same time
//     and thread, By* the one that left; a C thread entering and leaving Go: notexist→syscall,
//     syscall→notexist.
//   - thread: TID came onto CPU (From runnable, To running, Reason the name of the thread that had
//     been there, "swapper" where the CPU was idle), left it still runnable (running→runnable,
//     Reason the name of the thread that took the CPU), went to sleep (running→waiting, Reason the
//     kernel's state: "sleeping", "disk sleep", …), or was woken (waiting→runnable, ByGoID the
//     goroutine that was running on the waking thread, Reason the name of the thread on the CPU
//     where it last ran, "swapper" where it can have an idle one); GoID is the goroutine on that
//     thread where known.
//   - range: Reason the Go execution trace's name for it ("GC concurrent mark phase",
//     "stop-the-world (GC mark termination)"); [TimeNS, EndNS). A range longer than the recorder's
//     ordering window comes in consecutive pieces: From is StateNotExist where the range begins
//     with this piece and StateRunning where it goes on from an earlier one (StateUnknown: its
//     beginning was not seen); To is StateNotExist where it ends with this piece and StateRunning
//     where it goes on.
//   - gap: [TimeNS, EndNS) and in Reason what is missing and why; no GoID: it holds for every
//     goroutine of PID.
//   - snapshot: GoID was in state To with wait reason Reason and stack Stack at TimeNS; ByGoID its
//     creator and ByStack the go statement's frame where the process still knows them. At the
//     beginning of what a flight recorder saved, To is the state that its moves before say, SinceNS
//     when that began where it was seen, and Object what it waits for.
//     In a round, that is between TimeNS and EndNS of a round row of the process, it stands for Weight
//     goroutines.
//   - limit: from TimeNS on the process has another limit: Reason is a Limit as text. The metadata
//     says what held before the first.
//   - sample: thread TID was on CPU at TimeNS, with goroutine GoID if it had one, whose stack is
//     Stack. Reason says where the thread was if not in the goroutine's own code: in the kernel, on
//     the thread's system stack, in C. It stands for SamplePeriodNS of CPU time in the metadata.
//   - descriptor: at TimeNS GoID was in state To, waiting or in a system call (on thread TID), for a
//     file descriptor, whose number is Object; Reason is a Descriptor as text. There is at most one
//     row for each such stretch of time, and many have none.
//   - round: from TimeNS to EndNS the goroutines of PID were read at a random instant, without probes;
//     its snapshot rows follow. Weight is how many places of goroutines there were for each that was
//     read.
type Batch struct {
	TimeNS  []int64 // nanoseconds since the Unix epoch, ascending over the whole trace
	EndNS   []int64 // end of a range or gap, 0 = null
	Kind    []Kind
	PID     []int32 // Unknown = null; the ids are the root namespace's
	TID     []int32
	CPU     []int32
	Proc    []int32 // the runtime's P
	GoID    []GoID
	From    []State
	To      []State
	Reason  []StringID // in the reasons table
	Stack   []StringID // in the stacks table: frames root first, ";" between, each "func file:line"
	ByGoID  []GoID
	ByStack []StringID // in the stacks table
	Object  []int64    // what a wait is for, an opaque number; 0 = null
	SinceNS []int64    // since when a state lasts that began before the trace, 0 = null
	Weight  []int32    // how many goroutines a row of a round stands for; 0 = null, stands for 1
}

// Len is the number of events in the batch.
func (b *Batch) Len() int { return len(b.TimeNS) }
