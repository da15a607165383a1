// Package findings explains blocked time in sentences: by a table of rules, see Rules, which look for
// patterns that are known to cost time, and where none fits, by the root causes of package blocking.
//
// # Shares
//
// A finding explains chains of package blocking, whole: the time that goroutines were blocked at its
// place or by its cause, and that others were blocked because they waited for these. Its share is of
// all time that the process's goroutines were blocked or could run and did not, waits for work left
// out. Its severity is the share in percent. So findings compete fairly, and each counts a nanosecond
// once; two findings may explain the same one. Where a rule can answer for a part of some chains'
// time only, that is what it explains. Less than 5% of blocked time is not reported, nor is time of
// less than 1% of the recording's length: what a process that does next to nothing waits for hurts
// nobody. At most three findings of one rule in one process are reported, the worst.
//
// A note is a pattern that explains no blocked time, such as goroutines that are left behind. Its
// share is 0, it comes after all that explains something and never in the verdict, and the table of
// rules says from where on it is reported.
//
// # The verdict
//
// It is up to three sentences on each process: those of the findings that explain a fifth of blocked
// time or more, as long as half of that is not told yet, and then in the same way those of the root
// causes, so that there is always an answer. The largest comes first.
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
// Locks, pools and queues are told apart by the function in which goroutines wait, and where the trace
// says what a wait is for by that too. Two locks that are waited for in one function look like one
// otherwise. A lock that is never waited for is not seen.
//
// Who reads what a blocked write is for is known where a goroutine was seen at the other end, and
// else concluded: blocked writes end right after its reads. The evidence says which. A reader that
// cannot be told is no finding, and the write is one alone.
//
// # Whose code it is
//
// Where the trace has on-CPU samples, the code that has the Ps or allocates is what they show, with
// their number. Without them it is where runs ended, and the text says until.
//
// # Memory
//
// Per process: about 100 bytes for each goroutine alive, 2 KB for each P, 300 for each place where
// goroutines wait (at most 65,536, others are not looked at), and 32 KB for each place at which
// goroutines are left waiting when observation stops; up to 10 KB for each function in which
// goroutines wait for one another, and as much for each entry function; up to 1 MB for what the
// functions do that read, and 1 MB for who reads when blocked writes end, at most 256 functions of
// each sort; 4 MB for the descriptors that were seen at stacks, at most 16,384. Nothing grows with the
// length of the trace.
//
// # Size
//
// A rule is a row of the table, what it gathers on the walk and what it makes of that. They share the
// walk and the account, and are compared with one another: each in a folder of its own would say the
// same things of goroutines again.
package findings
