// Package blocking reports where goroutines spent their time and what they waited for in the end.
//
// All times are sums over goroutines: ten goroutines that wait for a second are ten seconds.
//
// # Causes
//
// While a goroutine A waits and B finally wakes it, what B did meanwhile is what A waited for: B
// ran, was in a system call, was runnable and had no P, or waited itself, for C. B's own waits have
// been resolved the same way when they ended, so the answer reaches as far as the trace does, and
// every nanosecond of A's wait is assigned once. Before B was created, what its creator did counts.
// The kinds of causes are
//
//   - running: a goroutine ran. The function is where it was when the trace saw it next: where it
//     woke somebody, parked, gave way or entered the kernel. The trace does not look inside of what
//     runs between.
//   - syscall: it was in a system call, or in C. The function is the caller.
//   - queued behind: it was runnable, and all Ps ran other goroutines. The function is that of the
//     goroutines that had the P which it got in the end, as in running.
//   - P in syscall: it was runnable, and the Ps that ran no goroutine were kept by goroutines in
//     system calls. The function is their caller.
//   - wake-up: it was runnable and a P was idle: its thread was asleep or looking for work, or had
//     been woken and got a CPU that had been idle and had to wake up itself.
//   - off CPU: its thread was ready and had no CPU. The name is that of the thread that had it. The
//     trace knows who took the CPU first and who gave it back last; where these differ, the
//     process's own threads count only if they ran there for most of the time. It is that of the
//     kernel's idle threads, swapper, where a CPU quota kept the thread from an idle CPU.
//   - asleep: it ran, and the kernel had put its thread to sleep: a page fault, or a lock inside of
//     the runtime.
//   - stop-the-world: it was runnable and the world was stopped.
//   - stopped: the process was stopped from outside, by SIGSTOP or a debugger for one. A wait for
//     the network or a timer, or a system call, counts so if it ended within 10 ms after that: then
//     it could have ended earlier. What ended later was not delayed by it.
//   - GC: it waited for the garbage collector, or the collector ran: a worker of it, or a goroutine
//     that had to help because it allocates.
//   - network, timer, runtime: the network poller, a timer or the runtime ended the wait. The
//     function is where it waited.
//   - unknown: with the reason: lost events, not over when the recording ended, or a waker of which
//     the trace has nothing.
//
// How much of the time in which a goroutine was runnable is which of these is what replay.Delay
// says, as in gosched latency: the parts have the same totals. Who it was is what is known of that
// time: where several had the P or the CPU each gets its share, and the parts are put in the order
// of most delays: what has the Ps is in the way first, then who has the CPU, and an idle P is woken
// last.
//
// A cause happens once however many wait for it: times counts calls, runs and delays, not the waits
// that had one in them.
//
// The table of root causes holds what blocked goroutines: the waits that another goroutine ended,
// system calls, and the time that they were runnable or without a CPU. It leaves out what is a
// goroutine's own affair, such as a sleep or a read from the network that nobody else waited for,
// and the runtime's own goroutines.
//
// Who waits for work is not blocked, but looks the same. A receive, a select, a wait on a condition
// or for the network that happens as far up its stack as this goroutine ever waits may be the top
// of a loop that has nothing to do. Such time is counted as idle: it is in no number of the table
// of root causes, and its sum is said below it. In the order of the JSON document's causes it
// counts a hundredth: where goroutines are blocked by next to nothing else, that is the best
// answer. Who waits for an answer, or for a connection of a pool, in functions that are known for
// that, is blocked wherever that is, and so is who was let through by a goroutine that had been let
// through at the same place. Who waits for a sync.WaitGroup for most of the recording, as main does
// for the end, is idle. A wait to write is none of these: it is blocked time, though nobody
// in the program may wait for the goroutine.
//
// # Waits that mirror each other
//
// Some goroutines only wait beside another one for the same: net/http looks whether a client goes
// away while its request is handled, os/exec copies the output of a command that somebody waits for.
// Their waits are in no sum over goroutines, nor are they causes: time would count twice. They are in
// a table of their own; beside.go has the list.
//
// # What is counted and what is censored
//
// Percentiles are as in `gosched latency`: nearest rank over buckets less than 0.8% wide. Times
// whose beginning or end the recording did not see, or that lost events hide, are censored: they
// count as at least as long as what was seen (Kaplan–Meier). A wait that had not ended when the
// recording did has no cause.
//
// # Memory
//
// For each goroutine that is alive, and each P, the last 64 stretches of its past are remembered
// one by one, and what is older in blocks that double in size: a block knows how long each cause
// lasted, not when. A wait that begins inside of a block takes a share of it: that time is
// attributed approximately, and the result says how much it is. The blocks of all goroutines have
// room for 2 million entries (32 MB); then the oldest are forgotten and their time becomes unknown.
// At most 65,536 places where goroutines wait and as many pairs with wakers are told apart, and
// 262,144 chains from waits to causes, each with a sum for each process that has it: 32 bytes; and
// 16,384 functions in samples, of which a stretch of running keeps the first 1,024. So
// memory is bounded by the number of goroutines alive at
// once, about 1 KB each, and not by the length of the trace.
//
// # Size
//
// One walk says where time went and what for: the cause of a wait is found when its length is
// counted, from what the same spans have made known. What stands by itself is in packages below:
// internal/cause holds causes and histories, findings the rules.
package blocking
