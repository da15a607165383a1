// Package requests cuts the lives of goroutines into work cycles, which of a server are requests,
// and says how long they take and what for.
//
// # What a cycle is
//
// A goroutine that serves waits for work at the top of its loop. A cycle is the time from leaving
// that wait until the goroutine is back there. It begins when the goroutine becomes runnable, so
// the delay until it runs is in it, and ends when the goroutine arrives: where it begins to wait
// again, or to read from the network. A read that finds data at once is an arrival, too: there a
// cycle ends and the next one begins.
//
// The top of a loop is the place where a goroutine comes back to take something in: a read from the
// network or an accept, a receive, a select, a sleep, a wait on a condition. Of several it is the
// one that is the furthest up the stack, frames of the standard library that only pass data on not
// counted; of two as far up, the one whose waits are not mostly ended by goroutines that this
// goroutine had set going, as those are waits for answers. One of these must have come back to it.
//
// A goroutine that has no loop is one cycle, from creation to exit. Goroutines that end after less
// than 16 rounds count so too, unless they read from the network before they ever wrote to it. If
// they did, the cycle begins with what they first read.
//
// The first stretch of a goroutine, from its creation to the top of its loop, is a cycle only if it
// has read from the network by then: the server of net/http reads the first request of a connection
// elsewhere than all others. The last stretch, from the top to the goroutine's exit, is one only if
// the goroutine wrote to the network in it, or never came back: else what came was the end of the
// work. Nor is a connection a cycle that is closed without an answer, where others are answered.
// Such ends are counted.
//
// # Where the time goes
//
// The time of a cycle is what the goroutine did itself: it ran, could have run, was in a system
// call, or waited. A wait is followed into the goroutine that ended it, and what that one did
// meanwhile is what the time was spent on, as `gosched blocking` defines it and from the same
// account. So the parts add up to the cycles' time.
//
// # What it is not
//
//   - The client sees more: the time in the kernel and in the network on both ways, and the time
//     that a request lay in a socket before a goroutine wanted to read it.
//   - What lies in a buffer of the program makes nobody wait or read: pipelined requests that were
//     read at once are one cycle, and with TLS so are two of which net/http read the second while
//     it still answered the first, as it looks out for the client to go away.
//   - A receive from a channel that has something does not wait: a worker's cycle may hold several
//     jobs.
//   - A message that comes in pieces, each read at the top of the loop, is several cycles.
//   - A goroutine reads further down its stack than it has read before, and has not written to the
//     network since: that is taken for the rest of a request. A read at the same place, before
//     anybody has been seen to come back there, is taken for that too.
//   - Without system calls in the trace, a read that finds data at once is not seen: two cycles are
//     one. Reads of files and terminals are no arrivals.
//
// Which place is the top is looked for once a goroutine has been to a dozen places, or ends. Where
// it turns out to be another one later, the cycles until then are not counted.
//
// A Go execution trace gives the same cycles. It has no kernel threads: time in which a goroutine's
// thread had no CPU counts as what the goroutine did.
//
// # What began it
//
// The network, a timer, another goroutine, or a go statement. Where another goroutine did, that
// one's own cycle is looked at, and so on: a goroutine that a request makes belongs to what the
// network began.
//
// # Memory
//
// Beside what `gosched blocking` needs, each goroutine that is alive takes up to 4 KB for the cycle
// that it is in, 500 bytes mostly, and a dozen times as much until the top of its loop is known.
// 4,096 tops of loops are told apart, each with up to 512 parts and the slowest cycles in at most
// 64 steps.
//
// # Size
//
// Where a goroutine's loop has its top shows while its cycles go on, so finding tops, cutting and
// counting are one state machine. What a cycle and a group of them hold is in internal/cycle.
package requests
