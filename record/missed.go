package record

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// maxReasons is how many reasons are told apart.
const maxReasons = 32

// miss counts a process that was picked and is not recorded.
func (a *arrivals) miss(pid int, err error) {
	why := reasonOf(pid, err)
	if _, known := a.missed[why]; !known && len(a.missed) >= maxReasons {
		why = "other reasons"
	}
	m := a.missed[why]
	a.missed[why] = Missed{Why: why, Count: m.Count + 1, PID: cmp.Or(m.PID, pid)}
}

// reasonOf is why a process is not recorded, in words that are the same for all processes of which
// that is so. What failed in one that is gone failed for that.
func reasonOf(pid int, err error) string {
	for _, known := range []error{errNoNumber, errAgain, errReplaced, errUnseen, errEnding} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	number := strconv.Itoa(pid)
	_, gone := os.Stat("/proc/" + number)
	switch {
	case errors.Is(err, gobin.ErrNotGo):
		return errNotGo.Error()
	case errors.Is(err, errEnded), errors.Is(err, target.ErrNoProcess), pid != 0 && errors.Is(gone, fs.ErrNotExist):
		return errEnded.Error()
	}
	return strings.NewReplacer("/proc/"+number+"/", "/proc/PID/", "process "+number+" ", "process ",
		"process "+number+":", "process:").Replace(err.Error())
}

// missEnded counts, at the end of the recording, the programs of which the scout had to say something
// or was still to be told.
func (a *arrivals) missEnded() {
	if a == nil || !a.stopped {
		return
	}
	for _, count := range a.unsaid {
		count()
	}
	for a.exact {
		select {
		case e := <-a.events:
			if _, ok := a.watch.Told(e.pid, e.parent); ok {
				a.miss(e.pid, errEnding)
			} else if a.watch.Gone(e.pid) {
				a.miss(e.pid, errUnseen)
			}
		default:
			return
		}
	}
}

// missedProcesses are those that were counted, most first.
func (a *arrivals) missedProcesses() []Missed {
	if a == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(a.missed), func(x, y Missed) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Why, y.Why))
	})
}
