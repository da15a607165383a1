package ab

import (
	"errors"
	"runtime"
	"syscall"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
	"github.com/gosched/gosched/record/target"
)

// whereWeAre describes the machine.
func whereWeAre() gotrace.Where {
	host, _ := target.ReadHost() // what it does not say stays empty
	return gotrace.Where{Host: host.Name, Kernel: host.Kernel, Arch: runtime.GOARCH, CPUModel: host.CPUModel,
		CPUs: host.CPUs}
}

// measureMachine measures what the machine does until the function is called that it returns, which
// is told how much of it was ours.
func measureMachine() func(own time.Duration) *format.MachineTime {
	before, err1 := target.ReadMachineTime()
	return func(own time.Duration) *format.MachineTime {
		after, err2 := target.ReadMachineTime()
		if errors.Join(err1, err2) != nil {
			return nil
		}
		spent := after.Since(before)
		return &format.MachineTime{BusyNS: int64(spent.Busy), StealNS: int64(spent.Steal), IdleNS: int64(spent.Idle),
			OwnNS: int64(own)}
	}
}

// bind has the kernel kill a command when we end, however we end.
func bind(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
