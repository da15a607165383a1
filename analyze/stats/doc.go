// Package stats is the statistics of durations: histograms that add up, nearest-rank quantiles,
// quantiles of right-censored observations (Kaplan–Meier) and their confidence intervals.
// It knows nothing of traces.
//
// # Numbers that any engine repeats
//
// A Histogram is log-linear: 128 buckets an octave, so that a bucket is at most 1/128 = 0.79% of its
// lower bound wide and values below 256 have a bucket each. The bucket comes from the value's bits, never from a
// floating logarithm. A merge is a sum. A quantile of a histogram without censored values is the nearest
// rank: the smallest bucket where count(≤ bucket)·1000 ≥ n·permille, in integers; its value is printed as
// the bucket's upper bound, cut to the exact largest value. At least permille/1000 of the values are ≤ that number, and it exceeds the exact
// nearest-rank value by less than 0.79%.
package stats
