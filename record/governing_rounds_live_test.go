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

// comeWhileOff records a service for which probes come off, and has another one come then. Recording
// ends a while after it has.
func comeWhileOff(t *testing.T, opts record.Options) (sum *record.Summary, pids [2]int32) {
	t.Helper()
	exe := copyOf(t, testenv.Build(t, testenv.Program{Name: "service"}), "comes-while-off")
	first := testenv.Start(t, exec.Command(exe, "-procs=1"))
	first.Ask(t, "") // it runs
	defer func() { _ = first.End() }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	off := make(chan struct{}, 10)
	var recorded atomic.Pointer[record.Progress]
	opts.Output, opts.Choose = filepath.Join(t.TempDir(), "t.parquet"), &choose.Rules{Exes: []string{exe}}
	opts.Recorder = "test"
	opts.Governed = func(why format.Reason) {
		if why != format.ReasonNone {
			off <- struct{}{}
		}
	}
	opts.Progress = func(p record.Progress) { recorded.Store(&p) }
	done := make(chan error, 1)
	go func() {
		var err error
		sum, err = record.Record(ctx, opts)
		done <- err
	}()
	select {
	case <-off:
	case err := <-done:
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came off")
	}
	second := testenv.Start(t, exec.Command(exe, "-procs=1"))
	defer func() { _ = second.End() }()
	waitFor(t, "the process to be recorded", func() bool {
		p := recorded.Load()
		return p != nil && slices.Contains(p.Processes, second.PID())
	})
	time.Sleep(1500 * time.Millisecond)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return sum, [2]int32{int32(first.PID()), int32(second.PID())}
}

// rowsWhileOff counts the rounds of a process, and fails where anything else is in its gaps, or where
// these do not reach from when it was found to the end.
func rowsWhileOff(t *testing.T, sum *record.Summary, pid int32, why format.Reason) (rounds int) {
	t.Helper()
	trace, err := format.Open(sum.Output)
	if err != nil {
		t.Fatal(err)
	}
	var told, lastEnd int64 // up to where gaps reach, and rounds
	for _, p := range sum.Metadata.Processes {
		if p.PID == pid {
			told = p.BeginNS
		}
	}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			switch {
			case e.PID != pid:
			case e.Kind == format.KindGap && format.ParseReason(trace.Reasons().Lookup(e.Reason)) == why:
				if e.TimeNS > told+int64(time.Microsecond) {
					t.Errorf("nothing says that nothing was watched from %d to %d", told, e.TimeNS)
				}
				told = max(told, e.EndNS)
			case e.Kind == format.KindRound:
				rounds++
				lastEnd = e.EndNS
				if e.TimeNS > told+int64(time.Microsecond) {
					t.Errorf("a round begins at %d, gaps end at %d", e.TimeNS, told)
				}
			case e.Kind == format.KindGoroutine || e.Kind == format.KindThread || e.Kind == format.KindSample:
				t.Errorf("a row of kind %v at %d", e.Kind, e.TimeNS)
			}
		}
	}
	if told < max(lastEnd, sum.Metadata.EndNS) {
		t.Errorf("gaps reach to %d, rounds to %d, the recording to %d", told, lastEnd, sum.Metadata.EndNS)
	}
	return rounds
}

// TestProcessesThatComeWhileAllIsOff have gaps from their beginning on, and so has one that was there
// already where the kill switch was too: nothing is ever attached.
func TestProcessesThatComeWhileAllIsOff(t *testing.T) {
	testenv.RequireBPF(t)
	off := filepath.Join(t.TempDir(), "off")
	if err := os.WriteFile(off, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sum, pids := comeWhileOff(t, record.Options{KillSwitch: off})
	for _, pid := range pids {
		if n := rowsWhileOff(t, sum, pid, format.ReasonKillSwitch); n > 0 {
			t.Errorf("%d rounds of what was not to be looked at", n)
		}
	}
	if len(sum.Metadata.Snapshots) != 0 {
		t.Errorf("snapshots %+v", sum.Metadata.Snapshots)
	}
	if g := sum.Metadata.Governor; g.Windows != 0 || g.DutyCycle != 0 {
		t.Errorf("%d windows, a duty cycle of %g", g.Windows, g.DutyCycle)
	}
	if sum.Metadata.GoroutineSampling != nil {
		t.Errorf("the metadata says %+v", sum.Metadata.GoroutineSampling)
	}
}

// TestGoroutinesAreSampledWhereWindowsAreTooDear has every window come too rarely to be worth it.
func TestGoroutinesAreSampledWhereWindowsAreTooDear(t *testing.T) {
	testenv.RequireBPF(t)
	sum, pids := comeWhileOff(t, record.Options{MaxOverhead: 0.1, RarestWindow: time.Millisecond})
	counts := map[int32]*format.Rounds{}
	for _, p := range sum.Metadata.Processes {
		counts[p.PID] = p.Rounds
	}
	t.Logf("%+v, %+v, %+v", *sum.Metadata.Governor, counts[pids[0]], counts[pids[1]])
	if sum.Metadata.GoroutineSampling == nil {
		t.Fatal("the metadata has no goroutine_sampling")
	}
	if n := rowsWhileOff(t, sum, pids[1], format.ReasonBudget); n == 0 {
		t.Error("the process that came later was not sampled")
	}
	if c := counts[pids[0]]; c == nil || c.Made == 0 {
		t.Errorf("the first one was sampled: %+v", c)
	}
	trace, err := format.Open(sum.Output)
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := format.Validate(t.Context(), trace, 10); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", problems, err)
	}
}
