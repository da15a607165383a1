package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// container is a shell in a PID namespace of its own, with a service to record.
type container struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	service string          // its number in there
	outside *target.Process // the same process from here
}

const ownProc = "mount --make-rprivate / && mount -t proc proc /proc"

// startContainer starts one that first does setUp.
func startContainer(t *testing.T, setUp string) *container {
	t.Helper()
	testenv.RequireBPF(t)
	service := testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.Stripped})
	cmd := exec.Command("sh", "-c", setUp+`
		sleep 1000 | "$0" -clients 2 >&2 &
		echo $!
		while read line; do eval "$line" 2>&1; echo "exit code $?"; done`, service)
	cmd.Env = append(os.Environ(), asNobody+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // and with the first process all of the namespace
		_ = cmd.Wait()
	})
	c := &container{t: t, in: in, out: bufio.NewReader(out)}
	c.service = c.line()
	c.outside = c.child(cmd.Process.Pid)
	return c
}

func (c *container) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// child finds the service from outside: the process that the container numbers as the shell said.
func (c *container) child(shell int) *target.Process {
	c.t.Helper()
	for {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", shell))
		if err != nil {
			testenv.Lacking(c.t, "this kernel does not list children: "+err.Error())
		}
		for child := range strings.FieldsSeq(string(children)) {
			pid, _ := strconv.Atoi(child)
			proc, err := target.Open(pid)
			if err != nil {
				continue // the shell's own, on its way to become the service
			}
			nspid, err1 := proc.NSPID()
			comm, err2 := proc.Comm()
			if err1 == nil && err2 == nil && strconv.Itoa(nspid) == c.service && strings.HasPrefix(comm, "service") {
				c.t.Cleanup(func() { proc.Close() })
				return proc
			}
			proc.Close()
		}
		if c.t.Context().Err() != nil {
			c.t.Fatal("the service does not appear")
		}
	}
}

// gosched runs a command line of gosched in the container.
func (c *container) gosched(args ...string) (code int, text string) {
	c.t.Helper()
	line := "'" + strings.Join(append([]string{"/proc/self/exe"}, args...), "' '") + "'"
	if exe, err := os.Executable(); err == nil {
		line = strings.Replace(line, "/proc/self/exe", exe, 1)
	}
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		c.t.Fatal(err)
	}
	for {
		line := c.line()
		if rest, ok := strings.CutPrefix(line, "exit code "); ok {
			code, err := strconv.Atoi(rest)
			if err != nil {
				c.t.Fatal(err)
			}
			return code, text
		}
		text += line + "\n"
	}
}

func TestARecordingInAPIDNamespaceHasTheRootsNumbers(t *testing.T) {
	for name, setUp := range map[string]string{"with its own /proc": ownProc, "with the root's /proc": ":"} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, setUp)
			path := filepath.Join(t.TempDir(), "trace.parquet")
			tids := threadSet(t, c.outside, nil)
			code, text := c.gosched("record", "-p", c.service, "-d", "300ms", "-o", path)
			tids = threadSet(t, c.outside, tids)
			want := fmt.Sprintf("(pid %s, in the trace %d as", c.service, c.outside.PID())
			if code != 0 || !strings.Contains(text, want) {
				t.Fatalf("it exits with %d: %s; want %q", code, text, want)
			}
			checkNumbers(t, path, int32(c.outside.PID()), tids)
		})
	}
}

// threadSet adds the threads that a process has now, as the root PID namespace numbers them.
func threadSet(t *testing.T, proc *target.Process, tids map[int32]bool) map[int32]bool {
	t.Helper()
	threads, err := proc.Threads()
	if err != nil {
		t.Fatal(err)
	}
	if tids == nil {
		tids = map[int32]bool{}
	}
	for _, thread := range threads {
		tids[int32(thread.TID)] = true
	}
	return tids
}

