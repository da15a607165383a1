package kernel

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// prepareLibrary does what the eBPF library needs before it loads anything.
func prepareLibrary() error {
	if err := errors.Join(learnKernelVersion(), rlimit.RemoveMemlock()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return nil
}

// learnKernelVersion has the eBPF library find out the kernel's version, which it remembers.
// It needs the version to load programs for uprobes (cilium/ebpf v0.22.0, prog.go) and reads
// it from its own memory, /proc/self/mem. That may be opened by root alone where the process
// has got its capabilities from its file, because the kernel makes such a process
// "not dumpable" (Linux v6.18 fs/exec.c, begin_new_exec; fs/proc/base.c, task_dump_owner).
//
// So the process is dumpable for the moment that it takes. That gives nothing away: it is
// called before anything of a target is read, and a tracer still has to have all of this
// process's capabilities (security/commoncap.c, cap_ptrace_access_check).
var learnKernelVersion = sync.OnceValue(func() error {
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("ask whether this process is dumpable: %w", err)
	}
	if before != dumpable {
		if err := setDumpable(dumpable); err != nil {
			return err
		}
	}
	_, err = features.LinuxVersionCode()
	if err != nil {
		err = fmt.Errorf("find the kernel's version: %w", err)
	}
	if before != dumpable {
		err = errors.Join(err, setDumpable(notDumpable)) // 2, "by root alone", cannot be set
	}
	return err
})

// SUID_DUMP_DISABLE and SUID_DUMP_USER (Linux v6.18 include/linux/sched/coredump.h).
const (
	notDumpable = 0
	dumpable    = 1
)

func setDumpable(value uintptr) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, value, 0, 0, 0); err != nil {
		return fmt.Errorf("make this process dumpable for a moment: %w", err)
	}
	return nil
}
