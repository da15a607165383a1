// Package referee compares two recordings of one run of one Go program: the trace of gosched record
// and the trace of the Go runtime's own tracer, which observed the run from inside. It is used by
// tests alone.
//
// The unit is a goroutine's move from one state to another. Both recordings are brought to a
// Recording, a list of moves per goroutine in order; both are cut to the time in which Go's tracer
// was on; the tracer's own ways of saying things are translated, each translation counted under its
// row of the table Differences; and the two lists of every goroutine are aligned. What remains on
// one side is missing or extra. Of each pair the reason, the goroutine that caused it and the
// stacks are compared as well.
//
// # Size
//
// Reading two sources, aligning them and saying where they differ make one verdict; the tables of
// differences that are known, by Go version and move, are a good part of it.
package referee
