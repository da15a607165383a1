package info_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// limited is the program that changes GOMAXPROCS when it is told to.
type limited struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// change is a value of GOMAXPROCS, and between which times it was set.
type change struct {
	before, after int64
	procs         float64
}

func startLimited(t *testing.T, cmd *exec.Cmd) *limited {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = in.Close(), cmd.Process.Kill(), cmd.Wait() })
	return &limited{cmd, in, bufio.NewReader(out)}
}

// told is what the program says next.
func (l *limited) told(t *testing.T) change {
	t.Helper()
	line, err := l.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var c change
	if _, err := fmt.Sscan(line, &c.before, &c.after, &c.procs); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return c
}

func (l *limited) set(t *testing.T, procs int) change {
	t.Helper()
	if _, err := fmt.Fprintln(l.in, procs); err != nil {
		t.Fatal(err)
	}
	return l.told(t)
}

func opened(t *testing.T, path string) *info.Result {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := format.Validate(t.Context(), trace, 10)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	return analyze(t, trace)
}

// TestEveryChangeOfGOMAXPROCSIsInTheTrace changes it while recording, from the first instruction
// on, and compares value and time with what the program says itself.
func TestEveryChangeOfGOMAXPROCSIsInTheTrace(t *testing.T) {
	testenv.RequireBPF(t)
	for _, c := range []struct {
		name    string
		program testenv.Program
		without string
		late    time.Duration // what the row's time may be after the change
	}{
		{"at stops of the world", testenv.Program{Name: "limits"}, "", 0},
		{"of a stripped program", testenv.Program{Name: "limits", Mode: testenv.Stripped}, "", 0},
		{"of Go 1.18", testenv.Program{Name: "limits", Toolchain: "go1.18.10"}, "", 0},
		{"read now and then", testenv.Program{Name: "limits"}, "gc", 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "t.parquet")
			args := []string{"record", "-o", out, "--without", c.without, "--", testenv.Build(t, c.program)}
			if c.without == "" {
				args = []string{"record", "-o", out, "--", testenv.Build(t, c.program)}
			}
			l := startLimited(t, exec.Command(testenv.Gosched(t), args...))
			changes := []change{l.told(t)}
			for _, n := range []int{3, 300, 1, 4, 2} {
				if c.late > 0 {
					waitForLimits(t, out, len(changes))
				}
				changes = append(changes, l.set(t, n))
			}
			if c.late > 0 {
				waitForLimits(t, out, len(changes))
			}
			l.in.Close()
			if err := l.cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			compareLimits(t, opened(t, out), changes, int64(c.late))
		})
	}
}

// waitForLimits waits until a recording that goes on has so many values of GOMAXPROCS: one that is
// read now and then must hold until it was.
func waitForLimits(t *testing.T, out string, n int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for have := 0; have < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d values of GOMAXPROCS after 30 seconds, want %d", have, n)
		}
		have = 0
		trace, err := format.Open(out + ".partial")
		if err != nil {
			continue // no segment yet
		}
		for _, l := range analyze(t, trace).Limits {
			if l.Name == format.LimitProcs {
				have++
			}
		}
	}
}

func compareLimits(t *testing.T, r *info.Result, want []change, late int64) {
	t.Helper()
	var got []info.Limit
	for _, l := range r.Limits {
		if l.Name == format.LimitProcs {
			got = append(got, l)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d values of GOMAXPROCS, want %d: %+v", len(got), len(want), got)
	}
	const rounding = 1000 // of the clocks, which are read one after the other, and of the trace's times
	for i, l := range got {
		w := want[i]
		if l.Value == nil || *l.Value != w.procs {
			t.Errorf("value %d is %+v, want %v", i, l, w.procs)
		}
		if i > 0 && (l.TimeNS < w.before-rounding || l.TimeNS > w.after+late+rounding) {
			t.Errorf("GOMAXPROCS %v is from %d on; it was set between %d and %d", w.procs, l.TimeNS, w.before, w.after)
		}
	}
}

// cgroup makes a cgroup of a parent and moves a process into it. It returns a function that limits
// its CPU time.
func cgroup(t *testing.T, pid int) (limit func(quotaUS string)) {
	t.Helper()
	parent, name := "/sys/fs/cgroup", "cpu.max"
	if _, err := os.Stat("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil {
		parent, name = "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"
	}
	dir, err := os.MkdirTemp(parent, "gosched-test-")
	if err != nil {
		testenv.Lacking(t, "cgroups cannot be made here: "+err.Error())
	}
	process := []byte(strconv.Itoa(pid))
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.procs"), process, 0)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	write := func(file, value string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0); err != nil {
			testenv.Lacking(t, "CPU time cannot be limited here: "+err.Error())
		}
	}
	write("cgroup.procs", string(process))
	return func(quotaUS string) {
		if quotaUS == "max" && name != "cpu.max" {
			quotaUS = "-1"
		}
		write(name, quotaUS)
	}
}

