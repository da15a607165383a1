//go:build !linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

var errNotLinux = errors.New("recording needs Linux; traces are read on any system")

// unsupportedErrors are the errors whose exit code is exitUnsupported.
var unsupportedErrors = []error{errNotLinux}

// hints say what to do about an error.
var hints []struct {
	err  error
	hint func(err error) string
}

func runRecord(context.Context, recordOptions, io.Writer, io.Writer) error { return errNotLinux }

func runCheck(context.Context, checkOptions, io.Writer) error { return errNotLinux }

func newProbeRunner(*recordABOptions, map[side]*abCommand) (abRunner, error) {
	return nil, fmt.Errorf("eBPF %w; with --go-trace commands are recorded on any", errNotLinux)
}

// whereWeAre describes the machine as far as every system does.
func whereWeAre() gotrace.Where {
	host, _ := os.Hostname() // "" where it has none
	return gotrace.Where{Host: host, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
}

// measureMachine would measure what the machine does meanwhile.
func measureMachine() func(own time.Duration) *format.MachineTime {
	return func(time.Duration) *format.MachineTime { return nil }
}

// bind would have the system end a command with us.
func bind(*syscall.SysProcAttr) {}

// handOver is for who calls sudo to record with eBPF.
func handOver(string) error { return nil }

func readGoroutines(context.Context, int) (format.Trace, error) { return nil, errNotLinux }
