package format

import (
	"fmt"
	"slices"
	"strings"
)

// Transition is a class of transitions: what a recording sees of a process, or does not, as a
// whole. A new class has a constant here, a row in transitionSpecs, and probe points.
type Transition uint8

// The classes of transitions, in the order in which people are told of them.
const (
	TransitionNone Transition = iota // of no class
	TransitionCreate
	TransitionRun
	TransitionPark
	TransitionReady
	TransitionYield
	TransitionExit
	TransitionSyscalls
	TransitionCoroutines
	TransitionCgo
	TransitionGC
	TransitionKernel
	TransitionStacks
	TransitionSamples
	TransitionDescriptors

	NumTransitions = iota
)

// transitionSpecs names the classes. A class's name is what the metadata holds.
var transitionSpecs = [NumTransitions]struct{ name, meaning string }{
	TransitionCreate:     {"create", "Goroutines being created, and by whom."},
	TransitionRun:        {"run", "Goroutines getting a P."},
	TransitionPark:       {"park", "Goroutines that begin to wait, and for what."},
	TransitionReady:      {"ready", "Goroutines being made ready, and by whom."},
	TransitionYield:      {"yield", "Goroutines that yield, are preempted, or find no P after a system call."},
	TransitionExit:       {"exit", "Goroutines that end."},
	TransitionSyscalls:   {"syscalls", "System calls and calls into C."},
	TransitionCoroutines: {"coroutines", "Switches between coroutines (iter.Pull)."},
	TransitionCgo:        {"cgo", "C threads that enter and leave Go."},
	TransitionGC:         {"gc", "Garbage collections and stop-the-world pauses."},
	TransitionKernel:     {"kernel", "The process's threads going on and off the CPUs."},
	TransitionStacks:     {"stacks", "Where in the code it happened."},
	TransitionSamples:    {"samples", "What ran on the CPUs, looked at many times a second."},
	TransitionDescriptors: {"descriptors", "Which file descriptors goroutines wait for, looked at ten times a " +
		"second."},
}

// Transitions are all classes, in order.
func Transitions() []Transition {
	all := make([]Transition, 0, NumTransitions-1)
	for t := TransitionNone + 1; t < NumTransitions; t++ {
		all = append(all, t)
	}
	return all
}

// ParseTransition gives the class of that name.
func ParseTransition(name string) (Transition, bool) {
	for _, t := range Transitions() {
		if t.String() == name {
			return t, true
		}
	}
	return TransitionNone, false
}

// String is the class's name in a trace.
func (t Transition) String() string {
	if t == TransitionNone || int(t) >= NumTransitions {
		return "transition?"
	}
	return transitionSpecs[t].name
}

// MarshalText gives the class's name.
func (t Transition) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a class's name. One that this version does not know is an error: of a class
// that is not known, nothing can be said.
func (t *Transition) UnmarshalText(text []byte) error {
	known, ok := ParseTransition(string(text))
	if !ok {
		return fmt.Errorf("class of transitions %q is unknown to this version", text)
	}
	*t = known
	return nil
}

// Missing says whether transitions of a class are not, or not all, in the trace of the process, and
// why. If they are not missing, why is what to know of them, mostly nothing. A class that the trace
// does not mention is missing: it may be newer than the recorder, or the metadata may be damaged.
func (p *Process) Missing(t Transition) (why string, missing bool) {
	for i := range p.Coverage {
		if c := &p.Coverage[i]; c.Transition == t {
			return c.Why, !c.Covered
		}
	}
	return "the trace does not mention it", true
}

// coverRest says that the classes are covered that the coverage does not mention.
func (p *Process) coverRest() {
	all := FullCoverage()
	for _, c := range p.Coverage {
		if t := c.Transition; t != TransitionNone {
			all[t-1] = c
		}
	}
	p.Coverage = all
}

// FullCoverage says that all classes of transitions are covered.
func FullCoverage() []Coverage { return CoverAllBut("") }

// CoverAllBut says that all classes of transitions are covered but for some, and why those are not.
func CoverAllBut(why string, missing ...Transition) []Coverage {
	all := make([]Coverage, 0, NumTransitions-1)
	for _, t := range Transitions() {
		c := Coverage{Transition: t, Covered: true}
		if slices.Contains(missing, t) {
			c.Covered, c.Why = false, why
		}
		all = append(all, c)
	}
	return all
}

