// Package rounds says where the time of goroutines goes, as far as rounds tell: readings of all
// goroutines of a process from its memory at random instants, without probes.
//
// # Estimates
//
// The share of goroutine time that is spent at a place is estimated by the share of the goroutines
// that rounds found there. Every number has a 95% interval, of what a full recording of the same
// time would say. A round is one observation, however many goroutines it has, and the interval takes
// in what neighbouring rounds have in common; see stats.Rounds. What lasts only for a moment may
// have been seen by no round: then it is in no table, and the result says how much that can be.
//
// The time of a process in which there were rounds at random is all of the recording but its gaps;
// where its moves were recorded too, the gaps in them that have rounds. Times of goroutines are
// averages multiplied by that.
//
// # Idle
//
// Who waits for work is not blocked, but looks the same. A receive, a select, a wait on a condition,
// for a time or for the network counts as idle where goroutines that come from the same go statement
// and begin with the same function were never seen to wait further up their stacks. The runtime's
// own goroutines are in no share. Shares are of the time of the program's goroutines, and of that
// which is not idle.
//
// # What rounds cannot tell
//
// How long a wait took, who ended it, and whether a goroutine that is at the same place in two
// rounds was elsewhere between them. A goroutine that N rounds found at one place was elsewhere for
// less than about 3/N of the time, with a probability of 95%.
//
// Verdicts on goroutines at one place are
//
//   - leaked: they wait for a channel or a lock, came in each third of the time, and none was ever
//     seen to leave; or they wait for a nil channel.
//   - stuck: each round of at least 30 found them waiting for the same lock, or to send.
//   - grows: by a line through all rounds there are more at the end, by ten and by a fiftieth of the
//     average at least, and more than by chance. They may leak, or there is more to do.
//   - idle: as said above.
//
// None is given for less than half a second or 30 rounds.
//
// # Memory
//
// Rounds are added up in at most 2,048 blocks of neighbours, which get longer as the recording does,
// and each place has a number for each block that found somebody there: 1 million numbers in all, 16
// bytes each; then blocks are joined, too. At most 65,536 places are told apart. A goroutine that is
// alive takes about 150 bytes.
//
// # Size
//
// The package is larger than most: what rounds add up to, the shares and the groups that are estimated
// from it, who becomes more, and the words for them all look at one tally of places by blocks of rounds.
package rounds
