// Package instant tells how every goroutine of a trace stood at one instant.
//
// A goroutine's state is that of the span that holds the instant, so nothing is known of one inside a gap, or between moves of which
// some are missing from the trace: it is counted as unknown. Its stack is the one with which it came into that
// state: of one that waits or is in a system call its own, of one that is runnable the one with which it waited or gave way, of a new one
// its entry function. Where one that runs is, no probe sees; its stack is missing, as in a crash dump of Go.
//
// Memory grows with the number of goroutines alive at once, up to the instant.
package instant