// Reason is a reason that gosched itself writes into a trace. Beside these the reason column holds
// the words of others: the runtime's wait reasons, the names of system calls and threads, limits.
type Reason uint8

// The reasons.
const (
	ReasonNone Reason = iota // null, or the word of somebody else
	ReasonPreempted
	ReasonGosched
	ReasonGoyield
	ReasonSyscallExit
	ReasonNetpoll
	ReasonTimer
	ReasonSysmon
	ReasonGC
	ReasonRuntime
	ReasonCoroutine
	ReasonCgo
	ReasonSwapper
	ReasonSleeping
	ReasonDiskSleep
	ReasonIdle
	ReasonParked
	ReasonStopped
	ReasonTracingStop
	ReasonFrozen
	ReasonMarkPhase
	ReasonStopTheWorld
	ReasonRingFull
	ReasonLate
	ReasonPluginOpened
	ReasonNotSampled
	ReasonBudget
	ReasonKillSwitch
	ReasonMemoryPressure
	ReasonThrottled
	ReasonSyscallsUnwatched
	ReasonKernelUnwatched
	ReasonSamplesUnwatched
	ReasonInKernel
	ReasonSystemStack

	NumReasons = iota
)

// reasonSpecs names the reasons, and says of which rows they are. A reason's name is what the
// column holds.
var reasonSpecs = [NumReasons]struct{ name, of, meaning string }{
	ReasonPreempted: {"preempted", "yield; park", "It ran too long, or the runtime suspends it: to scan its stack, " +
		"or to stop the world."},
	ReasonGosched: {"runtime.Gosched", "yield", "It called runtime.Gosched."},
	ReasonGoyield: {"goyield", "yield", "It lets the goroutine run first that it has just handed a lock to."},
	ReasonSyscallExit: {"syscall exit", "syscall exit, in two steps", "It came back from a system call, and no P " +
		"was free after all."},
	ReasonNetpoll:   {"netpoll", "ready", "The network poller found that what it waited for can be done."},
	ReasonTimer:     {"timer", "ready", "A timer, or a deadline, expired."},
	ReasonSysmon:    {"sysmon", "ready", "The runtime's monitor, a thread without a P."},
	ReasonGC:        {"gc", "ready", "The garbage collector."},
	ReasonRuntime:   {"runtime", "ready", "Something else in the runtime."},
	ReasonCoroutine: {"coroutine", "create; coroutine switch", "It waits until another goroutine switches to it."},
	ReasonCgo:       {"cgo", "syscall; sample", "It calls into C."},
	ReasonSwapper: {"swapper", "came onto a CPU; lost its CPU; was woken", "The kernel's idle thread: the CPU " +
		"was idle."},
	ReasonSleeping:    {"sleeping", "went to sleep", "An interruptible sleep."},
	ReasonDiskSleep:   {"disk sleep", "went to sleep", "An uninterruptible sleep."},
	ReasonIdle:        {"idle", "went to sleep", "An uninterruptible sleep that does not count as load."},
	ReasonParked:      {"parked", "went to sleep", "Parked by the kernel."},
	ReasonStopped:     {"stopped", "went to sleep", "Stopped by a signal."},
	ReasonTracingStop: {"tracing stop", "went to sleep", "Stopped by a debugger or tracer."},
	ReasonFrozen:      {"frozen", "went to sleep", "Its cgroup is frozen."},
	ReasonMarkPhase:   {"GC concurrent mark phase", "range", "A garbage collection marks what is alive."},
	ReasonStopTheWorld: {"stop-the-world", "range", "The world is stopped; the runtime's reason follows in " +
		"parentheses where it is known."},
	ReasonRingFull: {"ring buffer full", "gap", "More events came than the recorder could take."},
	ReasonLate:     {"events came too late to be put in order", "gap", "The recorder had no CPU for too long."},
	ReasonPluginOpened: {"plugin opened: its copy of the scheduler was not watched at once", "gap",
		"What the plugin's code did until probes were on it is not known."},
	ReasonBudget: {"budget", "gap", "No probe was attached, so that recording costs no more than it may " +
		"(`--max-overhead`)."},
	ReasonKillSwitch: {"kill switch", "gap", "No probe was attached, as long as the file of `--kill-switch` was " +
		"there."},
	ReasonMemoryPressure: {"memory pressure", "gap", "No probe was attached, because the machine or a recorded " +
		"process's cgroup was short of memory."},
	ReasonThrottled: {"cgroup throttled", "gap", "No probe was attached, because the kernel stopped a recorded " +
		"process's cgroup for its CPU quota."},
	ReasonSyscallsUnwatched: {"not watched: syscalls", "gap", "Of all classes of transitions only " +
		"`syscalls` was not watched, so that recording costs no more than it may."},
	ReasonKernelUnwatched:  {"not watched: kernel", "gap", "Only `kernel` was not watched, likewise."},
	ReasonSamplesUnwatched: {"not watched: samples", "gap", "Only `samples` was not watched, likewise."},
	ReasonNotSampled: {"goroutines not sampled", "gap", "The recorder had no CPU for a round, or the machine was " +
		"asleep."},
	ReasonInKernel: {"in the kernel", "sample", "In a system call, a page fault, or an interrupt."},
	ReasonSystemStack: {"system stack", "sample", "In the runtime, on the thread's own stack: for the goroutine, " +
		"or for none."},
}

