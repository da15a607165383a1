// Package archtest holds the project's architecture as a test: which package may import which,
// where each third-party module lives, and what only the command may do. The rules are tables in
// rules_test.go; ARCHITECTURE.md says them in words. It also holds what no compiler sees of the
// files: the width of lines, and that links in pages lead somewhere.
package archtest
