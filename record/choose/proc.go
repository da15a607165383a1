package choose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/record/container"
)

// Process is what /proc says of a process that can be picked.
type Process struct {
	PID     int
	Parent  int
	Started int64 // since the machine was booted, in ticks of 10 ms: with PID, it is this process's alone
	Comm    string
	Exe     string // the path of its executable, as it sees that; "": not to be read
	Cgroups []Cgroup
	Under   bool // it is the process of Rules.Under or a descendant

	Container container.Container // without an id: none
}

// Cgroup is a process's place in a hierarchy of cgroups.
type Cgroup struct {
	Controllers string // of version 1; "" of version 2
	Path        string
}

// Cgroup is the path that says most: of version 2, or of version 1 with the longest.
func (p *Process) Cgroup() string {
	longest := ""
	for _, c := range p.Cgroups {
		if c.Controllers == "" && c.Path != "/" {
			return c.Path
		}
		if len(c.Path) > len(longest) {
			longest = c.Path
		}
	}
	return longest
}

// ErrGone is the error of a process that has ended, or that is none: a thread of the kernel's.
var ErrGone = errors.New("no process")

// Reader reads processes from /proc. It is for one goroutine.
type Reader struct {
	proc  string
	under int          // Rules.Under
	known map[int]bool // descendants of that
}

// NewReader reads a mounted /proc for those rules.
func NewReader(proc string, r *Rules) *Reader {
	return &Reader{proc: proc, under: r.Under, known: map[int]bool{}}
}

// PIDs are the processes that there are, kernel threads among them, in order.
func (r *Reader) PIDs() ([]int, error) {
	dir, err := os.Open(r.proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	if r.under != 0 {
		r.forget(pids)
	}
	return pids, nil
}

// forget forgets the descendants that are no more.
func (r *Reader) forget(pids []int) {
	for pid := range r.known {
		if _, there := slices.BinarySearch(pids, pid); !there {
			delete(r.known, pid)
		}
	}
}

// Started is when the process began that has the number now: see Process.
func (r *Reader) Started(pid int) (int64, error) {
	p, err := r.stat(pid)
	if err != nil {
		return 0, err
	}
	return p.Started, nil
}

// Read is what can be read of a process.
func (r *Reader) Read(pid int) (*Process, error) {
	p, err := r.stat(pid)
	if err != nil {
		return nil, err
	}
	exe, err := os.Readlink(r.path(pid, "exe"))
	switch {
	case errors.Is(err, fs.ErrNotExist): // it is ending, too
		return nil, ErrGone
	case err == nil:
		p.Exe = strings.TrimSuffix(exe, " (deleted)")
	}
	if raw, err := os.ReadFile(r.path(pid, "cgroup")); err == nil {
		p.Cgroups = parseCgroups(string(raw))
	}
	for _, c := range p.Cgroups {
		found, ok := container.Of(c.Path)
		if ok && (p.Container.ID == "" || p.Container.Runtime == "" && found.Runtime != "") {
			p.Container = found
		}
	}
	p.Under = r.isUnder(p)
	return p, nil
}

// isUnder says whether a process descends from the one of Rules.Under. One whose parent has ended
// before it was read is not known to.
func (r *Reader) isUnder(p *Process) bool {
	if r.under == 0 {
		return false
	}
	chain := []int{p.PID}
	for pid, parent := p.PID, p.Parent; ; {
		if pid == r.under || r.known[pid] {
			for _, c := range chain {
				r.known[c] = true
			}
			return true
		}
		if parent <= 1 || len(chain) > 1<<10 {
			return false
		}
		up, err := r.stat(parent)
		if err != nil {
			return false
		}
		pid, parent = up.PID, up.Parent
		chain = append(chain, pid)
	}
}

func (r *Reader) path(pid int, name string) string {
	return filepath.Join(r.proc, strconv.Itoa(pid), name)
}

// kernelThread is PF_KTHREAD among a task's flags (Linux v5.10–v6.18 include/linux/sched.h).
const kernelThread = 0x00200000

// The fields of /proc/PID/stat behind the name, counted from 0 (fs/proc/array.c, do_task_stat).
const (
	fieldState   = 0
	fieldParent  = 1
	fieldFlags   = 6
	fieldStarted = 19
)

// stat reads the process's line. Of threads of the kernel and of zombies there is none.
func (r *Reader) stat(pid int) (*Process, error) {
	raw, err := os.ReadFile(r.path(pid, "stat"))
	if err != nil {
		return nil, ErrGone
	}
	return parseStat(string(raw))
}

func parseStat(line string) (*Process, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return nil, ErrGone
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) <= fieldStarted {
		return nil, ErrGone
	}
	p := &Process{Comm: line[open+1 : end]}
	var failed error
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		failed = errors.Join(failed, err)
		return n
	}
	p.PID, p.Parent = int(number(strings.TrimSpace(line[:open]))), int(number(fields[fieldParent]))
	p.Started = number(fields[fieldStarted])
	flags := number(fields[fieldFlags])
	if failed != nil || p.PID <= 0 || flags&kernelThread != 0 || strings.ContainsAny(fields[fieldState], "ZX") {
		return nil, ErrGone
	}
	return p, nil
}

// parseCgroups reads lines such as "4:cpu,cpuacct:/group" and "0::/group".
func parseCgroups(text string) (all []Cgroup) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 {
			all = append(all, Cgroup{parts[1], path.Clean("/" + strings.TrimSuffix(parts[2], " (deleted)"))})
		}
	}
	return all
}

// CgroupPath is the path of a cgroup as /proc/PID/cgroup has it, where what is given is its folder in
// a mounted hierarchy, as mountinfo, the file of the caller, says. Another path stays as it is.
func CgroupPath(given, mountinfo string) string {
	given = path.Clean("/" + given)
	best, out := 0, given
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 || !strings.HasPrefix(right, "cgroup") {
			continue
		}
		root, point := fields[3], fields[4]
		if below(point, given) && len(point) > best {
			best, out = len(point), path.Clean(root+"/"+strings.TrimPrefix(given, point))
		}
	}
	return out
}
