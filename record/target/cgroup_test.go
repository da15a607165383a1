//go:build linux

package target

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

const (
	v1Mount = "36 35 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	v2Mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	memory  = "37 35 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	inside  = "40 23 0:26 /kube/pod7 /sys/fs/cgroup ro - cgroup2 cgroup ro\n"
	ext4    = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
)

func TestHierarchiesPairMountsWithTheProcessesCgroups(t *testing.T) {
	tests := []struct {
		name, mounts, cgroups string
		want                  []string // mount point and directory
	}{
		{"version 2", ext4 + v2Mount, "0::/system.slice/web.service\n",
			[]string{"/sys/fs/cgroup /system.slice/web.service"}},
		{"version 1", v1Mount + memory, "5:memory:/m\n4:cpu,cpuacct:/web\n",
			[]string{"/sys/fs/cgroup/cpu,cpuacct /web"}},
		{"both", v1Mount + v2Mount, "4:cpu,cpuacct:/web\n0::/\n", []string{"/sys/fs/cgroup/cpu,cpuacct /web",
			"/sys/fs/cgroup /"}},
		{"a mount that shows a part", inside, "0::/kube/pod7/app\n", []string{"/sys/fs/cgroup /app"}},
		{"a cgroup beyond what the mount shows", inside, "0::/kube/pod77\n", []string{"/sys/fs/cgroup /"}},
		{"a path with a colon", v2Mount, "0::/a:b\n", []string{"/sys/fs/cgroup /a:b"}},
		{"a path that climbs out", v2Mount, "0::/../x\n", []string{"/sys/fs/cgroup /x"}},
		{"no cgroups mounted", ext4, "0::/\n", nil},
		{"not in the hierarchy", v1Mount, "0::/\n", nil},
		{"nonsense", "- cgroup2\n - cgroup2 x\n", "::\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, h := range hierarchies(test.mounts, test.cgroups) {
				got = append(got, h.mount+" "+h.dir)
			}
			if strings.Join(got, "|") != strings.Join(test.want, "|") {
				t.Errorf("hierarchies = %q; want %q", got, test.want)
			}
		})
	}
}

func TestQuotaIsTheLeastOfACgroupAndThoseAboveIt(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/cpu.max", "150000 100000\n")
	write("a/b/cpu.max", "max 100000\n")
	write("a/c/cpu.max", "50000 100000\n")
	write("bad/cpu.max", "50000\n")
	write("v1/cpu.cfs_quota_us", "250000\n")
	write("v1/cpu.cfs_period_us", "100000\n")
	write("v1/free/cpu.cfs_quota_us", "-1\n")
	write("v1/free/cpu.cfs_period_us", "100000\n")
	tests := []struct {
		dir  string
		read func(string) float64
		want float64
	}{
		{"/a", readV2, 1.5},
		{"/a/b", readV2, 1.5},
		{"/a/c", readV2, 0.5},
		{"/a/gone", readV2, 1.5},
		{"/bad", readV2, 0},
		{"/", readV2, 0},
		{"/v1", readV1, 2.5},
		{"/v1/free", readV1, 2.5},
		{"/", readV1, 0},
	}
	for _, test := range tests {
		if got, _ := (hierarchy{mount: root, dir: test.dir, read: test.read}).quota(); got != test.want {
			t.Errorf("%s: quota %v; want %v", test.dir, got, test.want)
		}
	}
}

func TestCPUQuotaOfAProcessInALimitedCgroup(t *testing.T) {
	cat := run(t, exec.Command("cat"))
	limit(t, cat.Process.Pid)
	quota, err := open(t, cat.Process.Pid).CPUQuota()
	if err != nil || quota != 0.75 {
		t.Errorf("CPUQuota() = %v, %v; want 0.75", quota, err)
	}
}

// limit moves a process into a cgroup of its own with three quarters of a CPU.
func limit(t *testing.T, pid int) {
	t.Helper()
	parent, files := "/sys/fs/cgroup", map[string]string{"cpu.max": "75000 100000"}
	if _, err := os.Stat("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil {
		parent, files = "/sys/fs/cgroup/cpu", map[string]string{"cpu.cfs_quota_us": "75000"}
	}
	dir, err := os.MkdirTemp(parent, "gosched-test-")
	if err != nil {
		testenv.Lacking(t, "cgroups cannot be made here: "+err.Error())
	}
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	files["cgroup.procs"] = strconv.Itoa(pid)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0); err != nil {
			testenv.Lacking(t, "CPU time cannot be limited here: "+err.Error())
		}
	}
}

func TestThrottlingIsReadOfBothVersions(t *testing.T) {
	tests := []struct {
		stat string
		want Throttling
		ok   bool
	}{
		{"usage_usec 9\nnr_periods 4\nnr_throttled 3\nthrottled_usec 150\n", Throttling{Count: 3, NS: 150_000}, true},
		{"nr_periods 0\nnr_throttled 0\nthrottled_time 0\nnr_bursts 0\n", Throttling{}, true},
		{"nr_throttled 2\nthrottled_time 75\n", Throttling{Count: 2, NS: 75}, true},
		{"usage_usec 9\nuser_usec 5\n", Throttling{}, false},
		{"nr_throttled -1\nthrottled_usec 1\n", Throttling{NS: 1000}, false},
		{"", Throttling{}, false},
	}
	for _, test := range tests {
		if got, ok := parseThrottling(test.stat); ok != test.ok || got != test.want {
			t.Errorf("%q: %+v, %v; want %+v, %v", test.stat, got, ok, test.want, test.ok)
		}
	}
}
