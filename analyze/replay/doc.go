// Package replay is the scheduler model: it walks a trace once, forward in
// time, and turns its events into spans, the stretches of time that a goroutine
// spent in one state. It is the only code that knows which moves are legal.
//
// # Tiling
//
// The spans of a goroutine tile its life: each begins where the one before ended, and together they
// reach from its creation (or the beginning of the recording, or the end of the last gap) to its
// exit (or the end of the recording, or the beginning of the next gap, or the end of its process's
// part of the recording). Spans are handed out in the order of their ends; only those that the end
// of a process cuts come last, with all that the end of the recording cuts.
//
// # What is not known is said
//
// No span reaches over a gap: at the gap's beginning every open span of that process ends as
// CensoredRight, inside the gap no state is believed, and after it a goroutine's first event says
// the state it was in since the gap ended, CensoredLeft; where the moves into that state may be
// missing from the trace, it was in it since that event, as far as is known. The beginning and the
// end of a recording work the same way. A row that contradicts the model is a Problem; the
// goroutine goes on in the state the row says, and the span that was open is marked EndUnseen: it
// is too long by an unknown amount.
//
// Some rows are refused: they are Problems, and nothing else is made of them. These are rows of a
// goroutine whose end was seen, as ids are not given out again; and rows of a snapshot that are a
// move behind, as memory is, or that have a goroutine run where others have. Of a goroutine that
// was found running, on a P where another begins to run, nothing is known any more.
//
// Where the recording could not see a kind of transition, the moves that are missing for that
// reason are not problems, but the spans around them are EndUnseen all the same.
//
// # Memory
//
// Memory is bounded by the largest number of goroutines alive at once, the number of threads and
// the number of distinct entry functions and reasons, not by the length of the trace. The ids of
// goroutines that have ended take about a word for each one that has not.
//
// # Size
//
// The package is one state machine: what a row makes of a goroutine, of its P, of its thread and of
// its process is decided together, and a cut through that would have half of every move on either
// side. What knows nothing of moves is in packages below: delay, stack.
package replay
