package record_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// span is the first and last event of a trace, which is read and checked whole.
func span(t *testing.T, path string) (first, last time.Time, rows int) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := format.Validate(t.Context(), trace, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %v", path, p)
	}
	for b, err := range trace.Batches(t.Context(), format.Selection{Columns: format.Columns(format.ColTime)}) {
		if err != nil {
			t.Fatal(err)
		}
		if rows == 0 && b.Len() > 0 {
			first = time.Unix(0, b.TimeNS[0])
		}
		if b.Len() > 0 {
			last = time.Unix(0, b.TimeNS[b.Len()-1])
		}
		rows += b.Len()
	}
	return first, last, rows
}

// probed says whether something has put a breakpoint into the process's copy of its program.
func probed(t *testing.T, s *service) bool {
	t.Helper()
	proc, err := target.Open(s.pid())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	maps, err := proc.ExeMappings()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.exe)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if !m.Executable {
			continue
		}
		have := make([]byte, min(m.End-m.Start, uint64(len(file))-m.Offset))
		if _, err := proc.ReadAt(have, int64(m.Start)); err != nil {
			t.Fatal(err)
		}
		return string(have) != string(file[m.Offset:m.Offset+uint64(len(have))])
	}
	t.Fatal("the service's program is not in its memory")
	return false
}

// works fails the test unless the service still answers, and rightly: it exits at the first wrong
// answer.
func works(t *testing.T, s *service) {
	t.Helper()
	before := s.work(t)
	for deadline := time.Now().Add(10 * time.Second); s.work(t).rounds == before.rounds; {
		if time.Now().After(deadline) {
			t.Fatal("the service does not work any more")
		}
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestKilledRecorderLeavesTheTraceAndTheTarget(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t)
	out := filepath.Join(t.TempDir(), "t.parquet")
	cmd := exec.Command(testenv.Gosched(t), "record", "-p", strconv.Itoa(s.pid()), "-o", out)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	segments := func() int {
		files, _ := filepath.Glob(out + ".partial/*.parquet")
		return len(files)
	}
	waitFor(t, "three segments", func() bool { return segments() >= 3 })
	if !probed(t, s) {
		t.Error("no probe is in the target while it is recorded: the check below cannot fail")
	}
	killed := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	_, last, rows := span(t, out+".partial")
	if rows == 0 || killed.Sub(last) > time.Second+slack {
		t.Errorf("%d rows, the last %v before the kill", rows, killed.Sub(last))
	}
	waitFor(t, "the probes to be gone", func() bool { return !probed(t, s) })
	works(t, s)
}

// slack is what a busy machine may add to what the recorder promises.
const slack = time.Second

func TestFullDiskEndsTheRecordingAndKeepsWhatWasWritten(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t, "-clients=2")
	dir := t.TempDir()
	// Room for some segments of half a second each: a machine that writes 8 MB in one is not known.
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	out := filepath.Join(dir, "t.parquet")
	err := recordUntil(t, s, record.Options{Output: out, Recorder: "test", Duration: time.Minute})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the recording ended with %v, not with a full disk", err)
	}
	if _, _, rows := span(t, out+".partial"); rows == 0 {
		t.Error("nothing can be read")
	}
	if probed(t, s) {
		t.Error("probes are left in the target")
	}
	works(t, s)
}

// recordUntil records a service until the recording ends by itself.
func recordUntil(t *testing.T, s *service, opts record.Options) error {
	t.Helper()
	proc, err := target.Open(s.pid())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	_, err = record.Record(t.Context(), opts, proc)
	return err
}

func TestMissingFolderIsFoundBeforeAnythingIsRecorded(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t)
	out := filepath.Join(t.TempDir(), "no", "such", "t.parquet")
	err := recordUntil(t, s, record.Options{Output: out,
		Ready: func() error { t.Error("the recording began"); return nil }})
	if err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("the error is %v", err)
	}
	if probed(t, s) {
		t.Error("probes are left in the target")
	}
}

