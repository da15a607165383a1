package gobin

import "errors"

// What Open says no to; each comes wrapped in a sentence.
var (
	ErrNotGo       = errors.New("not a Go executable")              // not ELF, or not from Go
	ErrUnsupported = errors.New("executable not supported")         // Go, but another processor, system, version or build mode
	ErrDamaged     = errors.New("executable damaged or obfuscated") // its Go tables are not where and as they should be
)
