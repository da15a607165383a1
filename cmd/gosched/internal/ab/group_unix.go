//go:build unix

package ab

import (
	"errors"
	"os"
	"syscall"
)

// ownGroup gives a command a process group of its own, so that it can be ended with all it starts.
func ownGroup() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	bind(attr)
	return attr
}

// endGroup asks a command and what it started to end.
func endGroup(proc *os.Process) error { return signalGroup(proc, syscall.SIGTERM) }

// killGroup kills a command and what it started.
func killGroup(proc *os.Process) error { return signalGroup(proc, syscall.SIGKILL) }

// signalGroup signals the group whose first process proc is. A group without processes is not an
// error; of one whose processes have ended some systems say EPERM. Directly after the first was
// waited for, its number is not another's yet: numbers are given out in turn.
func signalGroup(proc *os.Process, sig syscall.Signal) error {
	if err := syscall.Kill(-proc.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) &&
		!errors.Is(err, syscall.EPERM) {
		return err
	}
	return nil
}

// exitCodeOf is a process's exit code as a shell gives it.
func exitCodeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
