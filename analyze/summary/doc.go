// Package summary keeps of a recording what comparing it with others takes: histograms of delays,
// waits and runs by group, and what the other analyzers found.
package summary
