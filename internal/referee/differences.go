package referee

// DifferenceID names a row of Differences.
type DifferenceID string

// The rows of Differences.
const (
	StatusEvents    DifferenceID = "status events"
	OwnPAfterLoss   DifferenceID = "P found again by the goroutine itself"
	ExitInTwoSteps  DifferenceID = "system call exit in two steps"
	CoroutineSwitch DifferenceID = "coroutine switch"
	ResizeSchedules DifferenceID = "GOMAXPROCS change by the goroutine's own P"
	OldSyscallExit  DifferenceID = "system call exit in old traces"
	OldStop         DifferenceID = "stop of an old trace"
	CoarseReasons   DifferenceID = "coarser reasons"
	Goyield         DifferenceID = "goyield"
	SkippedFrames   DifferenceID = "frames left out"
	SafePointFrame  DifferenceID = "caller lost at a safe point"
	InterruptedLine DifferenceID = "line of an interrupted loop"
	EdgeOfTrace     DifferenceID = "edge of the trace"
)

// Difference is one way in which Go's tracer tells the same run differently from gosched.
type Difference struct {
	ID       DifferenceID
	Versions string
	Tracer   string // what Go's tracer says
	Ours     string // what gosched says
	Why      string // the place in Go's source
}

// Differences are all that the comparison allows for. Each application is counted in the Report.
var Differences = []Difference{
	{
		StatusEvents, "1.22 and later",
		"repeats the state of each goroutine in every generation (once a second) and names the first state of " +
			"goroutines that it has not seen",
		"nothing: no goroutine moved",
		"go1.26 src/runtime/tracestatus.go writeGoStatus, called from traceAdvance and traceLocker.eventWriter",
	},
	{
		OwnPAfterLoss, "1.22 and later",
		"syscall→runnable and at once runnable→running on the same thread, which holds a P again",
		"syscall→running: the goroutine never waited in a run queue",
		"go1.26 src/runtime/proc.go exitsyscall: GoSysExit(true) then GoStart without a status change where the P " +
			"was lost and another taken, and where dropm has made the P's tick stale",
	},
	{
		ExitInTwoSteps, "1.26 and later",
		"syscall→runnable when the goroutine found no P",
		"syscall→running and then running→runnable \"syscall exit\", which is what the runtime does to the status word",
		"go1.26 src/runtime/proc.go exitsyscall sets _Grunning first; exitsyscallNoP sets _Grunnable and calls " +
			"GoSysExit(true)",
	},
	{
		CoroutineSwitch, "1.23 and later",
		"one GoSwitch event that readers turn into waiting→runnable and runnable→running of the one goroutine " +
			"and running→waiting, without reason and stack, of the other",
		"running→waiting \"coroutine\" of the one and waiting→running of the other",
		"go1.26 src/internal/trace/order.go advanceGoSwitch; src/runtime/coro.go coroswitch_m",
	},
	{
		ResizeSchedules, "all",
		"running→runnable \"runtime.Gosched\" and runnable→running of the goroutine that lowers GOMAXPROCS " +
			"below the number of its own P",
		"nothing: the goroutine keeps running, on another P",
		"go1.26 src/runtime/proc.go procresize: \"Pretend that we were descheduled and then scheduled again to keep " +
			"the trace consistent\"",
	},
	{
		OldSyscallExit, "1.21 and earlier",
		"syscall→runnable and runnable→running at the end of every system call that sysmon saw; no event at all " +
			"at the end of the others, for which readers make one up",
		"syscall→running where the goroutine found a P, syscall→runnable where not",
		"go1.21 src/runtime/trace.go traceGoSysExit, called from proc.go exitsyscall and execute",
	},
	{
		OldStop, "1.21 and earlier",
		"running→runnable \"runtime.Gosched\" of the goroutine that stops the trace, as its last event",
		"nothing: it keeps running",
		"go1.21 src/runtime/trace.go StopTrace: traceGoSched",
	},
	{
		CoarseReasons, "all",
		"a class of wait reasons, such as \"sync\" or \"network\"",
		"the runtime's wait reason, such as \"sync.Mutex.Lock\" or \"IO wait\"",
		"go1.26 src/runtime/traceruntime.go traceBlockReasonStrings against runtime2.go waitReasonStrings; which " +
			"goes with which is the table of wait reasons in this package",
	},
	{
		Goyield, "1.22 and later",
		"\"preempted\"",
		"\"goyield\": the goroutine gave its time to the one it had just woken by unlocking",
		"go1.26 src/runtime/proc.go goyield_m calls GoPreempt",
	},
	{
		SkippedFrames, "all",
		"stacks without runtime.goexit, without runtime.main for goroutine 1, and without the innermost runtime " +
			"functions (gopark and what the place of the event asks to skip)",
		"the whole stack up to the caller of runtime.gopark, which the tracer keeps for GC workers",
		"go1.26 src/runtime/tracestack.go traceStack and its skip argument; the traceskip argument of gopark's callers",
	},
	{
		SafePointFrame, "1.24 and earlier",
		"the stack of a goroutine stopped where a function begins lacks that function and its caller",
		"the whole stack",
		"go.dev/issue/68090, mended by go1.25 src/runtime/tracestack.go traceStack: g.syncSafePoint; go1.24 " +
			"src/runtime/traceruntime.go GoStop: tl.stack(1)",
	},
	{
		InterruptedLine, "all",
		"for a function that a signal stopped, the line (and the inlined function) of the instruction before the " +
			"one it was stopped at",
		"the line of the instruction it was stopped at",
		"go1.26 src/runtime/tracestack.go fpunwindExpand: callPC := retPC - 1, also for runtime.asyncPreempt's " +
			"return address, which is no call's (src/runtime/signal_amd64.go pushCall)",
	},
	{
		EdgeOfTrace, "all",
		"nothing before the world was stopped to start the trace, and nothing after the stop",
		"moves within a hundred milliseconds of the tracer's first and last event, on the far side of the edge",
		"go1.26 src/runtime/trace.go StartTrace: trace.gen.Store under stopTheWorld; traceAdvance: " +
			"trace.gen.Store(0) while others run",
	},
}