// checkNumbers wants every row to be of the process, and on one of its threads.
func checkNumbers(t *testing.T, path string, pid int32, tids map[int32]bool) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := trace.Metadata().Processes[0].PID; got != pid {
		t.Errorf("the metadata say process %d; want %d", got, pid)
	}
	onThread := map[format.Kind]int{}
	for b, err := range trace.Batches(context.Background(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if b.PID[i] != pid {
				t.Fatalf("a row is of process %d; want %d", b.PID[i], pid)
			}
			if b.TID[i] == format.Unknown {
				continue
			}
			onThread[b.Kind[i]]++
			if !tids[b.TID[i]] {
				t.Fatalf("a row is on thread %d; the process has %v", b.TID[i], tids)
			}
		}
	}
	for _, kind := range []format.Kind{format.KindGoroutine, format.KindThread, format.KindSnapshot} {
		if onThread[kind] == 0 {
			t.Errorf("no row of kind %v has a thread: there was nothing to check", kind)
		}
	}
}

func TestOtherCommandsWorkInAPIDNamespace(t *testing.T) {
	c := startContainer(t, ownProc)
	code, text := c.gosched("goroutines", "-p", c.service)
	if code != 0 || !strings.Contains(text, "goroutine 1 [") {
		t.Errorf("goroutines -p exits with %d: %s", code, text)
	}
	code, text = c.gosched("check", "-p", c.service)
	if want := "Process " + c.service + " can be recorded here"; code != 0 || !strings.Contains(text, want) {
		t.Errorf("check -p exits with %d: %s", code, text)
	}
	other := strconv.Itoa(os.Getpid()) // as the root has it
	path := filepath.Join(t.TempDir(), "trace.parquet")
	code, text = c.gosched("record", "-p", other, "-o", path)
	if code != exitInput || !strings.Contains(text, "no such process") {
		t.Errorf("of a process that is not in the namespace, record exits with %d: %s", code, text)
	}
}

// TestAProcOfAnotherPIDNamespaceIsSaidToBeOne runs gosched with the /proc of a container that it is
// not in.
func TestAProcOfAnotherPIDNamespaceIsSaidToBeOne(t *testing.T) {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		testenv.Lacking(t, err.Error())
	}
	c := startContainer(t, ownProc)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"record", "-p", "2"}, {"goroutines", "-p", "2"}, {"check", "-p", "2"}} {
		cmd := exec.Command(nsenter, append([]string{"-m", "-t", strconv.Itoa(c.outside.PID()), exe}, args...)...)
		cmd.Env = append(os.Environ(), asNobody+"=1")
		code, text := finish(cmd)
		text = strings.Join(strings.Fields(text), " ")
		if code != exitUnsupported || !strings.Contains(text, "is another PID namespace's and does not show it") ||
			!strings.Contains(strings.ToLower(text), "mount this pid namespace's own") {
			t.Errorf("%v exits with %d: %s", args, code, text)
		}
	}
}

// TestATimeNamespaceWithAClockOfItsOwnIsRefused runs gosched where its clock is not that of the
// kernel's events, which would all be before its recording.
func TestATimeNamespaceWithAClockOfItsOwnIsRefused(t *testing.T) {
	testenv.RequireBPF(t)
	inside := []string{"--fork", "--time", "--monotonic", "1000"}
	if out, err := exec.Command("unshare", append(inside, "true")...).CombinedOutput(); err != nil {
		testenv.Lacking(t, fmt.Sprintf("no time namespace can be made here: %v: %s", err, out))
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trace.parquet")
	for _, args := range [][]string{{"record", "-o", path, "--", exe}, {"check"}} {
		cmd := exec.Command("unshare", slices.Concat(inside, []string{exe}, args)...)
		cmd.Env = append(os.Environ(), asNobody+"=1")
		code, text := finish(cmd)
		if want := "is a time namespace's own: it is ahead by 1000 0"; code != exitUnsupported ||
			!strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%v exits with %d: %s; want %q", args, code, text, want)
		}
	}
}
