//go:build linux

package target

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOpenDescribesARunningProcess(t *testing.T) {
	before := time.Now()
	cat := run(t, exec.Command("cat", "-", "-u"))
	cat.say(t, "running")
	cat.line(t)
	p := open(t, cat.Process.Pid)

	comm, err := p.Comm()
	if err != nil || comm != "cat" {
		t.Errorf("Comm() = %q, %v; want cat", comm, err)
	}
	args, err := p.Cmdline()
	if want := []string{"cat", "-", "-u"}; err != nil || !slices.Equal(args, want) {
		t.Errorf("Cmdline() = %q, %v; want %q", args, err, want)
	}
	threads, err := p.Threads()
	if want := []Thread{{TID: p.PID(), NSTID: p.PID()}}; err != nil || !slices.Equal(threads, want) {
		t.Errorf("Threads() = %v, %v; want %v", threads, err, want)
	}
	if nspid, err := p.NSPID(); err != nil || nspid != p.PID() {
		t.Errorf("NSPID() = %d, %v; want %d", nspid, err, p.PID())
	}
	started, err := p.Started()
	if slack := 2 * clockTick; err != nil || started.Before(before.Add(-slack)) ||
		started.After(time.Now().Add(slack)) {
		t.Errorf("Started() = %v, %v; want between %v and now", started, err, before)
	}
	sameFile(t, p, cat.Path)
}

func sameFile(t *testing.T, p *Process, path string) {
	t.Helper()
	want, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(p.Exe())
	if err != nil || !os.SameFile(got, want) {
		t.Errorf("Exe() = %s, %v; it is not the file %s", p.Exe(), err, path)
	}
}

func TestOpenRefusesWhatIsNoProcess(t *testing.T) {
	zombie := run(t, exec.Command("true"))
	waitForState(t, zombie.Process.Pid, "Z")
	tests := []struct {
		name string
		pid  int
		want string
	}{
		{"zero", 0, "no such process"},
		{"a negative number", -1, "no such process"},
		{"a number beyond the kernel's largest", 1 << 30, "no such process"},
		{"a thread", otherThread(t), "is a thread of process"},
		{"a process that ended but was not waited for", zombie.Process.Pid, "has ended already"},
	}
	if comm, _ := os.ReadFile("/proc/2/comm"); string(comm) == "kthreadd\n" {
		tests = append(tests, struct {
			name string
			pid  int
			want string
		}{"a kernel thread", 2, "is a kernel thread"})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Open(test.pid)
			if err == nil {
				p.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q; want it to say %q", err, test.want)
			}
		})
	}
}

// waitForState waits until a child is in a state of ps(1). It asks the kernel
// again and again, giving up the CPU in between.
func waitForState(t *testing.T, pid int, state string) {
	t.Helper()
	for !strings.HasPrefix(statusField(procPath(pid, "status"), "State"), state) {
		if t.Context().Err() != nil {
			t.Fatalf("process %d is not in state %s", pid, state)
		}
		time.Sleep(time.Millisecond)
	}
}

func otherThread(t *testing.T) int {
	t.Helper()
	self := open(t, os.Getpid())
	threads, err := self.Threads()
	if err != nil || len(threads) < 2 {
		t.Fatalf("own threads: %v, %v", threads, err)
	}
	return threads[1].TID
}

