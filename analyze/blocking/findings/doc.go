// Package findings looks in a trace for patterns that are known to cost time, by a table of rules:
// see Rules.
//
// # Severity
//
// Where a finding is about time lost, its severity is 100 times lost/(lost+ran): lost is the time
// that the rule names, summed over goroutines, and ran is how long the process's goroutines ran on
// a CPU in the whole recording, those of the runtime left aside. At 50 goroutines lost as much as
// they ran, at 90 nine times as much. A process that ran for less than a tenth of the recording
// counts as if it had run for a tenth, lest what it does between naps looks grave. Time lost by two
// rules may be the same time: severities do not add up. Of rules that are not about time lost, the
// table says what the severity is a share of. Less than 5 is not reported, nor is time lost of less
// than 1% of the recording's length: what a process that does next to nothing loses hurts nobody.
// At most three findings of one rule in one process are reported, the worst.
//
// What a process was stopped from outside, by SIGSTOP for one, is in no wait and no delay here: it
// is a finding of its own.
//
// # What cannot be seen
//
// A rule that needs events which the trace does not have stays silent, and the result says so.
// Silence of a rule that could look means that its pattern was not there, as the table has it, and
// not that nothing is wrong. Waits and runs whose end was not seen are in no sum. Where threads'
// events are missing, a goroutine whose thread had no CPU counts as running.
//
// Lock convoys and the like are told apart by place, the stack of the wait, and not by lock: the
// trace has no addresses. Two locks that are waited for at one place look like one.
//
// # Memory
//
// Per process: about 100 bytes for each goroutine alive, 300 for each place where goroutines wait
// (at most 65,536, others are not looked at), and 32 KB for each place at which goroutines are left
// waiting when observation stops; nothing grows with the length of the trace.
package findings
