package record

import (
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/target"
)

// cpuAccount measures what the machine's CPUs did during a recording, and how much of it was the
// process. It is read as long as the recording goes on, because a process that has ended and was
// waited for has no CPU time any more.
type cpuAccount struct {
	machine  target.MachineTime
	known    bool // the machine was measured at the beginning
	ownBegan time.Duration
	ownKnown bool
	own      time.Duration // since the process began, as last read
}

func (a *cpuAccount) begin(proc *target.Process) {
	var err error
	a.machine, err = target.ReadMachineTime()
	a.known = err == nil
	a.ownBegan, err = proc.CPUTime()
	a.ownKnown, a.own = err == nil, a.ownBegan
}

// update reads the process's time. The time of a process that has taken over the number of one that
// ended is hardly more than that one's, so that only a greater one counts.
func (a *cpuAccount) update(proc *target.Process) {
	if own, err := proc.CPUTime(); err == nil && a.ownKnown {
		a.own = max(a.own, own)
	}
}

// end is what the CPUs did since begin; nil where the kernel does not say.
func (a *cpuAccount) end(proc *target.Process) *format.MachineTime {
	a.update(proc)
	now, err := target.ReadMachineTime()
	if err != nil || !a.known {
		return nil
	}
	spent := now.Since(a.machine)
	return &format.MachineTime{
		BusyNS: int64(spent.Busy), StealNS: int64(spent.Steal), IdleNS: int64(spent.Idle),
		OwnNS: int64(a.own - a.ownBegan),
	}
}
