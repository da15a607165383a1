package record

import (
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/target"
)

// machineTime measures what the machine's CPUs did during a recording.
type machineTime struct {
	began target.MachineTime
	known bool // it was measured at the beginning
}

func (m *machineTime) begin() {
	var err error
	m.began, err = target.ReadMachineTime()
	m.known = err == nil
}

// end is what the CPUs did since begin, but for whom; nil where the kernel does not say.
func (m *machineTime) end() *format.MachineTime {
	now, err := target.ReadMachineTime()
	if err != nil || !m.known {
		return nil
	}
	spent := now.Since(m.began)
	return &format.MachineTime{BusyNS: int64(spent.Busy), StealNS: int64(spent.Steal), IdleNS: int64(spent.Idle)}
}

// cpuTime measures how much of that was one process. It is read as long as the recording goes on,
// because a process that has ended and was waited for has no CPU time any more.
type cpuTime struct {
	began time.Duration
	known bool
	now   time.Duration // since the process began, as last read
}

func (c *cpuTime) begin(proc *target.Process) {
	var err error
	c.began, err = proc.CPUTime()
	c.known, c.now = err == nil, c.began
}

// update reads the process's time. The time of a process that has taken over the number of one that
// ended is hardly more than that one's, so that only a greater one counts.
func (c *cpuTime) update(proc *target.Process) {
	if now, err := proc.CPUTime(); err == nil && c.known {
		c.now = max(c.now, now)
	}
}

func (c *cpuTime) spent() time.Duration { return c.now - c.began }
