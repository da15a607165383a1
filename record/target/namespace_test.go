//go:build linux

package target

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

func TestThreadsOfAProcessInAPIDNamespaceHaveTheirNumbersThere(t *testing.T) {
	cmd := helper("namespace")
	cmd.SysProcAttr = newPIDNamespace()
	child := run(t, cmd)
	child.line(t)
	p := open(t, child.Process.Pid)
	nspid, err := p.NSPID()
	if err != nil || nspid != 1 {
		t.Errorf("NSPID() = %d, %v; want 1", nspid, err)
	}
	threads, err := p.Threads()
	if err != nil || len(threads) < 2 {
		t.Fatalf("Threads() = %v, %v; want those of a Go program", threads, err)
	}
	if want := (Thread{TID: p.PID(), NSTID: 1}); threads[0] != want {
		t.Errorf("first of Threads() = %v; want %v", threads[0], want)
	}
	for _, thread := range threads[1:] {
		if thread.NSTID <= 1 || thread.NSTID >= thread.TID {
			t.Errorf("thread %v: want a number of its own in a fresh namespace", thread)
		}
	}
}

func newPIDNamespace() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

func TestANestedPIDNamespaceIsNotTheRoot(t *testing.T) {
	if root, err := InRootPIDNamespace(); err != nil || !root {
		t.Skipf("this test runs in a nested PID namespace itself: %t, %v", root, err)
	}
	cmd := helper("namespace")
	cmd.SysProcAttr = newPIDNamespace()
	if got := run(t, cmd).line(t); got != "false <nil>" {
		t.Errorf("in a nested namespace: %s; want false", got)
	}
}

// opener starts a helper in a PID namespace of its own that opens processes. It returns the
// numbers of the helper's cat, there and here.
func opener(t *testing.T, role string) (helping *process, inside, outside string) {
	t.Helper()
	cmd := helper(role)
	cmd.SysProcAttr = newPIDNamespace()
	helping = run(t, cmd)
	inside = helping.line(t)
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
	if err != nil || len(lists) == 0 {
		testenv.Lacking(t, "this kernel does not list children")
	}
	for _, list := range lists { // one for each thread that may have started it
		children, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(children)) {
			pid, _ := strconv.Atoi(child)
			if nspid := innermost(statusField(procPath(pid, "status"), "NSpid")); strconv.Itoa(nspid) == inside {
				return helping, inside, child
			}
		}
	}
	t.Fatalf("the helper has no child that it numbers %s", inside)
	return nil, "", ""
}

func TestAProcessIsOpenedByItsNumberInTheCallersPIDNamespace(t *testing.T) {
	for _, role := range []string{"opener, own /proc", "opener"} {
		t.Run(role, func(t *testing.T) {
			helping, inside, outside := opener(t, role)
			helping.say(t, inside)
			tid := inside // as /proc numbers it
			if role == "opener" {
				tid = outside
			}
			if got, want := helping.line(t), inside+" is cat with threads [{"+tid+" "+inside+"}]"; got != want {
				t.Errorf("opening %s: %q; want %q", inside, got, want)
			}
		})
	}
}

func TestANumberOfAnotherPIDNamespaceIsSaidToBeOne(t *testing.T) {
	_, _, stranger := opener(t, "opener")
	tests := []struct{ name, role, number, want string }{
		{"where /proc shows that namespace", "opener", "its cat", " in /proc is process "},
		{"where it does not", "opener, own /proc", "its cat", "no such process"},
		{"a process that the caller's namespace does not have", "opener", stranger,
			" in /proc is a process of another PID namespace"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			helping, inside, number := opener(t, test.role)
			if test.number != "its cat" {
				number = test.number
			}
			helping.say(t, number)
			want := test.want
			if strings.HasSuffix(want, "process ") {
				want += inside + " in this PID namespace"
			}
			if got := helping.line(t); !strings.HasSuffix(got, want) {
				t.Errorf("opening %s: %q; want it to end with %q", number, got, want)
			}
		})
	}
}

func TestAProcOfAnotherPIDNamespaceIsNotBelieved(t *testing.T) {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		testenv.Lacking(t, err.Error())
	}
	inner, _, outside := opener(t, "opener, own /proc")
	cmd := helper("opener")
	cmd.Path, cmd.Args = nsenter, []string{"nsenter", "-m", "-t", strconv.Itoa(inner.Process.Pid), executable(t)}
	helping := run(t, cmd)
	helping.line(t)
	for _, number := range []string{outside, "1", "2"} { // 2 is a kernel thread here and a process there
		helping.say(t, number)
		if got, want := helping.line(t), "process "+number+": "+ErrForeignProc.Error()+
			" and does not show it"; got != want {
			t.Errorf("opening %s: %q; want %q", number, got, want)
		}
	}
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
