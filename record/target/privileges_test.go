//go:build linux

package target

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
)

func TestLackingCapabilities(t *testing.T) {
	bits := func(caps ...uint) (set uint64) {
		for _, c := range caps {
			set |= 1 << c
		}
		return set
	}
	tests := []struct {
		name string
		have uint64
		want string
	}{
		{"none", 0, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
		{"all", ^uint64(0), ""},
		{"what recording takes", bits(unix.CAP_BPF, unix.CAP_PERFMON), "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
		{"an administrator of the system", bits(unix.CAP_SYS_ADMIN), "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
		{"one who may write any file", bits(unix.CAP_DAC_OVERRIDE), "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
		{"all but one", ^bits(unix.CAP_SYS_PTRACE), "CAP_SYS_PTRACE"},
	}
	for _, test := range tests {
		own := Privileges{Effective: test.have}
		if got := names(own.Lacks(CapBPF, CapPerfmon, CapSysPtrace, CapDACReadSearch)); got != test.want {
			t.Errorf("%s: lacks %q; want %q", test.name, got, test.want)
		}
	}
}

func TestOwnPrivilegesAreWhatProcSays(t *testing.T) {
	own, err := OwnPrivileges()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%016x", own.Effective), statusField("/proc/thread-self/status",
		"CapEff"); got != want {
		t.Errorf("effective %s; want %s", got, want)
	}
	bounding, err := strconv.ParseUint(statusField("/proc/thread-self/status", "CapBnd"), 16, 64)
	for c := range capabilityNames {
		if err != nil || bounding>>c&1 != own.Bounding>>c&1 {
			t.Errorf("bounding set %x, %v: %s is otherwise in %x", own.Bounding, err, c, bounding)
		}
	}
	if got, want := own.NoNewPrivs, statusField("/proc/thread-self/status", "NoNewPrivs") == "1"; got != want {
		t.Errorf("no new privileges: %t; want %t", got, want)
	}
}

func TestAnOrdinaryUserLacksPrivileges(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root can become another user")
	}
	cmd := helper("privileges")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	got := run(t, cmd).line(t)
	if want := "recording takes CAP_BPF and CAP_PERFMON: user 65534 lacks CAP_BPF and CAP_PERFMON"; got != want {
		t.Errorf("as nobody: %q; want %q", got, want)
	}
}

func TestRootOfAUserNamespaceIsNotTheMachines(t *testing.T) {
	cmd := helper("privileges")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	want := "recording takes CAP_BPF and CAP_PERFMON, which user 0 has, " +
		"but in a user namespace, and the kernel asks for them outside of it"
	if got := run(t, cmd).line(t); got != want {
		t.Errorf("as root of a user namespace: %q; want %q", got, want)
	}
}

func TestAProcessThatProcHidesIsNotSaidToBeGone(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Lacking(t, "only root can mount a /proc that hides processes")
	}
	cmd := helper("opener, hiding /proc")
	cmd.SysProcAttr = newPIDNamespace()
	helping := run(t, cmd)
	cat := helping.line(t)
	helping.say(t, cat)
	want := "process " + cat + ": looking at it, which the /proc here hides, takes CAP_SYS_PTRACE: user 65534 lacks " +
		"CAP_SYS_PTRACE"
	if got := helping.line(t); got != want {
		t.Errorf("opening it: %q; want %q", got, want)
	}
}

func TestErrorsSayWhatIsMissing(t *testing.T) {
	refused := fmt.Errorf("process 7: read memory: %w", unix.EPERM)
	e := &PrivilegeError{Action: "reading", Needs: []Capability{CapSysPtrace}, Missing: []Capability{CapSysPtrace}}
	e.Caller = Privileges{UID: 7, Effective: 1 << CapBPF, Bounding: 1 << CapBPF}
	if !errors.Is(e, ErrPrivileges) {
		t.Error("it is not ErrPrivileges")
	}
	if got := names(e.Wanted()); got != "CAP_SYS_PTRACE and CAP_BPF" {
		t.Errorf("wanted %s; want what is there and what is missing", got)
	}
	if got := names(e.Unreachable()); got != "CAP_SYS_PTRACE" {
		t.Errorf("out of reach %s; want what is not in the bounding set", got)
	}
	if got := rootCause(refused); got != unix.EPERM {
		t.Errorf("root cause %v; want EPERM", got)
	}
}

func TestAllThatIsMissingIsSaidAtOnce(t *testing.T) {
	user := func(caps ...Capability) *Privileges {
		p := &Privileges{UID: 7}
		for _, c := range caps {
			p.Effective |= 1 << c
		}
		return p
	}
	lacking := func(subject, action string, needs ...Capability) error {
		return fmt.Errorf("wrapped: %w", &PrivilegeError{Subject: subject, Action: action, Needs: needs,
			Missing: needs})
	}
	ptrace := lacking("process 5 of user 8", "reading its memory", CapSysPtrace)
	nested := user(CapBPF, CapPerfmon)
	nested.Nested = true
	for _, test := range []struct {
		name   string
		caller *Privileges
		also   []error
		want   string // "": nothing
	}{
		{"nothing of another's process", user(), []error{ptrace}, "recording process 5 of user 8 takes CAP_BPF, " +
			"CAP_PERFMON and CAP_SYS_PTRACE: user 7 lacks CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
		{"half of it", user(CapBPF), []error{ptrace}, "recording process 5 of user 8 takes CAP_BPF, CAP_PERFMON and " +
			"CAP_SYS_PTRACE: user 7 lacks CAP_PERFMON and CAP_SYS_PTRACE"},
		{"all but the process's", user(CapBPF, CapPerfmon), []error{nil, ptrace},
			"recording process 5 of user 8 takes " +
				"CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE: user 7 lacks CAP_SYS_PTRACE"},
		{"two processes", user(CapBPF), []error{ptrace, lacking("process 6", "reading its executable",
			CapDACReadSearch)},
			"recording process 5 of user 8, and recording process 6 takes CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and " +
				"CAP_DAC_READ_SEARCH: user 7 lacks CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
		{"a user to become", user(), []error{lacking("", "recording a command as user 8", CapSetUID)},
			"recording a command as user 8 takes CAP_BPF, CAP_PERFMON and CAP_SETUID: user 7 lacks CAP_BPF, " +
				"CAP_PERFMON and CAP_SETUID"},
		{"a process that is not there", user(CapBPF, CapPerfmon), []error{ErrNoProcess}, ""},
		{"a user namespace, and another's process", nested, []error{ptrace}, "recording process 5 of user 8 takes " +
			"CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE: user 7 lacks CAP_SYS_PTRACE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.caller.checkRecording(test.also...); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("it says %q\nwant %q", got, test.want)
			}
		})
	}
}
