package record_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// machineOf checks what a trace says of the machine while it was recorded.
func machineOf(t *testing.T, path string, elapsed time.Duration) *format.MachineTime {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := trace.Metadata()
	m := meta.Machine
	if m == nil {
		t.Fatal("the trace says nothing of the machine")
	}
	all := time.Duration(m.BusyNS + m.StealNS + m.IdleNS)
	want := elapsed * time.Duration(meta.CPUs)
	const ticks = 100 * time.Millisecond
	if all < want*3/4-ticks || all > want*5/4+ticks {
		t.Errorf("%v recorded on %d CPUs is %v of CPU time", elapsed, meta.CPUs, all)
	}
	if own := time.Duration(m.OwnNS); own <= 0 || own > time.Duration(m.BusyNS+m.StealNS)+ticks {
		t.Errorf("the process had %v of %v", own, time.Duration(m.BusyNS))
	}
	return m
}

func TestTheMachineIsMeasured(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t, "-clients", "2")
	proc, err := target.Open(s.pid())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	path := filepath.Join(t.TempDir(), "t.parquet")
	summary, err := record.Record(t.Context(), record.Options{Output: path, Duration: time.Second}, proc)
	if err != nil {
		t.Fatal(err)
	}
	machineOf(t, path, summary.Elapsed)
}

// TestTheTimeOfAProcessThatEndedIsKnown records one whose exit code was taken before the
// recording's end saw it.
func TestTheTimeOfAProcessThatEndedIsKnown(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "channels"})
	child, err := target.Start(t.Context(), []string{program, "-repeat", "10"}, target.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	waited := make(chan error, 1)
	path := filepath.Join(t.TempDir(), "t.parquet")
	opts := record.Options{Output: path, Ready: func() error {
		err := child.Resume()
		go func() {
			_, err := child.Wait()
			waited <- err
		}()
		return err
	}}
	summary, err := record.Record(t.Context(), opts, child.Process)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	m := machineOf(t, path, summary.Elapsed)
	if own := time.Duration(m.OwnNS); own < 20*time.Millisecond {
		t.Errorf("it worked for %v and had %v of CPU time", summary.Elapsed, own)
	}
}
