// Package safety is the campaign that tries to harm a process by recording it: programs that check
// every answer they give are recorded, over and over, in the ways in which tracers have gone wrong,
// and after each time it is looked for what may have been left behind. It is used by tests alone.
//
// A case is a row of the table cases; `make safety` runs all of them for an hour, the tests the
// quick ones once.
package safety
