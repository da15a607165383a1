package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// TestOneOfTwoReplacesItsProgram records two processes of one file, one of which runs the same file
// anew: that is another program, of which nothing is told, while the other process goes on.
func TestOneOfTwoReplacesItsProgram(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t, "-procs=1")
	other, err := target.Open(s.pid())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c, err := target.Start(t.Context(), []string{s.exe, "-exec=" + s.exe}, target.StartOptions{Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out := filepath.Join(t.TempDir(), "t.parquet")
	opts := record.Options{Output: out, Recorder: "test", Duration: time.Second, Ready: c.Resume}
	sum, err := record.Record(t.Context(), opts, c.Process, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	replaced, lives := sum.Metadata.Processes[0], sum.Metadata.Processes[1]
	if replaced.EndReason != record.EndReplaced || replaced.EndNS == 0 || lives.EndNS != 0 ||
		sum.EndReason != record.EndDuration {
		t.Errorf("one ended with %q at %d, the other at %d, the recording with %q", replaced.EndReason, replaced.EndNS,
			lives.EndNS, sum.EndReason)
	}
	var before, after [2]int
	for i, p := range []format.Process{replaced, lives} {
		before[i], after[i] = rowsAround(t, out, p.PID, replaced.EndNS)
	}
	if before[0] == 0 || after[0] != 0 || before[1] == 0 || after[1] == 0 {
		t.Errorf("%d rows before the one ended and %d after it; of the other %d and %d", before[0], after[0], before[1],
			after[1])
	}
}

// rowsAround counts a process's rows up to a time and after it.
func rowsAround(t *testing.T, path string, pid int32, at int64) (before, after int) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			switch {
			case b.PID[i] != pid:
			case b.TimeNS[i] <= at:
				before++
			default:
				after++
			}
		}
	}
	return before, after
}

func TestWhatCannotBeRecordedTogetherIsRefused(t *testing.T) {
	own, err := target.Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	many := make([]*target.Process, record.MaxProcesses+1)
	for i := range many {
		many[i] = own
	}
	for want, procs := range map[string][]*target.Process{
		"no process to record":          nil,
		"is named twice":                {own, own},
		"can have 64 processes, not 65": many,
	} {
		opts := record.Options{Output: filepath.Join(t.TempDir(), "t.parquet")}
		if _, err := record.Record(t.Context(), opts, procs...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d processes: %v; want %q", len(procs), err, want)
		}
	}
}
