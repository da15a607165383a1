//go:build !linux

package main

import (
	"context"
	"errors"
	"io"

	"github.com/gosched/gosched/format"
)

var errNotLinux = errors.New("recording needs Linux; traces are read on any system")

// unsupportedErrors are the errors whose exit code is exitUnsupported.
var unsupportedErrors = []error{errNotLinux}

// hints say what to do about an error.
var hints []struct {
	err  error
	hint string
}

func transitionNames() []string { return nil }

func runRecord(context.Context, recordOptions, io.Writer, io.Writer) error { return errNotLinux }

func runCheck(context.Context, checkOptions, io.Writer) error { return errNotLinux }

func readGoroutines(context.Context, int) (format.Trace, error) { return nil, errNotLinux }
