package record

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

var (
	// ErrEnded is wrapped where the process was gone before its recording had begun.
	ErrEnded = errors.New("ended while its recording was being set up")
	// ErrOpenFiles is wrapped where the recorder may not open as many files as it needs: one or two
	// for each CPU and, where probes are attached one by one, two for each of them.
	ErrOpenFiles = errors.New("a recording needs more open files than are allowed")
)

// setUpError says in one sentence why a recording could not begin, where that is not the first
// thing that went wrong.
func setUpError(procs []*target.Process, err error) error {
	var limit unix.Rlimit
	switch {
	case errors.Is(err, unix.EMFILE) && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil:
		return fmt.Errorf("%w (%d): %w", ErrOpenFiles, limit.Cur, unix.EMFILE)
	case errors.Is(err, gobin.ErrNotGo), errors.Is(err, gobin.ErrUnsupported), errors.Is(err, ErrUnsupported):
		return err
	}
	for _, proc := range procs {
		if !proc.Alive() {
			return fmt.Errorf("process %d %w", proc.PID(), ErrEnded)
		}
	}
	return err
}
