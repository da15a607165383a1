// Package flight decides for a flight recorder, which keeps the last seconds of a recording: when a
// rule holds, whether a trigger may save what is kept, and which saved traces stay. It knows no
// kernel, no files and no clock: what happened is told, and when.
//
// # Rules
//
// A rule is what is measured, a comparison, and for how long it has to hold:
//
//	p99-delay>20ms for 5s
//	goroutines>10000
//	finding:serial-section>=40%
//	exit
//
// The table of metrics says what can be measured. A rule fires once when it begins to hold, and not
// again before it has stopped holding.
package flight
