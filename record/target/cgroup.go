//go:build linux

package target

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// CPUQuota is how many CPUs' worth of time the process's cgroups allow it: the
// least of its own cgroup's and of those above it. 0 is no limit, also where
// cgroups are not mounted.
func (p *Process) CPUQuota() (float64, error) {
	q, err := p.QuotaReader()
	if err != nil {
		return 0, err
	}
	return q.Read()
}

// QuotaReader reads a process's CPU quota again and again. It is for one goroutine.
type QuotaReader struct {
	proc   *Process
	mounts string
	groups string // as the process's file had them last
	found  []hierarchy
	at     string // the directory of the cgroup whose quota Read gave last; "" without one
}

// QuotaReader makes a reader. Hierarchies that are mounted later are not looked at.
func (p *Process) QuotaReader() (*QuotaReader, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read own mounts: %w", err)
	}
	return &QuotaReader{proc: p, mounts: string(mounts)}, nil
}

// Read is the quota now, as CPUQuota gives it, of the cgroups that the process is in now.
func (q *QuotaReader) Read() (float64, error) {
	groups, err := q.proc.read("cgroup")
	if err != nil {
		return 0, err
	}
	if text := string(groups); text != q.groups || q.found == nil {
		q.groups, q.found = text, hierarchies(q.mounts, text)
	}
	least := 0.0
	q.at = ""
	for _, h := range q.found {
		if quota, at := h.quota(); quota > 0 && (least == 0 || quota < least) {
			least, q.at = quota, at
		}
	}
	return least, nil
}

// Throttling is what the kernel says of a cgroup that used up its quota, since the cgroup was made.
type Throttling struct {
	Dir   string // the cgroup's directory
	Count int64  // the quota's periods in which it was stopped
	NS    int64  // for how long, summed over CPUs
}

// Throttling reads the cgroup whose quota Read gave last. It says false without one.
func (q *QuotaReader) Throttling() (Throttling, bool) {
	if q.at == "" {
		return Throttling{}, false
	}
	raw, err := os.ReadFile(filepath.Join(q.at, "cpu.stat"))
	if err != nil {
		return Throttling{}, false
	}
	t, ok := parseThrottling(string(raw))
	t.Dir = q.at
	return t, ok
}

// parseThrottling reads lines such as "nr_throttled 3", "throttled_usec 150" of version 2's, and
// "throttled_time 150000" of version 1's, in nanoseconds.
func parseThrottling(stat string) (t Throttling, ok bool) {
	seen := 0
	for line := range strings.Lines(stat) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/1000 {
			continue
		}
		switch name {
		case "nr_throttled":
			t.Count = n
		case "throttled_usec":
			t.NS = n * 1000
		case "throttled_time":
			t.NS = n
		default:
			continue
		}
		seen++
	}
	return t, seen == 2
}

// hierarchy is a mounted cgroup hierarchy that may limit CPU time.
type hierarchy struct {
	mount string // its mount point
	dir   string // the process's cgroup in it, below mount
	read  func(dir string) float64
}

// quota is the least limit from the process's cgroup up to the mount point, and whose it is.
func (h hierarchy) quota() (least float64, at string) {
	for dir := h.dir; ; dir = path.Dir(dir) {
		full := filepath.Join(h.mount, dir)
		if q := h.read(full); q > 0 && (least == 0 || q < least) {
			least, at = q, full
		}
		if dir == "/" {
			return least, at
		}
	}
}

// hierarchies pairs the mounted hierarchies with the lines of /proc/PID/cgroup:
// version 2's, and version 1's that has the cpu controller.
func hierarchies(mountinfo, cgroups string) []hierarchy {
	var found []hierarchy
	for line := range strings.Lines(mountinfo) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		controller, read := "", readV2
		if m.fsType == "cgroup" {
			controller, read = "cpu", readV1
		}
		if controller != "" && !slices.Contains(m.options, controller) {
			continue
		}
		if dir, ok := cgroupDir(cgroups, controller); ok {
			found = append(found, hierarchy{mount: m.point, dir: below(m.root, dir), read: read})
		}
	}
	return found
}

// cgroupMount is a line of /proc/PID/mountinfo that mounts a cgroup hierarchy.
type cgroupMount struct {
	root, point, fsType string
	options             []string // of the file system: version 1's controllers
}

// parseMount reads a line such as
//
//	36 35 0:31 /root /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
func parseMount(line string) (cgroupMount, bool) {
	left, right, ok := strings.Cut(line, " - ")
	fields, fs := strings.Fields(left), strings.Fields(right)
	if !ok || len(fields) < 5 || len(fs) < 3 || (fs[0] != "cgroup" && fs[0] != "cgroup2") {
		return cgroupMount{}, false
	}
	return cgroupMount{root: fields[3], point: fields[4], fsType: fs[0], options: strings.Split(fs[2], ",")}, true
}

// cgroupDir finds the process's cgroup in the hierarchy of a controller, "" being
// version 2's, in lines such as "4:cpu,cpuacct:/group" and "0::/group".
func cgroupDir(cgroups, controller string) (string, bool) {
	for line := range strings.Lines(cgroups) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), controller) {
			return path.Clean("/" + parts[2]), true
		}
	}
	return "", false
}

// below is dir as seen below a mount whose root is not the hierarchy's own.
func below(root, dir string) string {
	rest, ok := strings.CutPrefix(dir, strings.TrimSuffix(root, "/"))
	if !ok || (rest != "" && rest[0] != '/') {
		return "/" // mounted from elsewhere: only what limits the mount itself can be read
	}
	return path.Clean("/" + rest)
}

// readV2 reads cpu.max: "max 100000" or "quota period".
func readV2(dir string) float64 {
	raw, err := os.ReadFile(filepath.Join(dir, "cpu.max"))
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) != 2 {
		return 0
	}
	return ratio(fields[0], fields[1])
}

// readV1 reads cpu.cfs_quota_us, -1 for no limit, and cpu.cfs_period_us.
func readV1(dir string) float64 {
	quota, err1 := os.ReadFile(filepath.Join(dir, "cpu.cfs_quota_us"))
	period, err2 := os.ReadFile(filepath.Join(dir, "cpu.cfs_period_us"))
	if errors.Join(err1, err2) != nil {
		return 0
	}
	return ratio(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
}

// ratio is quota over period, 0 where either is no positive number.
func ratio(quota, period string) float64 {
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return float64(q) / float64(p)
}
