// Package caveat says how far a result can be trusted: what it needs of a trace, and what is wrong
// with it where the trace does not give that. The table of needs is the one place; the analyzers
// and what keeps, prints or compares their results draw their warnings from it.
package caveat
