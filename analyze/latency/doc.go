// Package latency reports scheduling latency: how long goroutines that could run waited until they
// did.
//
// A delay begins when a goroutine becomes runnable and ends when a thread runs it. Delays are
// grouped twice: by what made the goroutine runnable (created by a go statement, woken from a wait,
// preempted, back from a system call that had lost its P) and by its entry function, which is the
// function that its go statement called.
//
// A delay of 0 is a goroutine that the scheduler made runnable and ran in one step, such as the
// first one that the network poller finds.
//
// # Percentiles
//
// A percentile is the nearest rank over a histogram with 128 buckets an octave: at least that share
// of the delays was no longer than the number printed, and the number is less than 0.8% above the
// exact one. The longest delay and the sums are exact. A delay is censored if its beginning or its
// end is not in the trace, because of the recording's ends or of lost events: it is known only to
// be at least as long as what was seen of it. Censored delays are counted, and the percentiles take
// them into account (Kaplan–Meier) instead of leaving them out or calling them short. If too many
// of the longest are censored, a percentile is unknown, printed as "?" and null in JSON.
//
// The confidence intervals (95%) come from order statistics. They say how well the delays in this
// trace pin the percentile down if delays are independent of each other; delays in a burst are not,
// and another run differs by more. Do not compare two runs by them.
//
// All delays are those of the program's goroutines. The runtime's own are by entry function alone;
// gosched blocking and gosched compare leave them out too.
//
// # The latency breakdown
//
// Each delay is broken down. Every nanosecond goes to the first of these that fits; replay.Part has
// the table, and every command that takes delays apart has the same parts with the same totals:
//
//   - stopped: the whole process was stopped from outside: by a signal such as SIGSTOP, by a
//     debugger, or with its cgroup.
//   - STW: the world was stopped, no goroutine could run.
//   - thread off CPU: a thread that could have run the goroutine was ready to run itself, and
//     another thread had the CPU, or a CPU quota kept the thread from it. Threads that could have
//     run it are the one that ran it in the end, and the one whose P's queue it was put into when it
//     was created or woken. Where a P was idle, the want of a CPU of any other thread of the process
//     counts too, as an upper bound.
//   - all Ps busy: at least GOMAXPROCS goroutines were running. More Ps, or fewer goroutines, would
//     have helped.
//   - P in syscall: fewer were running, but the other Ps were with goroutines in system calls and
//     not visibly taken from them. An upper bound: a call that the runtime knows to block gives its
//     P away at once, which shows only when another goroutine runs on it.
//   - idle P being woken: none of these. A P had no goroutine: its thread was asleep or looking for
//     work, or had been woken and got a CPU that had been idle, which takes time to wake up. Where a
//     process has a CPU quota, 2 ms of that and more are the quota's: thread off CPU.
//
// "stopped" says nothing of the process: somebody stopped it. "thread off CPU" says that the
// machine, or the CPU quota, was too small or shared; "all Ps busy" and "P in syscall" that the
// process had more to do than GOMAXPROCS allows.
//
// A P counts as busy when a goroutine is seen running, so just after lost events "all Ps busy" is a
// lower bound. GOMAXPROCS is what the process had at the moment; a trace of schema version 1 has
// only what it was when the recording began. Without thread events, as in a Go trace, or of a delay
// with a thread that was not seen before it began, the time in which a P was idle is unknown: the
// thread may have lacked a CPU. A delay in a process of unknown GOMAXPROCS is unknown as a whole.
package latency
