//go:build !linux

package ab

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

// whereWeAre describes the machine as far as every system does.
func whereWeAre() gotrace.Where {
	host, _ := os.Hostname() // "" where it has none
	return gotrace.Where{Host: host, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
}

// measureMachine would measure what the machine does meanwhile.
func measureMachine() func(own time.Duration) *format.MachineTime {
	return func(time.Duration) *format.MachineTime { return nil }
}

// bind would have the system end a command with us.
func bind(*syscall.SysProcAttr) {}