func TestWaitEndsWithTheProcess(t *testing.T) {
	cat := run(t, exec.Command("cat"))
	p := open(t, cat.Process.Pid)
	if !p.Alive() {
		t.Error("a running process is not alive")
	}
	cat.in.Close()
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Alive() {
		t.Error("a process is alive after its end")
	}
	if err := cat.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Comm(); !errors.Is(err, ErrNoProcess) {
		t.Errorf("Comm() of a process that is gone: %v; want ErrNoProcess", err)
	}
	if _, err := p.Threads(); !errors.Is(err, ErrNoProcess) {
		t.Errorf("Threads() of a process that is gone: %v; want ErrNoProcess", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := open(t, run(t, exec.Command("cat")).Process.Pid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v; want context.Canceled", err)
	}
}

func TestCloseDoesNotSayThatTheProcessEnded(t *testing.T) {
	p := open(t, run(t, exec.Command("cat")).Process.Pid)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Exited():
		t.Error("Exited is closed for a process that runs on")
	default:
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestReplacedSeesAnExec(t *testing.T) {
	tests := []struct{ name, then string }{
		{"of another file", "exec cat"},
		{"of the same file", `exec "$0" -c 'while read x; do echo "$x"; done'`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shell := run(t, exec.Command("/bin/sh", "-c", "echo ready; read x; "+test.then, "/bin/sh"))
			shell.line(t)
			p := open(t, shell.Process.Pid)
			if replaced, err := p.Replaced(); err != nil || replaced {
				t.Fatalf("before the exec: Replaced() = %v, %v", replaced, err)
			}
			shell.say(t, "go on")
			shell.say(t, "from the new program")
			shell.line(t)
			if replaced, err := p.Replaced(); err != nil || !replaced {
				t.Errorf("after the exec: Replaced() = %v, %v", replaced, err)
			}
		})
	}
}

func TestSplitStatCountsFieldsAfterTheName(t *testing.T) {
	const fields = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21 22 23 24 25 26 27 28 29 30 31 32 33 " +
		"34 35 36 37 38 39 40 41 42 43 44 45"
	for _, name := range []string{"(cat)", "(a b c)", "(tricky) S 1 (x)", "(()"} {
		got, err := splitStat("77 " + name + fields)
		if err != nil || got[fieldState] != "S" || got[fieldStartTime] != "4242" {
			t.Errorf("name %s: %q, %v; want state S and 4242 ticks", name, got, err)
		}
	}
	for _, stat := range []string{"", "77", "77 (cat)", "77 (cat) S 1 2", fields, "77 cat" + fields} {
		if _, err := splitStat(stat); err == nil {
			t.Errorf("stat %q: no error", stat)
		}
	}
}

func TestTheMonotonicClockPlusItsOffsetIsTheTime(t *testing.T) {
	offset := MonotonicOffset()
	before := time.Now().UnixNano()
	now := readClock(unix.CLOCK_MONOTONIC) + offset
	after := time.Now().UnixNano()
	const slack = int64(50 * time.Microsecond) // what NTP may slew meanwhile, and the offset's own error
	if now < before-slack || now > after+slack {
		t.Errorf("monotonic + offset = %d; want between %d and %d", now, before, after)
	}
}

func TestReadHostAgreesWithTheSystem(t *testing.T) {
	host, err := ReadHost()
	if err != nil {
		t.Fatal(err)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if host.Kernel != strings.TrimSpace(string(release)) || host.CPUs < 1 || host.Name == "" {
		t.Errorf("ReadHost() = %+v; kernel is %s", host, release)
	}
}

func TestCountCPUs(t *testing.T) {
	tests := map[string]int{"0": 1, "0-3": 4, "0-1,4,6-7\n": 5, "": 0, "x": 0, "3-1": 0, "0-": 0}
	for list, want := range tests {
		if got := countCPUs(list); got != want {
			t.Errorf("countCPUs(%q) = %d; want %d", list, got, want)
		}
	}
}

func TestCPUModel(t *testing.T) {
	tests := []struct{ name, cpuinfo, want string }{
		{"amd64", "processor\t: 0\nmodel name\t: Fast CPU\n\nprocessor\t: 1\nmodel name\t: Other\n", "Fast CPU"},
		{"arm64", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "implementer 0x41 part 0xd0c"},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := cpuModel(test.cpuinfo); got != test.want {
				t.Errorf("cpuModel = %q; want %q", got, test.want)
			}
		})
	}
}
