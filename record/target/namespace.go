//go:build linux

package target

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrForeignProc is the error of a /proc that belongs to another PID namespace and does not
// show the process.
var ErrForeignProc = errors.New("the /proc that is mounted here is another PID namespace's")

// initPIDNamespace is PROC_PID_INIT_INO, the inode of the first PID namespace
// (Linux v3.8 on, include/linux/proc_ns.h).
const initPIDNamespace = "pid:[4026531836]"

// InRootPIDNamespace says whether the caller numbers processes as the kernel's tracing does.
func InRootPIDNamespace() (bool, error) {
	ns, err := os.Readlink("/proc/self/ns/pid")
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Readlink("/proc/self"); err == nil {
			return true, nil // a kernel without PID namespaces
		}
		return false, ErrForeignProc
	}
	if err != nil {
		return false, fmt.Errorf("read own PID namespace: %w", err)
	}
	return ns == initPIDNamespace, nil
}

// procNumber is the number that the mounted /proc has for the process of a pidfd, which the
// caller's PID namespace numbers pid. Both are the same unless /proc was mounted in another
// PID namespace: that of who called unshare(1) without --mount-proc, or of a container.
func procNumber(pid, pidfd int) (int, error) {
	own := statusField("/proc/self/status", "NSpid")
	if own == strconv.Itoa(os.Getpid()) {
		return pid, nil
	}
	if _, err := os.Readlink("/proc/self"); err != nil {
		return 0, fmt.Errorf("process %d: %w and does not show it", pid, ErrForeignProc)
	}
	if own == "" { // a kernel without PID namespaces, before Linux 4.1
		return pid, nil
	}
	number, err := strconv.Atoi(statusField("/proc/self/fdinfo/"+strconv.Itoa(pidfd), "Pid"))
	if err != nil {
		return 0, fmt.Errorf("process %d: %w, and does not say what number it has there", pid, ErrForeignProc)
	}
	if number <= 0 {
		return 0, fmt.Errorf("process %d: %w and does not show it", pid, ErrForeignProc)
	}
	return number, nil
}

// elsewhere says what process the mounted /proc numbers pid where the caller's PID namespace
// has no process of that number; "" where /proc is the caller's own.
func elsewhere(pid int) string {
	own := strings.Fields(statusField("/proc/self/status", "NSpid"))
	numbers := strings.Fields(statusField(procPath(pid, "status"), "NSpid"))
	if len(own) == 1 || len(numbers) == 0 {
		return ""
	}
	if len(own) > 0 && len(numbers) >= len(own) {
		number, _ := strconv.Atoi(numbers[len(own)-1])
		if shownAs(number) == pid {
			return fmt.Sprintf("%d in /proc is process %d in this PID namespace", pid, number)
		}
	}
	return fmt.Sprintf("%d in /proc is a process of another PID namespace", pid)
}

// shownAs is the number in the mounted /proc of the process that the caller's PID namespace
// numbers pid, 0 where there is none.
func shownAs(pid int) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	number, _ := procNumber(pid, fd)
	return number
}
