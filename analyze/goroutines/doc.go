// Package goroutines says of every goroutine that is left at the end of a trace where it stands and
// how it got there: a goroutine profile with a past.
//
// # Groups
//
// Goroutines that are in the same state for the same reason at the same stack, and were created by
// the same go statement, are a group. What was counted of a group's goroutines since the recording
// began (or since they were created) is the group's: how often they were woken, how long they
// waited, ran, were runnable or in system calls. The lengths of waits and the wakers are those of
// all goroutines that waited at that place, also of such as have ended.
//
// Running is what the scheduler calls so: the thread may have been without a CPU.
//
// # Verdicts
//
// A verdict is given where the trace has evidence for it, and is missing where it has not. Rules
// are tried in the order of their table.
//
//   - bottleneck: others wait for it, and it does not itself wait for others most of its time:
//     added up over them, they waited for at least half of its life, or one has for 100 ms when
//     observation ends. Whom a wait is for is said by who ended it, or the earlier ones at that
//     place, and what that one waited for itself: see internal/queue. What it spends its time on is
//     its evidence.
//   - queued: it waits for others, who are named, for at least a fifth of its life.
//   - leaked: the garbage collector says so in a profile; or goroutines of this origin came all the
//     time, at least one in each third of the observed time, wait for a channel or a lock, and do
//     not leave: nobody was ever woken there and none of the same origin ended, or only timers wake
//     them, or these have waited ten times as long as any wait at that place that ended. Who has a
//     goroutine from the same function that waits for the network beside it is not called so: that
//     one may end it when its peer goes. None of this is said in less than half a second, or where
//     events were lost. What waits for a nil channel is leaked whatever was observed.
//   - stuck: it waits for a lock or to send, ten times as long as any wait there that ended, and
//     who ended the waits there waits itself; or it waited for a lock during all of the observed
//     time; or it has waited to write for half a second, and ten times as long as any such wait
//     there that ended.
//   - busy: it ran for at least half of its observed life.
//   - slow: half of the waits there, for a lock or to send, take 50 ms or more; or it waits to
//     write for a fifth of its life.
//   - idle: it is the runtime's own, waits to read from the network, a pipe or a terminal, or for a
//     time, for work that does come, or in select {}, which is written to wait forever. Who others
//     wait for during a tenth of its life is never called idle.
//
// A wait for the network never makes a leak: a server's idle connections look the same whether the
// peer will speak again or not.
//
// # Profiles
//
// A profile is laid beside the trace by goroutine ids where it has them, else by stacks. Traces
// have no labels, so labels are shown and not used.
//
// # Memory
//
// About 700 bytes are kept for each goroutine that is alive, and for each whose end was lost in a
// gap, and 256 more for each that has waited for another. At most 65,536 places where goroutines
// wait and 65,536 origins are told apart, and 16 wakers for each place; what is beyond that is
// counted and not told apart.
//
// # Size
//
// Groups, verdicts and the profile beside them are views of the same goroutines, and a verdict
// needs all three. Reading and writing profiles, and who waits for whom, are in packages below.
package goroutines
