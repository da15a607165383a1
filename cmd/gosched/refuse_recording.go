//go:build !linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gosched/gosched/cmd/gosched/internal/ab"
	"github.com/gosched/gosched/format"
)

var errNotLinux = errors.New("recording needs Linux; traces are read on any system")

// unsupported says whether the exit code of an error is exitUnsupported.
func unsupported(err error) bool { return errors.Is(err, errNotLinux) }

// hints say what to do about an error.
var hints []struct {
	err  error
	hint func(err error) string
}

func runRecord(context.Context, recordOptions, io.Writer, io.Writer) error { return errNotLinux }

func runCheck(context.Context, checkOptions, io.Writer) error { return errNotLinux }

func runCheckPicked(checkOptions, io.Writer) error { return errNotLinux }

func (o *recordABOptions) probes(map[ab.Side]*ab.Command) (ab.Runner, error) {
	return nil, fmt.Errorf("eBPF %w; with --go-trace commands are recorded on any", errNotLinux)
}

func readGoroutines(context.Context, int, io.Writer) (format.Trace, error) { return nil, errNotLinux }

func runTrigger(context.Context, triggerOptions, io.Writer) error { return errNotLinux }
