// Package latency reports scheduling latency: how long goroutines that could run waited until they
// did.
//
// A delay begins when a goroutine becomes runnable and ends when a thread runs it. Delays are
// grouped twice: by why the goroutine became runnable (created by a go statement, woken from a
// wait, preempted, back from a system call that had lost its P) and by the goroutine's kind, which
// is the function that its go statement called.
//
// A delay of 0 is a goroutine that was found ready, by the network poller for one, and run in the
// same step.
//
// # Percentiles
//
// A percentile is the nearest rank over a histogram with 128 buckets an octave: at least that share
// of the delays was no longer than the number printed, and the number is less than 0.8% above the
// exact one. The largest delay and the sums are exact. Delays that were cut, by the recording's
// beginning or end or by lost events, are known only to be at least as long as what was seen of
// them. They are counted as censored, and the percentiles take them into account (Kaplan–Meier)
// instead of leaving them out or calling them short. If too many of the longest were cut, a
// percentile is unknown, printed as "?" and null in JSON.
//
// The confidence intervals (95%) come from order statistics. They say how well the delays in this
// trace pin the percentile down if delays are independent of each other; delays in a burst are not,
// and another run differs by more. Do not compare two runs by them.
//
// # Latency breakdown
//
// Where the trace has the kernel's thread events, each delay is taken apart. Every nanosecond goes
// to the first of these that fits; replay.Part has the table:
//
//   - suspended: the whole process was stopped from outside: by a signal such as SIGSTOP, by a
//     debugger, or with its cgroup.
//   - STW: the world was stopped, no goroutine could run.
//   - off CPU: a thread that could have run the goroutine was ready to run itself, but the kernel
//     had not put it on a CPU: it was just woken, or it had been preempted for another thread.
//     Threads that could have run it are the one that ran it in the end, and the one whose P's
//     queue it was put into when it was created or woken.
//   - all Ps busy: at least GOMAXPROCS goroutines were running. More Ps, or fewer goroutines, would
//     have helped.
//   - P in syscall: fewer were running, but the other Ps were with goroutines in system calls and
//     not visibly taken from them. An upper bound: a call that the runtime knows to block gives its
//     P away at once, which shows only when another goroutine runs on it.
//   - P idle, off CPU: a P had no goroutine, and some thread of the process was ready to run but
//     not on a CPU. One that the runtime woke for the P is such a thread; the one that only watches
//     over the others (sysmon) may be, too.
//   - P wake-up: none of these. A P had no goroutine: it was idle, or its thread was being started
//     or was looking for work.
//
// "suspended" says nothing of the process: somebody stopped it. "off CPU" and "P idle, off CPU" say
// that the machine, or the CPU quota, was too small or shared; "all Ps busy" and "P in syscall"
// that the process had more to do than GOMAXPROCS allows.
//
// A P is taken when a goroutine is seen running, so just after lost events "all Ps busy" is a lower
// bound. GOMAXPROCS is what the process had at the moment; a trace of schema version 1 has only
// what it was when the recording began. A delay with a thread that was not seen before it began is
// not taken apart; its length is under unknown. Without thread events nothing is taken apart.
package latency
