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
// # The latency breakdown
//
// Where the trace has the kernel's thread events, each delay is broken down. Every nanosecond goes
// to the first of these that fits; replay.Part has the table:
//
//   - stopped: the whole process was stopped from outside: by a signal such as SIGSTOP, by a
//     debugger, or with its cgroup.
//   - STW: the world was stopped, no goroutine could run.
//   - thread off CPU: a thread that could have run the goroutine was ready to run itself, but the
//     kernel had not put it on a CPU: it was just woken, or it had been preempted for another
//     thread. Threads that could have run it are the one that ran it in the end, and the one whose
//     P's queue it was put into when it was created or woken.
//   - all Ps busy: at least GOMAXPROCS goroutines were running. More Ps, or fewer goroutines, would
//     have helped.
//   - P in syscall: fewer were running, but the other Ps were with goroutines in system calls and
//     not visibly taken from them. An upper bound: a call that the runtime knows to block gives its
//     P away at once, which shows only when another goroutine runs on it.
//   - P idle but thread off CPU: a P had no goroutine, and some thread of the process was ready to
//     run but not on a CPU. One that the runtime woke for the P is such a thread; the one that only
//     watches over the others (sysmon) may be, too.
//   - P wake-up: none of these. A P had no goroutine: it was idle, or its thread was being started
//     or was looking for work.
//
// "stopped" says nothing of the process: somebody stopped it. "thread off CPU" and "P idle but
// thread off CPU" say that the machine, or the CPU quota, was too small or shared; "all Ps busy"
// and "P in syscall" that the process had more to do than GOMAXPROCS allows.
//
// A P counts as busy when a goroutine is seen running, so just after lost events "all Ps busy" is a
// lower bound. GOMAXPROCS is what the process had at the moment; a trace of schema version 1 has
// only what it was when the recording began. A delay with a thread that was not seen before it
// began is not broken down; its length is under unknown. Without thread events there is no
// breakdown.
package latency
