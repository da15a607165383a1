package target

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestMemoryDirs(t *testing.T) {
	const mounts = `36 35 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
37 35 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
38 35 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
`
	got := memoryDirs(mounts, "4:memory:/a/b\n1:cpu,cpuacct:/x\n0::/\n")
	want := []string{"/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMemoryUsed(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"version 2": {map[string]string{"memory.max": "1000\n", "memory.current": "900\n",
			"memory.stat": "anon 5\ninactive_file 400\n"}, 0.5},
		"version 1": {map[string]string{"memory.limit_in_bytes": "1000\n", "memory.usage_in_bytes": "900\n",
			"memory.stat": "inactive_file 100\ntotal_inactive_file 300\n"}, 0.6},
		"no limit": {map[string]string{"memory.max": "max\n", "memory.current": "900\n"}, 0},
		"no limit, old": {map[string]string{"memory.limit_in_bytes": "9223372036854771712\n",
			"memory.usage_in_bytes": "9\n"}, 0},
		"nothing to be read": {nil, 0},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := memoryUsed(dir); got != c.want {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}

func TestStall(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=1234\nfull avg10=0.00 total=9\n": 1234 * time.Microsecond,
		"full avg10=0.00 total=9\n":      0,
		"some total=-1\n":                0,
		"some total=99999999999999999\n": 0,
		"":                               0,
	} {
		if got := parseStall(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzStrain(f *testing.F) {
	f.Add("some avg10=1.00 total=1234\nfull total=9\n", "inactive_file 400\n")
	f.Fuzz(func(t *testing.T, pressure, stat string) {
		if d := parseStall(pressure); d < 0 {
			t.Errorf("stalled for %v", d)
		}
		if n := parseStat(stat, "inactive_file"); n < 0 {
			t.Errorf("%d bytes", n)
		}
	})
}
