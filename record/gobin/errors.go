package gobin

import (
	"errors"
	"fmt"
)

// What Open says no to; each comes wrapped in a sentence.
var (
	ErrNotGo = errors.New("not a Go executable") // not ELF, or not from Go
	// Go, but another processor, system, version or build mode
	ErrUnsupported = errors.New("executable not supported")
	ErrDamaged     = errors.New("executable damaged or obfuscated") // its Go tables are not where and as they should be
)

// refusal is an error that knows what can be done about it.
type refusal struct {
	error
	advice string
}

// Advice returns a sentence for the person who meets the error.
func (r *refusal) Advice() string { return r.advice }

func (r *refusal) Unwrap() error { return r.error }

// noObfuscator is the advice for obfuscated executables. garble leaves DWARF out whatever -ldflags
// say.
const noObfuscator = "Record a build without the obfuscator; its DWARF would not be kept either."

// otherProcessor is the advice for executables of processors that are not known.
const otherProcessor = "Build it for amd64 or arm64."

// refuse makes an error with advice.
func refuse(advice, format string, args ...any) error {
	return &refusal{fmt.Errorf(format, args...), advice}
}