// recordingOf starts a recording of a process. end ends it and gives what it is.
func recordingOf(t *testing.T, pid int) (out string, end func() *info.Result) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "t.parquet")
	cmd := exec.Command(testenv.Gosched(t), "record", "-o", out, "-p", strconv.Itoa(pid))
	var text bytes.Buffer
	cmd.Stderr = &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	waitForSegment(t, out, &text)
	return out, func() *info.Result {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		return opened(t, out)
	}
}

func waitForSegment(t *testing.T, out string, text fmt.Stringer) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if files, _ := filepath.Glob(out + ".partial/*.parquet"); len(files) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is recorded\n%s", text)
		}
	}
}

func TestAChangeOfTheQuotaIsInTheTrace(t *testing.T) {
	testenv.RequireBPF(t)
	l := startLimited(t, exec.Command(testenv.Build(t, testenv.Program{Name: "limits"})))
	l.told(t)
	limit := cgroup(t, l.cmd.Process.Pid)
	limit("200000")
	out, end := recordingOf(t, l.cmd.Process.Pid)
	seen := []int64{0}
	for i, quota := range []string{"150000", "max", "300000"} {
		seen = append(seen, time.Now().UnixNano())
		limit(quota)
		waitForQuota(t, out, i+2)
	}
	r := end()
	var got []string
	for _, q := range r.Limits {
		if q.Name != format.LimitQuota {
			continue
		}
		value := 0.0
		if q.Value != nil {
			value = *q.Value
		}
		if q.TimeNS < seen[min(len(got), 3)] {
			t.Errorf("a quota of %v is from %d on, before it was set", value, q.TimeNS)
		}
		got = append(got, fmt.Sprint(value))
	}
	if want := "2 1.5 0 3"; strings.Join(got, " ") != want {
		t.Errorf("the quotas are %v, want %s", got, want)
	}
}

// waitForQuota waits until a recording that goes on has so many values of the quota.
func waitForQuota(t *testing.T, out string, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		trace, err := format.Open(out + ".partial")
		have := 0
		if err == nil {
			for _, l := range analyze(t, trace).Limits {
				if l.Name == format.LimitQuota {
					have++
				}
			}
		}
		if have >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d quotas after 30 seconds, want %d", have, n)
		}
	}
}

// TestAStoppedProcessIsSaid stops a process by a signal, and has it go on, while it is recorded.
func TestAStoppedProcessIsSaid(t *testing.T) {
	testenv.RequireBPF(t)
	l := startLimited(t, exec.Command(testenv.Build(t, testenv.Program{Name: "limits"})))
	l.told(t)
	pid := l.cmd.Process.Pid
	_, end := recordingOf(t, pid)
	send := func(sig syscall.Signal) {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	asked := time.Now()
	send(syscall.SIGSTOP)
	waitStopped(t, pid)
	stopped := time.Now()
	for time.Since(stopped) < 300*time.Millisecond { // it is stopped for at least so long
		time.Sleep(10 * time.Millisecond)
	}
	least := time.Since(stopped)
	send(syscall.SIGCONT)
	most := time.Since(asked)
	l.set(t, 2) // it goes on
	r := end()
	if len(r.Suspended) != 1 || r.Suspended[0].State != "stopped" || r.Suspended[0].Open {
		t.Fatalf("suspensions %+v, want one by a signal", r.Suspended)
	}
	// until the kernel has woken and stopped all threads of a process that waits for a CPU
	const slack = 5 * time.Millisecond
	if got := time.Duration(r.SuspendedNS); got < least-slack || got > most+slack {
		t.Errorf("it is said to have been stopped for %v; it was for %v to %v", got, least, most)
	}
	if len(r.Warnings) == 0 || !strings.Contains(fmt.Sprint(r.Warnings), "the process was stopped for") {
		t.Errorf("warnings %v say nothing of it", r.Warnings)
	}
}

// waitStopped waits until all threads of a process are stopped.
func waitStopped(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		running := 0
		for _, path := range stats {
			text, _ := os.ReadFile(path)
			if _, rest, _ := strings.Cut(string(text), ") "); !strings.HasPrefix(rest, "T") {
				running++
			}
		}
		if len(stats) > 0 && running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not stop")
		}
	}
}
