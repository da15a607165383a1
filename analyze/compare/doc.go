// Package compare says whether one build's recordings are worse than another's: base against head.
//
// # The replicate is the recording
//
// The durations in one recording share its luck: where the machine was busy for a second, thousands
// of them are long. A test over the durations of two recordings of one program calls them different
// nearly always. So each recording gives one number for each metric, and the test asks whether the
// numbers of head's recordings are higher than those of base's by more than recordings differ
// anyway; see package stats. Recordings that alternate (interleaved), which their start times show,
// are compared within blocks of neighbours, so that a machine that becomes slower during an hour
// does not count against either. Of recordings that do not (sequential) a change counts only from a
// larger effect on.
//
// # Gating metrics
//
// A gating metric is worse if all three agree: the interval of the ratio is beyond the effect that
// the policy calls a change, the absolute change is above the policy's floor, and the probability
// by chance, adjusted for the number of metrics (Holm), is below alpha. All other metrics are
// reported with a false discovery rate and gate nothing. Rules look for what is no number: places
// where goroutines wait that base does not have, leaks, findings. Something is new if it is in so
// many of head's recordings and in none of base's that chance is below one in a hundred (Fisher's
// exact test), and takes enough time.
//
// With too few recordings for any test to reach alpha the confidence is low: only a change of three
// times or more counts, or something new that is large, and without one the answer is inconclusive.
// Censored durations are at least as long as what was seen, and count so (Kaplan–Meier).
//
// # What is not compared
//
// Recordings that differ in what is not the code are not comparable, and there is no verdict; the
// policy can allow each difference by its name.
//
// # Size
//
// Metrics, rules and what makes recordings not comparable decide one verdict together, over the
// same two sides, and each of them is a table and what its rows do. What a team may change is in
// policy.
package compare
