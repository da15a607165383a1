// Package bracket starts and stops Go's execution tracer around the work of a test program.
package bracket

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"
	"syscall"
	"unsafe"
)

// Marks are CLOCK_MONOTONIC times in nanoseconds around the calls that turn the tracer on and off.
type Marks struct {
	BeforeStart int64 `json:"before_start"`
	AfterStart  int64 `json:"after_start"`
	BeforeStop  int64 `json:"before_stop"`
	AfterStop   int64 `json:"after_stop"`
}

// Main runs work between the start and the stop of the tracer and exits with status 1 if it returns
// an error.
func Main(work func() error) {
	traceFile := flag.String("trace", "", "write an execution trace to this file")
	profileFile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	marksFile := flag.String("marks", "", "write the times around the trace to this file")
	repeat := flag.Int("repeat", 1, "do the work so many times")
	wait := flag.Bool("wait", false, "begin when a line comes from the standard input")
	flag.Parse()
	if *wait {
		var line [1]byte
		_, _ = os.Stdin.Read(line[:]) // its end will do too
	}
	if err := run(work, *traceFile, *profileFile, *marksFile, *repeat); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(work func() error, traceFile, profileFile, marksFile string, repeat int) error {
	var marks Marks
	stopProfile, err := startProfile(profileFile)
	if err != nil {
		return err
	}
	marks.BeforeStart = monotonic()
	stopTrace, err := startTrace(traceFile)
	if err != nil {
		return err
	}
	marks.AfterStart = monotonic()
	pause()
	for i := 0; i < repeat && err == nil; i++ {
		err = work()
	}
	pause()
	marks.BeforeStop = monotonic()
	if e := stopTrace(); err == nil {
		err = e
	}
	marks.AfterStop = monotonic()
	if e := stopProfile(); err == nil {
		err = e
	}
	if e := writeMarks(marksFile, marks); err == nil {
		err = e
	}
	return err
}

func startTrace(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := trace.Start(f); err != nil {
		return nil, err
	}
	return func() error {
		trace.Stop()
		return f.Close()
	}, nil
}

func startProfile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

func writeMarks(name string, marks Marks) error {
	if name == "" {
		return nil
	}
	b, err := json.Marshal(marks)
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o600)
}

// monotonic reads CLOCK_MONOTONIC by a raw system call: the scheduler does not hear of it.
func monotonic() int64 {
	const clockMonotonic = 1
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// pause computes for a moment. Nothing that a tracer would record happens close to the trace's
// edges then, whose times traces of Go 1.21 and earlier do not tell to the microsecond.
func pause() {
	const moment = 300_000
	for end := monotonic() + moment; monotonic() < end; {
	}
}

// Check returns an error unless got is want.
func Check(what string, got, want int64) error {
	if got != want {
		return fmt.Errorf("%s: got %d, want %d", what, got, want)
	}
	return nil
}

// First returns the first error that is not nil.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
