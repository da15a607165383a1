//go:build linux

package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// StartOptions says how Start starts a command. The zero value inherits the
// environment and the working directory and gives the command no files.
type StartOptions struct {
	Dir    string      // working directory, "": the caller's
	Env    []string    // "key=value", nil: the caller's
	Stdin  *os.File    // nil: /dev/null
	Stdout *os.File    // nil: /dev/null
	Stderr *os.File    // nil: /dev/null
	As     *Credential // nil: the caller's user and groups
	Group  bool        // gives it a process group of its own, for SignalGroup; it gets no signals from a terminal then
	Bound  bool        // has the kernel kill it when the caller ends, however that ends, also after Resume
}

// Credential is the user and groups to run a command as.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// Child is a command that Start started. It is stopped after its exec and before
// its first instruction until Resume; if the caller ends before that, so does the
// child. After Resume it lives on when the caller ends, unless it is bound.
type Child struct {
	*Process
	proc   *os.Process
	resume chan struct{} // asks the tracing thread to let the child go
	result chan error    // its answer
	once   sync.Once
	err    error

	waitOnce sync.Once
	state    *os.ProcessState
	waitErr  error
}

// Start starts a command, stopped before its first instruction so that probes can
// be attached first. The caller calls Resume or Kill, then Wait, then Close. When
// ctx ends before Resume, the child is killed.
func Start(ctx context.Context, argv []string, opts StartOptions) (*Child, error) {
	if len(argv) == 0 {
		return nil, errors.New("start: no command")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], reason(err))
	}
	attr, closeFiles, err := procAttr(opts)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	defer closeFiles()
	c := &Child{resume: make(chan struct{}), result: make(chan error, 1)}
	started := make(chan error)
	go c.trace(ctx, path, argv, attr, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], reason(err))
	}
	if c.Process, err = Open(c.proc.Pid); err != nil {
		err = errors.Join(err, c.Kill())
		_, waitErr := c.Wait()
		return nil, fmt.Errorf("start %s: %w", argv[0], errors.Join(err, waitErr))
	}
	return c, nil
}

// reason strips the wrapping that names the command or the path a second time.
func reason(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return reason(e.Err)
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

func procAttr(opts StartOptions) (*os.ProcAttr, func(), error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	files := []*os.File{opts.Stdin, opts.Stdout, opts.Stderr}
	for i := range files {
		if files[i] == nil {
			files[i] = null
		}
	}
	sys := &syscall.SysProcAttr{Ptrace: true, Setpgid: opts.Group}
	if opts.Bound {
		// when the thread ends that starts it: trace gives it back, and Go keeps its threads
		sys.Pdeathsig = syscall.SIGKILL
	}
	if opts.As != nil {
		sys.Credential = &syscall.Credential{Uid: opts.As.UID, Gid: opts.As.GID, Groups: opts.As.Groups}
	}
	return &os.ProcAttr{Dir: opts.Dir, Env: opts.Env, Files: files, Sys: sys}, func() { null.Close() }, nil
}

// trace starts the child, holds it stopped and lets it go, all on one thread: to
// the kernel a tracer is a thread.
func (c *Child) trace(ctx context.Context, path string, argv []string, attr *os.ProcAttr, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	proc, err := os.StartProcess(path, argv, attr)
	if err != nil {
		started <- err
		return
	}
	if err := holdAtExec(proc.Pid); err != nil {
		_ = proc.Kill()
		_, _ = proc.Wait()
		started <- err
		return
	}
	c.proc = proc
	started <- nil
	select {
	case <-c.resume:
		c.result <- detach(proc.Pid)
	case <-ctx.Done():
		_ = proc.Kill()
		c.result <- fmt.Errorf("resume: %w", ctx.Err())
	}
}

// holdAtExec waits for the stop that follows the child's exec, and has the kernel
// kill the child should this thread end while it traces it.
func holdAtExec(pid int) error {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait for its exec: %w", err)
		case !status.Stopped():
			return fmt.Errorf("it ended at its exec: wait status %#x", uint32(status))
		case status.StopSignal() == unix.SIGTRAP:
			return killWithTracer(pid)
		default: // a signal that arrived first: deliver it
			if err := unix.PtraceCont(pid, int(status.StopSignal())); err != nil {
				return fmt.Errorf("continue to its exec: %w", err)
			}
		}
	}
}

func killWithTracer(pid int) error {
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL); err != nil {
		return fmt.Errorf("set ptrace options: %w", err)
	}
	return nil
}

// detach ends the tracing and with it the option that kills the child with us. A
// child that was killed while it was stopped is there no more to detach from.
func detach(pid int) error {
	err := unix.PtraceDetach(pid)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("resume: it was killed before it ran: %w", ErrNoProcess)
	}
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

// Resume lets the child run its first instruction. Calling it again does nothing.
func (c *Child) Resume() error {
	c.once.Do(func() {
		select {
		case c.resume <- struct{}{}:
			c.err = <-c.result
		case c.err = <-c.result: // ctx ended first
		}
	})
	return c.err
}

// Kill kills the child, stopped or running. Wait still has to be called.
func (c *Child) Kill() error {
	err := c.proc.Kill()
	_ = c.Resume() // lets the tracing thread go
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Signal sends the child a signal; one that has ended already is not an error.
func (c *Child) Signal(sig os.Signal) error {
	if err := c.proc.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// SignalGroup sends a signal to a child that has a group of its own and to what it started and left
// in the group. It is for before Wait: after it the group's number may be another's. A group whose
// processes have all ended is not an error.
func (c *Child) SignalGroup(sig syscall.Signal) error {
	if err := syscall.Kill(-c.PID(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process group %d: %w", c.PID(), err)
	}
	return nil
}

// Wait waits for the end of a resumed or killed child and returns its exit code as
// a shell gives it: 128 and the signal's number for one that a signal ended. It may
// be called from several goroutines.
func (c *Child) Wait() (int, error) {
	c.waitOnce.Do(func() { c.state, c.waitErr = c.proc.Wait() })
	if c.waitErr != nil {
		return 0, fmt.Errorf("wait for the command: %w", c.waitErr)
	}
	if status, ok := c.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return c.state.ExitCode(), nil
}

// Reap ends a child that was never resumed, and waits for its end.
func (c *Child) Reap() error {
	err := c.Kill()
	_, waitErr := c.Wait()
	return errors.Join(err, waitErr)
}