// child starts a command that is recorded from its first instruction.
func child(t *testing.T, out string, argv ...string) (*record.Summary, int) {
	t.Helper()
	c, err := target.Start(t.Context(), argv, target.StartOptions{Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum, err := record.Record(t.Context(), record.Options{Output: out, Recorder: "test", Ready: c.Resume}, c.Process)
	if err != nil {
		t.Fatal(err)
	}
	code, err := c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return sum, code
}

func TestTargetEndsOfItself(t *testing.T) {
	testenv.RequireBPF(t)
	exe := testenv.Build(t, testenv.Program{Name: "service"})
	out := filepath.Join(t.TempDir(), "t.parquet")
	sum, code := child(t, out, exe, "-procs=2") // its standard input is empty
	if sum.EndReason != record.EndExited || code != 0 {
		t.Errorf("ended with %q and exit code %d", sum.EndReason, code)
	}
	if _, _, rows := span(t, out); int64(rows) != sum.Events {
		t.Errorf("%d rows in the trace of %d events", rows, sum.Events)
	}
}

func TestTargetIsKilled(t *testing.T) {
	testenv.RequireBPF(t)
	exe := testenv.Build(t, testenv.Program{Name: "service"})
	cmd := exec.Command(exe)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "t.parquet")
	stop := recordInBackground(t, cmd.Process.Pid, record.Options{Output: out, Recorder: "test"})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if sum := stop(); sum.EndReason != record.EndExited && sum.EndReason != record.EndInterrupted {
		t.Errorf("ended with %q", sum.EndReason)
	}
	span(t, out)
}

func TestTargetReplacesItsProgram(t *testing.T) {
	testenv.RequireBPF(t)
	exe := testenv.Build(t, testenv.Program{Name: "service"})
	out := filepath.Join(t.TempDir(), "t.parquet")
	sum, code := child(t, out, exe, "-exec=/bin/true")
	if sum.EndReason != record.EndReplaced || code != 0 {
		t.Errorf("ended with %q and exit code %d", sum.EndReason, code)
	}
	span(t, out)
}

func TestManyRecordingsLeaveTheTargetAsItWas(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t, "-clients=2")
	cycles := 200
	if testing.Short() {
		cycles = 10
	}
	dir := t.TempDir()
	files := openFiles(t)
	for i := range cycles {
		out := filepath.Join(dir, strconv.Itoa(i)+".parquet")
		opts := record.Options{Output: out}
		if i%10 == 9 {
			opts.Fallbacks = []string{fallback.PerfUprobes}
		}
		stop := recordInBackground(t, s.pid(), opts)
		if sum := stop(); sum.EndReason != record.EndInterrupted {
			t.Fatalf("recording %d ended with %q", i, sum.EndReason)
		}
		if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		works(t, s)
	}
	if probed(t, s) {
		t.Error("probes are left in the target")
	}
	if now := openFiles(t); now > files+2 {
		t.Errorf("%d files are open, %d were before", now, files)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestTheTraceIsWholeWhenItIsSaidToBe(t *testing.T) {
	testenv.RequireBPF(t)
	s := startService(t, "-clients=2")
	for _, fallbacks := range [][]string{nil, {fallback.PerfUprobes}, {fallback.LegacyPrograms}} {
		out := filepath.Join(t.TempDir(), "t.parquet")
		written := 0
		opts := record.Options{Output: out, Recorder: "test", Duration: 200 * time.Millisecond, Fallbacks: fallbacks}
		opts.Written = func(sum *record.Summary) {
			written++
			if _, _, rows := span(t, out); int64(rows) != sum.Events || rows == 0 {
				t.Errorf("%v: %d rows in the trace of %d events", fallbacks, rows, sum.Events)
			}
			for _, name := range fallbacks {
				said := func(f format.Fallback) bool { return f.Name == name && f.Forced && f.Does != "" }
				if !slices.ContainsFunc(sum.Metadata.Fallbacks, said) {
					t.Errorf("of %s the trace says %+v", name, sum.Metadata.Fallbacks)
				}
			}
		}
		if err := recordUntil(t, s, opts); err != nil || written != 1 {
			t.Errorf("%v: it is said %d times that the trace is whole: %v", fallbacks, written, err)
		}
		if probed(t, s) {
			t.Errorf("%v: probes are left in the target", fallbacks)
		}
	}
	works(t, s)
}
