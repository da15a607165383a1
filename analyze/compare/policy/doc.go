// Package policy is what a team demands of a comparison: which metrics are judged and from where on
// a change counts, which rules are on, what is known and suppressed for a time, and which
// differences between recordings do not matter. It is kept in a file, gosched.yaml, beside the
// code.
//
// Every key that the file may have is a field of the types here; any other is refused.
package policy
