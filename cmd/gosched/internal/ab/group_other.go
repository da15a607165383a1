//go:build !unix

package ab

import (
	"errors"
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// endGroup ends a command; there is no asking it, and no group.
func endGroup(proc *os.Process) error { return killGroup(proc) }

func killGroup(proc *os.Process) error {
	if err := proc.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func exitCodeOf(state *os.ProcessState) int { return state.ExitCode() }
