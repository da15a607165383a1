//go:build linux

package target

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

func TestStopStateIsThatOfAllThreads(t *testing.T) {
	cat := run(t, helper("opener")) // a Go program, which has several threads
	cat.line(t)
	proc := open(t, cat.Process.Pid)
	for _, step := range []struct {
		signal syscall.Signal
		want   string
	}{{syscall.SIGSTOP, "stopped"}, {syscall.SIGCONT, ""}} {
		if err := cat.Process.Signal(step.signal); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); proc.StopState() != step.want; time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("after %v its state is %q, want %q", step.signal, proc.StopState(), step.want)
			}
		}
	}
	if err := errors.Join(cat.Process.Kill(), cat.Wait()); err == nil {
		t.Error("it ended by itself")
	}
	if got := proc.StopState(); got != "" {
		t.Errorf("when it has ended its state is %q", got)
	}
}
