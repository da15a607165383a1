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

// ErrPrivileges is the error of a caller who may not record.
var ErrPrivileges = errors.New("recording needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE")

// needed are the capabilities that recording takes. CAP_SYS_ADMIN stands for the
// first two (Linux v5.8 on, include/linux/capability.h: bpf_capable, perfmon_capable).
var needed = []struct {
	bit   uint
	name  string
	admin bool // CAP_SYS_ADMIN will do
}{
	{unix.CAP_BPF, "CAP_BPF", true},
	{unix.CAP_PERFMON, "CAP_PERFMON", true},
	{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE", false},
}

// CheckPrivileges returns ErrPrivileges, with what is missing, where the caller's
// effective capabilities do not allow to record another user's process.
func CheckPrivileges() error {
	field := statusField("/proc/self/status", "CapEff")
	effective, err := strconv.ParseUint(field, 16, 64)
	if err != nil {
		return fmt.Errorf("read own capabilities %q: %w", field, err)
	}
	if missing := lacking(effective); len(missing) > 0 {
		return fmt.Errorf("%w: user %d lacks %s", ErrPrivileges, os.Geteuid(), strings.Join(missing, ", "))
	}
	return nil
}

func lacking(effective uint64) []string {
	var missing []string
	admin := effective>>unix.CAP_SYS_ADMIN&1 == 1
	for _, need := range needed {
		if effective>>need.bit&1 == 0 && !(need.admin && admin) {
			missing = append(missing, need.name)
		}
	}
	return missing
}
