// Package gotrace turns Go's own execution traces (runtime/trace, the flight recorder, `go test
// -trace`) into the events that gosched records itself, so that every analyzer takes them. Traces
// of Go 1.22 and later are read, cut ones as far as they go.
//
// Go's tracer tells some things differently, and some not at all:
//
//   - A goroutine that exists when the trace begins is named by a status; it becomes a snapshot
//     row. Repeated statuses say nothing new.
//   - A switch of coroutines is three events one nanosecond apart; it becomes the two moves that it
//     is.
//   - A goroutine that lost its P in a system call and took one itself is said to be runnable and
//     to run at once; it becomes one move.
//   - A goroutine that lowers GOMAXPROCS below its own P is said to yield and to run again, which
//     it does not.
//   - Wait reasons are coarser. They are written in the runtime's words where the goroutine's stack
//     makes it certain, and else as the tracer has them.
//   - Who woke a goroutine is known if it was a goroutine. Whether it was the network poller or a
//     timer is not told.
//   - Threads are not followed: nothing is known of the kernel's scheduler, of CPUs, or of other
//     processes.
//   - The samples of a CPU profile that was made meanwhile are in it. Each is taken to stand for
//     10 ms of CPU time, which is the profiler's period unless a program changed it.
//   - The time is the wall clock from Go 1.25 on; before, a trace does not say when it was made,
//     but who imports it may.
//
// Memory is bounded by what the tracer wrote in one generation (about a second) and the distinct
// strings.
package gotrace
