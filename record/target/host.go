//go:build linux

package target

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Host is the machine.
type Host struct {
	Name     string
	Kernel   string // its release, as uname -r gives it
	CPUModel string // "" where the kernel does not say
	CPUs     int    // online
}

// ReadHost describes this machine.
func ReadHost() (Host, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Host{}, fmt.Errorf("uname: %w", err)
	}
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	online, _ := os.ReadFile("/sys/devices/system/cpu/online")
	cpus := countCPUs(string(online))
	if cpus == 0 {
		cpus = runtime.NumCPU()
	}
	return Host{
		Name:     text(uts.Nodename[:]),
		Kernel:   text(uts.Release[:]),
		CPUModel: cpuModel(string(cpuinfo)),
		CPUs:     cpus,
	}, nil
}

func text(raw []byte) string {
	head, _, _ := bytes.Cut(raw, []byte{0})
	return string(head)
}

// cpuModel is the first CPU's model in /proc/cpuinfo; arm64 kernels give numbers
// for its maker and part instead of a name.
func cpuModel(cpuinfo string) string {
	fields := map[string]string{}
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); fields[key] == "" {
			fields[key] = strings.TrimSpace(value)
		}
	}
	if name := fields["model name"]; name != "" {
		return name
	}
	if part := fields["CPU part"]; part != "" {
		return "implementer " + fields["CPU implementer"] + " part " + part
	}
	return ""
}

// countCPUs counts a list such as "0-3,5"; a list that is not one counts 0.
func countCPUs(list string) int {
	count := 0
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || to < from {
			return 0
		}
		count += to - from + 1
	}
	return count
}
