package safety

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// memoryGroup is a cgroup of either version that bounds memory.
type memoryGroup struct{ dir, limit, used, kills string }

// allMemory records a program in a cgroup whose memory is used up, the rest of it by the pages of a
// file that the program reads. Nothing may be killed for want of memory.
func allMemory(tr *trial) {
	file := filepath.Join(tr.dir, "file")
	if err := writeUncached(file, 96<<20); err != nil {
		tr.Fatal(err)
	}
	g := newMemoryGroup(tr)
	x := tr.start("-hoard", "24", "-file", file)
	if err := write(filepath.Join(g.dir, "cgroup.procs"), x.pid()); err != nil {
		tr.skip("a process cannot be put into a cgroup: %v", err)
	}
	x.ready()
	for deadline := time.Now().Add(patience); g.full() < 0.97; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			tr.skip("the cgroup's memory is not used up: %.0f%%", 100*g.full())
		}
	}
	time.Sleep(time.Second)
	if n := g.killed(); n != "0" {
		tr.skip("the program needs more than that by itself: %s processes were killed", n)
	}
	aWhile(tr, x)
	if f := g.full(); f < 0.9 {
		tr.Logf("of the cgroup's memory %.0f%% was used", 100*f)
	}
	if n := g.killed(); n != "0" {
		tr.harm("%s processes were killed for want of memory", n)
	}
	x.unharmed()
}

// writeUncached writes a file whose pages are not in memory: who reads it first pays for them.
func writeUncached(name string, size int) error {
	if err := os.WriteFile(name, make([]byte, size), 0o644); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
}

const memoryLimit = 64 << 20

func newMemoryGroup(tr *trial) memoryGroup {
	tr.Helper()
	name := "gosched-safety-" + strconv.Itoa(os.Getpid())
	for _, g := range []memoryGroup{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control"},
		{"/sys/fs/cgroup", "memory.max", "memory.current", "memory.events"},
	} {
		if controllers, err := os.ReadFile(filepath.Join(g.dir, "cgroup.controllers")); err == nil &&
			strings.Contains(string(controllers), "memory") {
			_ = write(filepath.Join(g.dir, "cgroup.subtree_control"), "+memory")
		}
		g.dir = filepath.Join(g.dir, name)
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		dir := g.dir
		tr.Cleanup(func() { _ = os.Remove(dir) })
		if write(filepath.Join(g.dir, g.limit), strconv.Itoa(memoryLimit)) == nil {
			return g
		}
	}
	tr.skip("no cgroup that bounds memory can be made")
	return memoryGroup{}
}

// full is how much of the memory is used.
func (g memoryGroup) full() float64 {
	text, _ := os.ReadFile(filepath.Join(g.dir, g.used))
	n, _ := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	return n / memoryLimit
}

// killed is how many processes the kernel killed.
func (g memoryGroup) killed() string {
	text, _ := os.ReadFile(filepath.Join(g.dir, g.kills))
	for _, line := range strings.Split(string(text), "\n") {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strings.TrimSpace(n)
		}
	}
	return "an unknown number of"
}
