package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// flightRecorder is a flight recorder of a program that stalls after some seconds.
type flightRecorder struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	target *os.Process
	stderr bytes.Buffer
	ended  chan error
}

func startFlight(t *testing.T, first string, args ...string) *flightRecorder {
	t.Helper()
	return startFlightOf(t, []string{"-first", first, "-lasts", "3s", "-every", "60s"}, args...)
}

// startFlightOf is startFlight with other arguments for the program.
func startFlightOf(t *testing.T, does []string, args ...string) *flightRecorder {
	t.Helper()
	testenv.RequireBPF(t)
	program := exec.Command(testenv.Build(t, testenv.Program{Name: "stalls", Mode: ""}), does...)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait()
	})
	time.Sleep(200 * time.Millisecond) // its runtime begins
	f := &flightRecorder{t: t, target: program.Process, dir: filepath.Join(t.TempDir(), "kept"),
		ended: make(chan error, 1)}
	f.cmd = self(append([]string{"record", "-p", strconv.Itoa(program.Process.Pid), "-o", f.dir,
		"--keep", "3s", "--after", "1s"}, args...)...)
	f.cmd.Stderr = &f.stderr
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { f.ended <- f.cmd.Wait() }()
	t.Cleanup(func() { f.cmd.Process.Kill() })
	return f
}

// self is this gosched.
func self(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asNobody+"=1")
	return cmd
}

// saved waits for a trace to be saved.
func (f *flightRecorder) saved() string {
	f.t.Helper()
	for range 300 {
		if found, _ := filepath.Glob(filepath.Join(f.dir, "saved-*")); len(found) > 0 {
			return found[0]
		}
		time.Sleep(100 * time.Millisecond) // polled, not hoped for
	}
	f.cmd.Process.Kill()
	<-f.ended
	f.t.Fatalf("nothing was saved in 30 s: %s", f.stderr.String())
	return ""
}

// trace opens a trace that has to be a valid one.
func (f *flightRecorder) trace(path string) *format.Reader {
	f.t.Helper()
	r, err := format.Open(path)
	if err != nil {
		f.t.Fatal(err)
	}
	if problems, err := format.Validate(context.Background(), r, 5); err != nil || len(problems) > 0 {
		f.t.Errorf("%s: %v, %v", path, problems, err)
	}
	return r
}

func TestAStallIsSavedWithTheSecondsBefore(t *testing.T) {
	f := startFlight(t, "7s", "--trigger", "p99-delay>20ms for 1s")
	path := f.saved()
	r := f.trace(path)
	meta := r.Metadata()
	s := meta.Saved
	if s == nil || s.Trigger != "p99-delay>20ms for 1s" || !strings.Contains(s.Evidence, "p99-delay was") {
		t.Fatalf("saved %+v", s)
	}
	if before := meta.Saved.TriggeredNS - meta.StartNS; before < 3e9 || before > 7e9 {
		t.Errorf("%d ms before the trigger", before/1e6)
	}
	if after := meta.EndNS - meta.Saved.TriggeredNS; after < 1e9 || after > 4e9 {
		t.Errorf("%d ms after the trigger", after/1e6)
	}
	for b, err := range r.Batches(context.Background(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			if stack := r.Stacks().Lookup(e.Stack); strings.Contains(stack, "main.waitForEver") {
				if e.Kind != format.KindSnapshot || e.To != format.StateWaiting || e.TimeNS != meta.StartNS {
					t.Errorf("the goroutine that waits for ever: %+v", e)
				}
				f.cmd.Process.Kill()
				<-f.ended
				return
			}
		}
	}
	t.Error("the goroutine that has waited since before is not in the trace")
}

func TestAFlightRecorderSavesWhenAsked(t *testing.T) {
	f := startFlight(t, "1h", "--trigger-distance", "0s", "--trigger-limit", "1/h")
	var code int
	var text string
	for range 100 {
		if code, text = finish(self("trigger", f.dir, "--reason", "error rate")); code == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	path := f.saved()
	if code != 0 || strings.TrimSpace(text) != path {
		t.Errorf("trigger: %d, %q, want %s", code, text, path)
	}
	if s := f.trace(path).Metadata().Saved; s == nil || s.Evidence != "error rate" {
		t.Errorf("saved %+v", s)
	}
	f.cmd.Process.Signal(syscall.SIGUSR2) // once more is too often
	code, text = finish(self("trigger", "-p", strconv.Itoa(f.pid())))
	if code != exitGate || !strings.Contains(text, "1/h have been saved") {
		t.Errorf("trigger: %d, %q", code, text)
	}
	f.cmd.Process.Kill()
	killed := time.Now()
	<-f.ended
	if _, last := f.trace(f.dir).Bounds(); killed.UnixNano()-last > 2e9 { // 1 s on a machine that is not overloaded
		t.Errorf("a kill lost %d ms", (killed.UnixNano()-last)/1e6)
	}
	if !strings.Contains(f.stderr.String(), "signal: nothing is saved: 1/h have been saved") {
		t.Errorf("told: %s", f.stderr.String())
	}
}

// pid is that of the recorded process.
func (f *flightRecorder) pid() int {
	for i, arg := range f.cmd.Args {
		if arg == "-p" {
			pid, err := strconv.Atoi(f.cmd.Args[i+1])
			if err != nil {
				f.t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}
