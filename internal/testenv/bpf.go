package testenv

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// RequireBPF skips the test where a process cannot be recorded: an old kernel, no type information,
// no uprobes, no privileges. With GOSCHED_REQUIRE_BPF=1 it fails the test instead.
func RequireBPF(tb testing.TB) {
	tb.Helper()
	if why := lacksBPF(); why != "" {
		Lacking(tb, "recording is not possible here: "+why)
	}
}

// Lacking skips the test because of what the machine lacks, by the same rule as RequireBPF.
func Lacking(tb testing.TB, why string) {
	tb.Helper()
	if os.Getenv("GOSCHED_REQUIRE_BPF") == "1" {
		tb.Fatalf("GOSCHED_REQUIRE_BPF=1, but %s", why)
	}
	tb.Skip(why)
}

// lacksBPF says what is missing, in half a sentence; empty: nothing.
func lacksBPF() string {
	for _, missing := range []func() string{lacksKernel, lacksUprobes, lacksBTF, lacksPrivileges} {
		if why := missing(); why != "" {
			return why
		}
	}
	return ""
}

// lacksKernel wants Linux 5.8, the first with the BPF ring buffer and CAP_BPF.
func lacksKernel() string {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return fmt.Sprintf("the kernel does not tell its version: %v", err)
	}
	var release []byte
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor); err != nil {
		return fmt.Sprintf("the kernel's version %q cannot be read", release)
	}
	if major < 5 || major == 5 && minor < 8 {
		return fmt.Sprintf("kernel %s is older than 5.8", release)
	}
	return ""
}

func lacksUprobes() string {
	if _, err := os.Stat("/sys/bus/event_source/devices/uprobe/type"); err != nil {
		return "the kernel has no uprobes (" + err.Error() + ")"
	}
	return ""
}

func lacksBTF() string {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return "the kernel has no type information (" + err.Error() + ")"
	}
	return ""
}

// lacksPrivileges wants CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN.
func lacksPrivileges() string {
	const capSysAdmin, capPerfmon, capBPF = 21, 38, 39
	caps, err := effectiveCaps()
	if err != nil {
		return err.Error()
	}
	has := func(c int) bool { return caps&(1<<c) != 0 }
	if has(capSysAdmin) || has(capBPF) && has(capPerfmon) {
		return ""
	}
	return "the test has neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON"
}

func effectiveCaps() (uint64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no CapEff")
}
