//go:build linux

package target

import (
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Strain is what a machine, and the cgroups of a process, are short of.
type Strain struct {
	Stalled      time.Duration // for how long a task of the machine has waited for memory, since boot
	GroupStalled time.Duration // and one of the process's cgroup, since the cgroup was made
	// What is in use of a cgroup's memory limit, without what can be dropped at once: of the cgroup,
	// or one above it, where that is most. 0: no limit.
	Memory    float64
	Throttled int64 // how often the cgroup with the CPU quota was stopped
}

// StrainReader reads what a process's cgroups are short of again and again. What the kernel does not
// say is 0. It is for one goroutine.
type StrainReader struct {
	quota *QuotaReader
	dirs  []string // of the cgroups that may limit the process's memory, its own first
}

// StrainReader makes a reader. The process is expected to stay in its cgroups.
func (p *Process) StrainReader() (*StrainReader, error) {
	quota, err := p.QuotaReader()
	if err != nil {
		return nil, err
	}
	groups, err := p.read("cgroup")
	if err != nil {
		return nil, err
	}
	return &StrainReader{quota, memoryDirs(quota.mounts, string(groups))}, nil
}

// Read is how it is now.
func (r *StrainReader) Read() (s Strain) {
	s.Stalled = stalled("/proc/pressure/memory")
	for i, dir := range r.dirs {
		if stall := stalled(filepath.Join(dir, "memory.pressure")); i == 0 || s.GroupStalled == 0 {
			s.GroupStalled = stall
		}
		s.Memory = max(s.Memory, memoryUsed(dir))
	}
	if _, err := r.quota.Read(); err == nil {
		if t, ok := r.quota.Throttling(); ok {
			s.Throttled = t.Count
		}
	}
	return s
}

// memoryDirs are the directories of a process's cgroup and of those above it, in the hierarchies that
// limit memory.
func memoryDirs(mountinfo, cgroups string) (dirs []string) {
	for line := range strings.Lines(mountinfo) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		controller := ""
		if m.fsType == "cgroup" {
			controller = "memory"
		}
		if controller != "" && !slices.Contains(m.options, controller) {
			continue
		}
		dir, ok := cgroupDir(cgroups, controller)
		if !ok {
			continue
		}
		for dir = below(m.root, dir); dir != "/"; dir = path.Dir(dir) {
			dirs = append(dirs, filepath.Join(m.point, dir))
		}
		dirs = append(dirs, m.point)
	}
	return dirs
}

// stalled reads for how long at least one task has waited for memory.
func stalled(path string) time.Duration {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return parseStall(string(raw))
}

// parseStall reads the total of "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234", in microseconds.
func parseStall(pressure string) time.Duration {
	for line := range strings.Lines(pressure) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "some" {
			continue
		}
		for _, f := range fields[1:] {
			if text, ok := strings.CutPrefix(f, "total="); ok {
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil || n < 0 || n > math.MaxInt64/int64(time.Microsecond) {
					return 0
				}
				return time.Duration(n) * time.Microsecond
			}
		}
	}
	return 0
}

// memoryFiles are the names of a cgroup's files, of version 2 and of version 1.
var memoryFiles = []struct{ limit, used, droppable string }{
	{"memory.max", "memory.current", "inactive_file"},
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
}

// unlimited is from where on version 1 means no limit.
const unlimited = 1 << 60

// memoryUsed is the part of a cgroup's limit that is in use, 0 without a limit.
func memoryUsed(dir string) float64 {
	for _, names := range memoryFiles {
		limit, ok1 := readNumber(filepath.Join(dir, names.limit))
		used, ok2 := readNumber(filepath.Join(dir, names.used))
		if !ok1 || !ok2 || limit <= 0 || limit >= unlimited {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat")) // without it nothing can be dropped
		return max(0, float64(used-parseStat(string(stat), names.droppable))/float64(limit))
	}
	return 0
}

// readNumber reads a file that holds a number; "max" is none.
func readNumber(path string) (n int64, ok bool) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return n, err == nil
}

// parseStat finds a number in lines such as "inactive_file 4096"; 0: it is not there.
func parseStat(stat, name string) int64 {
	for line := range strings.Lines(stat) {
		if have, text, _ := strings.Cut(strings.TrimSpace(line), " "); have == name {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 {
				return 0
			}
			return n
		}
	}
	return 0
}
