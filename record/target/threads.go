//go:build linux

package target

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Thread is a thread of a process.
type Thread struct {
	TID   int // as the mounted /proc numbers it: as the caller's PID namespace does, mostly
	NSTID int // as the process's own PID namespace does: what its gettid(2) gives
}

// Threads are the process's threads at this moment, by ascending TID.
func (p *Process) Threads() ([]Thread, error) {
	entries, err := os.ReadDir(p.path("task"))
	if err != nil {
		return nil, fmt.Errorf("process %d: list threads: %w", p.pid, gone(err))
	}
	threads := make([]Thread, 0, len(entries))
	for _, entry := range entries {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		nstid := innermost(statusField(p.path("task/"+entry.Name()+"/status"), "NSpid"))
		if nstid != 0 { // 0: ended between the listing and now
			threads = append(threads, Thread{TID: tid, NSTID: nstid})
		}
	}
	return threads, nil
}

// StopState is the state of the process's threads, in the words of proc(5), where all of them are
// stopped from outside: "stopped" by a signal, or "tracing stop". It is empty where one of them is
// not.
func (p *Process) StopState() string {
	tasks, err := os.ReadDir(p.path("task"))
	if err != nil {
		return ""
	}
	word := ""
	for _, task := range tasks {
		letter, state, _ := strings.Cut(statusField(p.path("task/"+task.Name()+"/status"), "State"), " ")
		if !strings.EqualFold(letter, "T") {
			return ""
		}
		word = strings.Trim(state, "()")
	}
	return word
}

// NSPID is the process's number in its own PID namespace.
func (p *Process) NSPID() (int, error) {
	nspid := innermost(statusField(p.path("status"), "NSpid"))
	if nspid == 0 {
		return 0, fmt.Errorf("process %d: read NSpid: %w", p.pid, ErrNoProcess)
	}
	return nspid, nil
}

// innermost is the last number of an NSpid line, which names the process from
// the reader's namespace inwards.
func innermost(nspid string) int {
	fields := strings.Fields(nspid)
	if len(fields) == 0 {
		return 0
	}
	id, _ := strconv.Atoi(fields[len(fields)-1])
	return id
}

// clockTick is 1/USER_HZ, the unit of times in /proc/stat and /proc/PID/stat. USER_HZ is 100
// whatever the kernel's own HZ (Linux v6.18 include/uapi/asm-generic/param.h), on every
// architecture that Go runs on.
const clockTick = time.Second / 100

// Started is the time at which the process was started, to a hundredth of a second.
func (p *Process) Started() (time.Time, error) {
	fields, err := p.stat()
	if err != nil {
		return time.Time{}, err
	}
	ticks, err := strconv.ParseInt(fields[fieldStartTime], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("process %d: parse stat: %w", p.pid, err)
	}
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return time.Time{}, fmt.Errorf("read boot clock: %w", err)
	}
	return time.Now().Add(time.Duration(ticks)*clockTick - time.Duration(boot.Nano())), nil
}

// The fields of /proc/PID/stat as statFields gives them: proc(5) counts from 1, and the
// first two are left out.
const (
	fieldState      = 0 // the third
	fieldFlags      = 9 - 3
	fieldStartTime  = 22 - 3
	fieldStartCode  = 26 - 3
	fieldEndCode    = 27 - 3
	fieldStartStack = 28 - 3
	fieldStartData  = 45 - 3
	fieldStartBrk   = 47 - 3
	fieldLast       = fieldStartBrk
)

// stat reads the fields of the process's /proc/PID/stat.
func (p *Process) stat() ([]string, error) {
	raw, err := p.read("stat")
	if err != nil {
		return nil, err
	}
	fields, err := splitStat(string(raw))
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", p.pid, err)
	}
	return fields, nil
}

// splitStat gives the fields that follow the name. That is the second and may hold spaces
// and parentheses, so fields are counted from its last parenthesis.
func splitStat(stat string) ([]string, error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) <= fieldLast {
		return nil, errors.New("parse stat: too few fields")
	}
	return fields, nil
}
