package referee_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// delays is a pass that keeps the whole scheduling delays of a trace that began at some time or later.
type delays struct {
	from, to int64 // CLOCK_MONOTONIC
	offset   int64
	ns       []int64
}

func (d *delays) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable)}
}

func (d *delays) Begin(names *replay.Names) {}

func (d *delays) Spans(spans []replay.Span) {
	for i := range spans {
		if s := &spans[i]; s.Flags == 0 && s.Begin-d.offset >= d.from && s.Begin-d.offset < d.to {
			d.ns = append(d.ns, s.End-s.Begin)
		}
	}
}

// TestARecordingForLatencyHasTheDelaysOfAFullOne records a server twice at once: everything, and what
// scheduling delays need. What is measured by two probes at the same place differs by the time that
// the first of them takes.
func TestARecordingForLatencyHasTheDelaysOfAFullOne(t *testing.T) {
	testenv.RequireBPF(t)
	s := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), "-clients", "2",
		"-pingpong=false"))
	s.Ask(t, "") // it runs
	unneeded, ok := caveat.Unneeded("latency")
	if !ok {
		t.Fatal("latency is no question")
	}
	dir := t.TempDir()
	full := record.Options{Output: filepath.Join(dir, "full.parquet")}
	narrow := record.Options{Output: filepath.Join(dir, "narrow.parquet"), Without: unneeded, For: "latency"}
	var ends []func()
	for _, opts := range []record.Options{full, narrow} {
		ends = append(ends, recording(t, opts, s.PID()))
	}
	time.Sleep(2 * time.Second)
	for _, end := range ends {
		end()
	}
	want, got := wholeDelays(t, full.Output, narrow.Output)
	t.Logf("%d delays in the full recording, %d in that for latency", len(want), len(got))
	if n := len(want); n < 1000 || len(got) < n-n/100 || len(got) > n+n/100 {
		t.Errorf("%d delays, %d in the full recording", len(got), n)
	}
	for _, percent := range []int{50, 90, 99} {
		a, b := want[len(want)*percent/100], got[len(got)*percent/100]
		t.Logf("p%d: %d ns, in the full recording %d ns", percent, b, a)
		if off := max(a-b, b-a); off > 3000+a/5 {
			t.Errorf("p%d is %d ns, in the full recording %d ns", percent, b, a)
		}
	}
}

// recording records until the function that it returns is called.
func recording(t *testing.T, opts record.Options, pid int) (end func()) {
	t.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan error, 1)
	opts.Begun = func(time.Time) { close(begun) }
	go func() {
		_, err := record.Record(ctx, opts, proc)
		ended <- err
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// wholeDelays are the delays of two traces that began while both were recorded, in order of length.
func wholeDelays(t *testing.T, paths ...string) (a, b []int64) {
	t.Helper()
	const margin = int64(100 * time.Millisecond)
	passes := []*delays{{to: 1<<63 - 1}, {to: 1<<63 - 1}}
	for _, path := range paths {
		trace, err := format.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		meta := trace.Metadata()
		for i, p := range passes {
			p.from = max(p.from, meta.StartNS-meta.ClockOffsetNS+margin)
			p.to = min(p.to, meta.EndNS-meta.ClockOffsetNS-margin)
			if paths[i] == path {
				p.offset = meta.ClockOffsetNS
			}
		}
	}
	for i, path := range paths {
		trace, err := format.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := replay.Run(t.Context(), trace, passes[i]); err != nil {
			t.Fatal(err)
		}
		slices.Sort(passes[i].ns)
	}
	return passes[0].ns, passes[1].ns
}
