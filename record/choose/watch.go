package choose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Watch finds processes as they come, each once. It is for one goroutine.
type Watch struct {
	rules  Rules
	reader *Reader
	seen   map[int]*sighting
	polls  int
}

// sighting is a process that was looked at.
type sighting struct {
	started int64
	exe     string
	picked  bool
}

// Found is a process that the rules mean.
type Found struct {
	Process
	How string // the kinds of rules that it satisfies
}

// NewWatch watches a mounted /proc.
func NewWatch(proc string, rules *Rules) *Watch {
	r := *rules
	r.Containers = slices.Clone(rules.Containers)
	return &Watch{rules: r, reader: NewReader(proc, rules), seen: map[int]*sighting{}}
}

// rereadEvery is at which of the polls every process is read anew that was not picked: it may have
// another name or cgroup now, without an event that says so.
const rereadEvery = 5

// ErrAmbiguous is wrapped by the error of the beginning of a container's id that several have.
var ErrAmbiguous = errors.New("several containers have such an id")

// Poll looks for processes that are to be picked, in order of their numbers.
func (w *Watch) Poll() ([]Found, error) {
	pids, err := w.reader.PIDs()
	if err != nil {
		return nil, err
	}
	w.polls++
	reread := w.polls%rereadEvery == 0
	var found []Found
	for _, pid := range pids {
		if !reread && w.isKnown(pid) {
			continue
		}
		if f, ok := w.Look(pid); ok {
			found = append(found, f)
		}
	}
	found, err = w.settle(found)
	for pid := range w.seen {
		if _, there := slices.BinarySearch(pids, pid); !there {
			delete(w.seen, pid)
		}
	}
	return found, err
}

// isKnown says whether a process was looked at, and is no other of the same number.
func (w *Watch) isKnown(pid int) bool {
	s := w.seen[pid]
	if s == nil || s.started == 0 {
		return s != nil
	}
	started, err := w.reader.Started(pid)
	return err == nil && started == s.started
}

// Told looks at a process that has begun a program, of which an event has told, with its parent at
// that time; 0: not known.
func (w *Watch) Told(pid, parent int) (Found, bool) {
	if parent != 0 && (parent == w.rules.Under || w.reader.known[parent]) {
		w.reader.known[pid] = true // its parent may have ended since
	}
	delete(w.seen, pid)
	f, ok := w.Look(pid)
	if ok {
		_, _ = w.settle([]Found{f}) // of one there is no doubt
	}
	return f, ok
}

// Gone says whether a process has ended that was not found when it was told of, and is meant whatever
// it was: as all are, or as one that another has started.
func (w *Watch) Gone(pid int) bool {
	r := &w.rules
	if len(r.Cgroups)+len(r.Containers)+len(r.Comms)+len(r.Exes) > 0 || r.Under != 0 && !w.reader.known[pid] {
		return false
	}
	_, err := w.reader.Read(pid) // of one that its parent has not waited for, the program is gone
	return err != nil
}

// Look looks at one process. One that was picked is so again only when it has another program.
func (w *Watch) Look(pid int) (Found, bool) {
	if slices.Contains(w.rules.Except, pid) {
		return Found{}, false
	}
	s := w.seen[pid]
	p, err := w.reader.Read(pid)
	if err != nil {
		if s == nil { // a kernel's thread stays one
			w.seen[pid] = &sighting{}
		}
		return Found{}, false
	}
	if s != nil && s.picked && s.started == p.Started && s.exe == p.Exe {
		return Found{}, false
	}
	how, ok := w.rules.Pick(p)
	w.seen[pid] = &sighting{started: p.Started, exe: p.Exe, picked: ok}
	return Found{*p, how}, ok
}

// settle makes the beginnings of ids whole, where a container has them. From then on that is the one
// that is meant.
func (w *Watch) settle(found []Found) ([]Found, error) {
	for i, want := range w.rules.Containers {
		if len(want) == containerID {
			continue
		}
		var ids []string
		for _, f := range found {
			if id := f.Container.ID; strings.HasPrefix(id, want) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if len(ids) > 1 {
			return nil, fmt.Errorf("%w: %s is how %s and %s begin", ErrAmbiguous, want, ids[0][:12], ids[1][:12])
		}
		if len(ids) == 1 {
			w.rules.Containers[i] = ids[0]
		}
	}
	return found, nil
}
