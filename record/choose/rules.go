// Package choose picks processes by rules: by cgroup, container, name, executable, or by whose
// children they are. It knows /proc and the names of cgroups, and nothing of Go: whether a process
// can be recorded is found out by who records it.
package choose

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Rules say which processes are meant. Those of one kind are alternatives; a process must satisfy
// each kind that there is. Without any kind, every process is meant.
type Rules struct {
	// Paths of cgroups, as /proc/PID/cgroup has them or of their folders; cgroups below them count.
	Cgroups    []string
	Containers []string // ids, or how they begin
	Comms      []string // short names of processes, which may be globs
	Exes       []string // globs of executables' paths; without a slash, of their last elements
	Under      int      // the pid of a process that is meant with its descendants; 0: any
	Except     []int    // pids that are not meant
}

// The kinds of rules, as a trace says them.
const (
	ByCgroup    = "cgroup"
	ByContainer = "container"
	ByComm      = "comm"
	ByExe       = "exe"
	ByFollow    = "follow"
	ByAll       = "all-go"
)

// Check finds what is wrong with the rules whatever processes there are.
func (r *Rules) Check() error {
	for kind, patterns := range map[string][]string{ByComm: r.Comms, ByExe: r.Exes} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				return fmt.Errorf("%q is no pattern for %s: %w", p, kind, errPattern)
			}
		}
	}
	for _, c := range r.Cgroups {
		if strings.Trim(c, "/") == "" {
			return errors.New("every process is in the cgroup /: give one below it")
		}
	}
	for _, c := range r.Containers {
		if len(c) > containerID || strings.Trim(c, "0123456789abcdef") != "" || c == "" {
			return fmt.Errorf("%q is no container's id: that is %d hexadecimal digits, or how they begin", c,
				containerID)
		}
	}
	return nil
}

var errPattern = errors.New("* stands for any text, ? for a letter, [ab] for one of several")

const containerID = 64

// commLength is how long the kernel lets a process's short name be (include/linux/sched.h,
// TASK_COMM_LEN, less the 0 at its end).
const commLength = 15

// Pick says whether a process is meant, and by which kinds of rules.
func (r *Rules) Pick(p *Process) (how string, ok bool) {
	var kinds []string
	for _, k := range []struct {
		name  string
		given bool
		has   func(*Process) bool
	}{
		{ByFollow, r.Under != 0, func(p *Process) bool { return p.Under }},
		{ByCgroup, len(r.Cgroups) > 0, r.inCgroup},
		{ByContainer, len(r.Containers) > 0, r.inContainer},
		{ByComm, len(r.Comms) > 0, r.hasComm},
		{ByExe, len(r.Exes) > 0, r.hasExe},
	} {
		if !k.given {
			continue
		}
		if !k.has(p) {
			return "", false
		}
		kinds = append(kinds, k.name)
	}
	if len(kinds) == 0 {
		return ByAll, true
	}
	return strings.Join(kinds, ","), true
}

// ByFile says whether all processes of a file are meant, whoever they are.
func (r *Rules) ByFile() bool {
	return len(r.Cgroups) == 0 && len(r.Containers) == 0 && len(r.Comms) == 0 && r.Under == 0
}

func (r *Rules) inCgroup(p *Process) bool {
	for _, want := range r.Cgroups {
		for _, c := range p.Cgroups {
			if below(path.Clean("/"+want), c.Path) {
				return true
			}
		}
	}
	return false
}

func (r *Rules) inContainer(p *Process) bool {
	for _, want := range r.Containers {
		if strings.HasPrefix(p.Container.ID, want) {
			return true
		}
	}
	return false
}

func (r *Rules) hasComm(p *Process) bool {
	for _, want := range r.Comms {
		if len(want) > commLength && !strings.ContainsAny(want, `*?[\`) {
			want = want[:commLength] // the kernel has cut the name too
		}
		if ok, _ := path.Match(want, p.Comm); ok {
			return true
		}
	}
	return false
}

func (r *Rules) hasExe(p *Process) bool {
	for _, want := range r.Exes {
		exe := p.Exe
		if !strings.Contains(want, "/") {
			exe = path.Base(exe)
		}
		if ok, _ := path.Match(want, exe); ok && p.Exe != "" {
			return true
		}
	}
	return false
}

// below says whether a path is another one or below it.
func below(above, p string) bool {
	rest, ok := strings.CutPrefix(p, above)
	return ok && (rest == "" || rest[0] == '/')
}
