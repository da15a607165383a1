//go:build linux

package target

import (
	"errors"
	"fmt"
	"os"
)

// ErrNestedPIDNamespace is the error of a recorder that does not run in the
// host's own PID namespace: eBPF sees the host's process numbers, which cannot be
// told from inside.
var ErrNestedPIDNamespace = errors.New("this is not the host's PID namespace: run on the host, or in a container that shares it (docker run --pid=host, hostPID: true)")

// initPIDNamespace is PROC_PID_INIT_INO, the inode of the first PID namespace
// (Linux v3.8 on, include/linux/proc_ns.h).
const initPIDNamespace = "pid:[4026531836]"

// CheckPIDNamespace returns ErrNestedPIDNamespace where the caller is not in the
// host's own PID namespace.
func CheckPIDNamespace() error {
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return fmt.Errorf("read own PID namespace: %w", err)
	}
	if ns != initPIDNamespace {
		return ErrNestedPIDNamespace
	}
	return nil
}
