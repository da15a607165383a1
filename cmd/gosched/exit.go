package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/caveat"
)

// The exit codes. They are part of the interface: scripts branch on them.
const (
	exitFine         = 0
	exitGate         = 1
	exitInput        = 2
	exitInconclusive = 3
	exitUnsupported  = 4
)

// exitCodes says what each exit code means, for the help and TOUR.md.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitFine, "fine"},
	{exitGate, "check failed: regression found, (info --strict) trace incomplete, or (trigger) " +
		"nothing saved because of a limit"},
	{exitInput, "a mistake in the command line, a file that cannot be read or written, bad input"},
	{exitInconclusive, "inconclusive: there is too little in the trace to answer, or nothing of what was asked, or " +
		"recordings differ in more than the code"},
	{exitUnsupported, "this kernel, these privileges or this target are not supported"},
}

// exitError carries an exit code of its own. Without an error it says nothing: the
// code is all there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitCode is the exit code of what a command returned.
func exitCode(err error) int {
	if err == nil {
		return exitFine
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*caveat.Refusal](err); ok {
		return exitInconclusive
	}
	if unsupported(err) {
		return exitUnsupported
	}
	return exitInput
}

// errorText is what to print of an error: itself, and what to do about it.
func errorText(err error) string {
	if err == nil || err.Error() == "" {
		return ""
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	if advice := adviceOf(err); advice != "" {
		return err.Error() + "\n" + advice
	}
	for _, h := range hints {
		if errors.Is(err, h.err) {
			return err.Error() + "\n" + h.hint(err)
		}
	}
	return err.Error()
}

// adviceOf is what an error itself says about what to do; empty if it says nothing.
func adviceOf(err error) string {
	if a, ok := errors.AsType[interface {
		error
		Advice() string
	}](err); ok {
		return a.Advice()
	}
	return ""
}

// newExitCodesTopic makes `gosched help exit-codes`.
func newExitCodesTopic() *cobra.Command {
	var text strings.Builder
	text.WriteString("Exit codes:\n\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&text, "  %d  %s\n", e.code, e.meaning)
	}
	text.WriteString("\n`gosched record -- CMD` exits with the exit code of CMD, 128 and the signal's number if a\n" +
		"signal ended it, once CMD was started; and with 2 if CMD ended with 0 but the trace could not be written.\n" +
		"`gosched record-ab` exits with 2 if a command fails or a signal ends it, with 4 if nothing can be recorded " +
		"here, and\n" +
		"else as gosched compare does.\n")
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: text.String()}
}