// unwatched are the classes that can be left out for some time while the others are watched.
var unwatched = map[Reason]Transition{
	ReasonSyscallsUnwatched: TransitionSyscalls,
	ReasonKernelUnwatched:   TransitionKernel,
	ReasonSamplesUnwatched:  TransitionSamples,
}

// Unwatched is the class of transitions that a gap of that reason is of; TransitionNone: nothing at
// all was watched, or it is no reason of a gap.
func (r Reason) Unwatched() Transition { return unwatched[r] }

// Unwatched is the reason of a gap in which only transitions of that class were not watched. ok is
// false for classes that are watched as long as anything is.
func Unwatched(t Transition) (r Reason, ok bool) {
	for r, of := range unwatched {
		if of == t {
			return r, true
		}
	}
	return ReasonNone, false
}

// reasonsByName finds a reason by its name.
var reasonsByName = func() map[string]Reason {
	names := make(map[string]Reason, NumReasons)
	for r := ReasonNone + 1; r < NumReasons; r++ {
		names[reasonSpecs[r].name] = r
	}
	return names
}()

// ParseReason gives the reason of that name, ReasonNone where it is somebody else's word.
func ParseReason(name string) Reason { return reasonsByName[name] }

// String is the reason as a trace has it, empty for ReasonNone.
func (r Reason) String() string {
	if int(r) >= NumReasons {
		return ""
	}
	return reasonSpecs[r].name
}

// StopTheWorld is the reason of a stop-the-world range, whose cause the runtime calls why: the name
// that Go's execution tracer has for it (go1.26 src/internal/trace/event.go).
func StopTheWorld(why string) string {
	return ReasonStopTheWorld.String() + " (" + why + ")"
}

// IsStopTheWorld says whether a range of that reason is a stop-the-world pause, and which: "(why)".
func IsStopTheWorld(reason string) (why string, ok bool) {
	why, ok = strings.CutPrefix(reason, ReasonStopTheWorld.String())
	return strings.TrimPrefix(why, " "), ok
}

// Mark stands in a stack where there is no frame of a function.
type Mark uint8

// The marks.
const (
	MarkTruncated Mark = iota
	MarkRunning

	numMarks = iota
)

// markSpecs names the marks. A mark's name is what a stack holds in the place of a frame.
var markSpecs = [numMarks]struct{ name, meaning string }{
	MarkTruncated: {"[truncated]", "At the root: frames are missing, the stack was deeper than what was recorded."},
	MarkRunning: {"[running]", "At the leaf: the goroutine ran, or moved, while its stack was read; only the frames " +
		"before it are known."},
}

// String is the mark as a stack has it.
func (m Mark) String() string {
	if int(m) >= numMarks {
		return ""
	}
	return markSpecs[m].name
}

// IsMark says whether what stands in the place of a frame is a mark.
func IsMark(frame string) bool {
	for m := range Mark(numMarks) {
		if frame == m.String() {
			return true
		}
	}
	return false
}
