package record_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/choose"
)

// copyOf puts a program under another name, so that no other test's process has it.
func copyOf(t *testing.T, exe, name string) string {
	t.Helper()
	raw, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProcessesComeAndGo records by the executable's name, beginning with no process at all: one
// comes and ends, and others come after it.
func TestProcessesComeAndGo(t *testing.T) {
	testenv.RequireBPF(t)
	t.Run("watched", func(t *testing.T) { comeAndGo(t, record.Options{}) })
	t.Run("sampled", func(t *testing.T) { comeAndGo(t, record.Options{Sampling: record.Sampling{RatePerS: 50}}) })
}

func comeAndGo(t *testing.T, opts record.Options) {
	exe := copyOf(t, testenv.Build(t, testenv.Program{Name: "service"}), "comes-and-goes")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	begun := make(chan struct{})
	var recorded atomic.Pointer[record.Progress]
	opts.Output, opts.Choose = filepath.Join(t.TempDir(), "t.parquet"), &choose.Rules{Exes: []string{exe}}
	opts.Recorder = "test"
	opts.Begun = func(time.Time) { close(begun) }
	opts.Progress = func(p record.Progress) { recorded.Store(&p) }
	type result struct {
		sum *record.Summary
		err error
	}
	done := make(chan result)
	go func() {
		sum, err := record.Record(ctx, opts)
		done <- result{sum, err}
	}()
	select {
	case <-begun:
	case r := <-done:
		t.Fatal(r.err)
	}
	const runs = 3
	var pids []int32
	for range runs {
		service := testenv.Start(t, exec.Command(exe, "-procs=1"))
		waitFor(t, "the process to be recorded", func() bool {
			p := recorded.Load()
			return p != nil && slices.Contains(p.Processes, service.PID())
		})
		before := recorded.Load().Events
		waitFor(t, "what it does", func() bool { return recorded.Load().Events > before })
		if err := service.End(); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, int32(service.PID()))
	}
	waitFor(t, "their ends to be seen", func() bool { return len(recorded.Load().Processes) == 0 })
	stop()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Logf("attached after %v; missed %+v", r.sum.Attached, r.sum.Missed)
	if n := len(r.sum.Metadata.Processes); n != runs || len(r.sum.Missed) != 0 {
		t.Fatalf("%d processes, missed %+v", n, r.sum.Missed)
	}
	for i, p := range r.sum.Metadata.Processes {
		if p.PID != pids[i] || p.BeginNS == 0 || p.EndReason != record.EndExited || p.EndNS < p.BeginNS ||
			p.Chosen != choose.ByExe || p.ProgramNS == 0 || p.ProgramNS > p.BeginNS || p.Lost != 0 {
			t.Errorf("process %d: %+v", pids[i], p)
		}
		before, after := rowsAround(t, opts.Output, p.PID, p.BeginNS-1)
		if before != 0 || after == 0 {
			t.Errorf("process %d has %d rows before its part began, %d after", p.PID, before, after)
		}
	}
	trace, err := format.Open(opts.Output)
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := format.Validate(t.Context(), trace, 10); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", problems, err)
	}
}
