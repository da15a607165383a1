package kernel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/target"
)

// checkPerfUprobes returns a *target.PrivilegeError where the caller may not attach uprobes one by
// one. CAP_PERFMON was enough until July 2025, when Linux 6.16 and all maintained older versions
// came to want CAP_SYS_ADMIN (commit ba677dbe77af); distributions may want more still. What
// the running kernel wants is found by asking for a probe on a file that is not there: the kernel
// looks at privileges first (Linux v6.18 kernel/events/core.c, perf_uprobe_event_init).
func checkPerfUprobes() error {
	kind, err := os.ReadFile("/sys/bus/event_source/devices/uprobe/type")
	if err != nil {
		return fmt.Errorf("%w: the kernel has no uprobes: %w", ErrUnsupported, err)
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(kind)), 10, 32)
	if err != nil {
		return fmt.Errorf("read the kind of perf events that uprobes are: %w", err)
	}
	nowhere := append([]byte("/proc/self/no such file"), 0)
	var pinner runtime.Pinner
	pinner.Pin(&nowhere[0])
	defer pinner.Unpin()
	attr := unix.PerfEventAttr{
		Type: uint32(number), Size: unix.PERF_ATTR_SIZE_VER1,
		Ext1: uint64(uintptr(unsafe.Pointer(&nowhere[0]))),
	}
	fd, err := unix.PerfEventOpen(&attr, os.Getpid(), -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err == nil {
		return unix.Close(fd)
	}
	if !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
		return nil // it would have looked for the file
	}
	return target.Refused("attaching uprobes one by one, as kernels before 6.10 need it,", err, target.CapSysAdmin)
}
