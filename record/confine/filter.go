//go:build linux

package confine

import (
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// refused are system calls that no recording makes once everything is watched, and that somebody
// who has taken the recorder over would like to make. A list of those that are made would be
// shorter to defend and break with a new Go runtime.
var refused = []string{
	"ptrace", "process_vm_writev", "pidfd_getfd", "kcmp", // other processes' memory and descriptors
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount", "fspick", "fsconfig",
	"mount_setattr", "setns", "unshare", "open_by_handle_at", // other views of the file system
	"init_module", "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "swapoff", "acct", "syslog",
	"settimeofday", "clock_settime", "sethostname", "setdomainname", "quotactl", // the machine
	"add_key", "request_key", "keyctl", "personality", "userfaultfd", "io_uring_setup", // the kernel's soft spots
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
}

// programs are refused where no program is started any more.
var programs = []string{"execve", "execveat"}

// attaching are refused where nothing is attached any more: of bpf(2) the commands that make
// something (Linux v6.18 include/uapi/linux/bpf.h, enum bpf_cmd).
var attaching = []string{"perf_event_open"}

var makesBPF = []uint64{
	unix.BPF_MAP_CREATE, unix.BPF_PROG_LOAD, unix.BPF_OBJ_PIN, unix.BPF_OBJ_GET, unix.BPF_PROG_ATTACH,
	unix.BPF_RAW_TRACEPOINT_OPEN, unix.BPF_BTF_LOAD, unix.BPF_LINK_CREATE,
}

// filter refuses what the recording does not do, on all threads, with EPERM.
func filter(needs Needs) error {
	group := seccomp.SyscallGroup{
		Action: seccomp.ActionErrno | seccomp.Action(unix.EPERM), Names: slices.Clone(refused),
	}
	if !needs.Programs {
		group.Names = append(group.Names, programs...)
	}
	if !needs.Network {
		group.NamesWithCondtions = append(group.NamesWithCondtions, only("socket", seccomp.NotEqual, unix.AF_UNIX))
	}
	if !needs.Attach {
		group.Names = append(group.Names, attaching...)
		for _, command := range makesBPF {
			group.NamesWithCondtions = append(group.NamesWithCondtions, only("bpf", seccomp.Equal, command))
		}
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{group}},
	})
}

// only is a system call whose first argument is, or is not, a value.
func only(call string, is seccomp.Operation, value uint64) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{
		Name: call, Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: is, Value: value}},
	}
}
