package referee

import (
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

// TestRecordersInAPIDNamespaceAgree has the recorder and its program in a PID namespace of their
// own, where their numbers are not those that the kernel's events have.
func TestRecordersInAPIDNamespaceAgree(t *testing.T) {
	testenv.RequireBPF(t)
	const ownProc = "mount --make-rprivate / && mount -t proc proc /proc && "
	for _, test := range []struct {
		name, setUp string
		flags       []string
	}{
		{"with its own /proc", ownProc, nil},
		{"with the root namespace's /proc", "", nil},
		{"attached one by one", ownProc, []string{"--fallback", "perf-uprobes"}},
		{"with the programs for older kernels", ownProc, []string{"--fallback", "legacy-programs"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inside := func(cmd *exec.Cmd) {
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
				cmd.Args = slices.Concat([]string{"sh", "-c", test.setUp + `exec "$@"`, "sh"}, cmd.Args)
				cmd.Path = "/bin/sh"
			}
			bin := testenv.Build(t, testenv.Program{Name: "syscalls"})
			r := recordAs(t, inside, testenv.Gosched(t), bin, 2, Options{}, test.flags...)
			if wrong := (Cell{Program: testenv.Program{Toolchain: "go1.26"}}).Complaints(r); len(wrong) > 0 {
				t.Errorf("%v\n%s", wrong, r)
			}
			if r.Total.Matched == 0 {
				t.Error("there was nothing to compare")
			}
		})
	}
}
