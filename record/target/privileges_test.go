//go:build linux

package target

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
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
		{"none", 0, "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE"},
		{"all", ^uint64(0), ""},
		{"the three", bits(unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_PTRACE), ""},
		{"an administrator of the system", bits(unix.CAP_SYS_ADMIN), "CAP_SYS_PTRACE"},
		{"an administrator who may trace", bits(unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE), ""},
		{"one", bits(unix.CAP_PERFMON), "CAP_BPF CAP_SYS_PTRACE"},
	}
	for _, test := range tests {
		if got := strings.Join(lacking(test.have), " "); got != test.want {
			t.Errorf("%s: lacking %q; want %q", test.name, got, test.want)
		}
	}
}

func TestAnOrdinaryUserLacksPrivileges(t *testing.T) {
	if os.Geteuid() != 0 {
		if err := CheckPrivileges(); err != nil && !errors.Is(err, ErrPrivileges) {
			t.Error(err)
		}
		return
	}
	cmd := helper("privileges")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	got := run(t, cmd).line(t)
	if want := ErrPrivileges.Error() + ": user 65534 lacks CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE"; got != want {
		t.Errorf("as nobody: %q; want %q", got, want)
	}
}
