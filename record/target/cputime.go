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

// MachineTime is what all CPUs of the machine did since it was started, summed over CPUs, in steps
// of a clock tick a CPU.
type MachineTime struct {
	Busy  time.Duration // any process, the kernel, interrupts
	Steal time.Duration // the hypervisor ran something else
	Idle  time.Duration // nothing to do, or only disks to wait for
}

// Since is what the CPUs did since an earlier reading. A count that went back, as those of idle
// time may (proc(5)), did nothing.
func (t MachineTime) Since(earlier MachineTime) MachineTime {
	return MachineTime{
		Busy:  max(0, t.Busy-earlier.Busy),
		Steal: max(0, t.Steal-earlier.Steal),
		Idle:  max(0, t.Idle-earlier.Idle),
	}
}

// ReadMachineTime reads what the machine's CPUs did.
func ReadMachineTime() (MachineTime, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return MachineTime{}, fmt.Errorf("read the CPUs' time: %w", err)
	}
	return parseMachineTime(string(stat))
}

// The fields of /proc/stat's line of all CPUs (Linux v6.18 fs/proc/stat.c, show_stat). Those that
// follow, of guests, are in user and nice already.
const (
	statUser = iota
	statNice
	statSystem
	statIdle
	statIOWait
	statIRQ
	statSoftIRQ
	statSteal
	statFields
)

func parseMachineTime(stat string) (MachineTime, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 1+statFields || fields[0] != "cpu" {
		return MachineTime{}, errors.New("read the CPUs' time: /proc/stat does not begin with it")
	}
	var spent [statFields]time.Duration
	for i := range spent {
		ticks, err := strconv.ParseInt(fields[1+i], 10, 64)
		if err != nil {
			return MachineTime{}, fmt.Errorf("read the CPUs' time: %w", err)
		}
		spent[i] = time.Duration(ticks) * clockTick
	}
	return MachineTime{
		Busy:  spent[statUser] + spent[statNice] + spent[statSystem] + spent[statIRQ] + spent[statSoftIRQ],
		Steal: spent[statSteal],
		Idle:  spent[statIdle] + spent[statIOWait],
	}, nil
}

// CPUTime is how long the process's threads, those included that have ended, were on CPUs. It can
// be read until the process's parent has asked for its exit code.
func (p *Process) CPUTime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(cpuClock(p.pid), &ts); err != nil {
		if errors.Is(err, unix.EINVAL) { // what there is no process for is no clock
			err = ErrNoProcess
		}
		return 0, fmt.Errorf("process %d: read its CPU time: %w", p.pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// cpuClock is the clock of a process's CPU time: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)
// (Linux v6.18 include/linux/posix-timers_types.h).
func cpuClock(pid int) int32 {
	const sched = 2
	return int32(^pid)<<3 | sched
}
