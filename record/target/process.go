//go:build linux

package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrNoProcess is the error of a process that does not exist, or exists no more.
var ErrNoProcess = errors.New("no such process")

// Process is a running process. It is held by a pidfd, so that it is never
// mistaken for a later process of the same number when waited for. Its methods
// are safe for concurrent use.
type Process struct {
	pid    int // in the caller's PID namespace, as system calls take it
	number int // in the mounted /proc, mostly the same
	pidfd  *os.File
	image  image
	exited chan struct{}

	closeOnce sync.Once
	watcher   sync.WaitGroup
}

// image is what an exec changes: the file being executed, and where it and its stack were
// put, which is random for each exec.
type image struct {
	device, inode uint64
	addresses     string
}

// Open gives the process that the caller's PID namespace numbers pid, once it is certain that
// the caller may look at it, read its memory and its executable; if not, the error is a
// *PrivilegeError. The caller closes it.
func Open(pid int) (*Process, error) {
	if pid <= 0 {
		return nil, fmt.Errorf("process %d: %w", pid, ErrNoProcess)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, openError(pid, err)
	}
	p, err := newProcess(pid, fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	p.watcher.Add(1)
	go p.watch()
	return p, nil
}

func newProcess(pid, fd int) (*Process, error) {
	// A non-blocking pidfd is waited for by Go's poller and so costs no thread.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("process %d: set pidfd non-blocking: %w", pid, err)
	}
	number, err := procNumber(pid, fd)
	if err != nil {
		return nil, err
	}
	p := &Process{pid: pid, number: number, exited: make(chan struct{})}
	if p.image, err = p.readImage(fd); err != nil {
		return nil, err
	}
	if err := p.checkReadable(); err != nil {
		return nil, err
	}
	p.pidfd = os.NewFile(uintptr(fd), fmt.Sprintf("pidfd of %d", pid))
	return p, nil
}

// checkReadable tries whether the caller may read the process's memory and its executable.
func (p *Process) checkReadable() error {
	err := p.ReadMany([]Range{{Buf: make([]byte, 1)}}) // no memory there, but permission is asked for first
	if err != nil {
		return p.denied("reading its memory", CapSysPtrace, err)
	}
	exe, err := os.Open(p.Exe())
	if err != nil {
		err = fmt.Errorf("process %d: open executable: %w", p.pid, gone(err))
		return p.denied("reading its executable, which not everyone may,", CapDACReadSearch, err)
	}
	return exe.Close()
}

// openError says why there is no pidfd for pid. What pidfd_open(2) answers to the
// number of a thread differs between kernels, so that is looked up.
func openError(pid int, err error) error {
	if errors.Is(err, unix.ESRCH) {
		if where := elsewhere(pid); where != "" {
			return fmt.Errorf("process %d: %w: %s", pid, ErrNoProcess, where)
		}
		return fmt.Errorf("process %d: %w", pid, ErrNoProcess)
	}
	if tgid := threadGroup(pid); tgid != 0 && tgid != pid {
		return fmt.Errorf("%d is a thread of process %d, not a process", pid, tgid)
	}
	return fmt.Errorf("process %d: open pidfd: %w", pid, err)
}

func threadGroup(pid int) int {
	tgid, _ := strconv.Atoi(statusField(procPath(pid, "status"), "Tgid"))
	return tgid
}

// Close lets the process go; the process itself goes on.
func (p *Process) Close() error {
	var err error
	p.closeOnce.Do(func() {
		err = p.pidfd.Close()
		p.watcher.Wait()
	})
	return err
}

// watch closes the channel exited when the process ends, and returns when the
// process is closed.
func (p *Process) watch() {
	defer p.watcher.Done()
	conn, err := p.pidfd.SyscallConn()
	if err != nil {
		return
	}
	if err := conn.Read(ended); err == nil {
		close(p.exited)
	}
}

// ended says whether the process of a pidfd has ended: its pidfd is readable then.
func ended(pidfd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}

// Exited is closed when the process has ended: every thread of it, whether or
// not its parent has asked for its exit code.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Wait returns nil when the process has ended, or the context's error.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Alive says whether the process has not ended yet. A closed Process is not alive.
func (p *Process) Alive() bool {
	select {
	case <-p.exited:
		return false
	default:
	}
	conn, err := p.pidfd.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = conn.Control(func(pidfd uintptr) { alive = !ended(pidfd) })
	return err == nil && alive
}

// PID is the process's number in the caller's PID namespace.
func (p *Process) PID() int { return p.pid }

// Exe is a path that opens the executable as the process sees it, even when it
// was deleted or lies in another mount namespace.
func (p *Process) Exe() string { return p.path("exe") }

// ExePath is the executable's name for people: the path it had in the process's
// mount namespace, "(deleted)" after it if it is there no more.
func (p *Process) ExePath() (string, error) {
	path, err := os.Readlink(p.Exe())
	if err != nil {
		return "", fmt.Errorf("process %d: read executable's path: %w", p.pid, gone(err))
	}
	return path, nil
}

// Replaced says whether the process has exec'ed something, the same file again
// included, since Open.
func (p *Process) Replaced() (bool, error) {
	conn, err := p.pidfd.SyscallConn()
	if err != nil {
		return false, err
	}
	var now image
	var readErr error
	err = conn.Control(func(pidfd uintptr) { now, readErr = p.readImage(int(pidfd)) })
	if err := errors.Join(err, readErr); err != nil {
		return false, err
	}
	return now != p.image, nil
}

// The fields of /proc/PID/stat that say where exec put things, counted from the first that
// follows the name (Linux v6.18 fs/proc/array.c, do_task_stat). The auxiliary vector would
// say more, but may be read by the process's user alone.
var placed = []int{fieldStartCode, fieldEndCode, fieldStartStack, fieldStartData, fieldStartBrk}

func (p *Process) readImage(pidfd int) (image, error) {
	var st unix.Stat_t
	if err := unix.Stat(p.path("exe"), &st); err != nil {
		return image{}, p.exeError(pidfd, err)
	}
	fields, err := p.stat()
	if err != nil {
		return image{}, err
	}
	img := image{device: uint64(st.Dev), inode: st.Ino}
	for _, i := range placed {
		img.addresses += fields[i] + " "
	}
	return img, nil
}

// kernelThread is PF_KTHREAD among a task's flags (Linux v5.10–v6.18 include/linux/sched.h).
const kernelThread = 0x00200000

// exeError tells a kernel thread and a zombie, which have no executable, from a
// process that may not be looked at.
func (p *Process) exeError(pidfd int, err error) error {
	if !errors.Is(err, unix.ENOENT) {
		err = fmt.Errorf("process %d: look at executable: %w", p.pid, gone(err))
		return p.denied("looking at it", CapSysPtrace, err)
	}
	fields, err := p.stat()
	switch {
	case err != nil && !ended(uintptr(pidfd)):
		return p.denied("looking at it, which the /proc here hides,", CapSysPtrace, unix.EPERM)
	case err != nil:
		return err
	case strings.ContainsAny(fields[fieldState], "ZX"):
		return fmt.Errorf("process %d has ended already and waits for its parent: %w", p.pid, ErrNoProcess)
	}
	if flags, _ := strconv.ParseUint(fields[fieldFlags], 10, 64); flags&kernelThread != 0 {
		return fmt.Errorf("process %d is a kernel thread: it has no executable", p.pid)
	}
	return fmt.Errorf("process %d is ending: %w", p.pid, ErrNoProcess)
}

// Comm is the process's short name.
func (p *Process) Comm() (string, error) {
	comm, err := p.read("comm")
	return strings.TrimSuffix(string(comm), "\n"), err
}

// Cmdline is the process's arguments, its own name first.
func (p *Process) Cmdline() ([]string, error) {
	raw, err := p.read("cmdline")
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}
	return args, nil
}

func (p *Process) read(name string) ([]byte, error) {
	raw, err := os.ReadFile(p.path(name))
	if err != nil {
		return nil, fmt.Errorf("process %d: read %s: %w", p.pid, name, gone(err))
	}
	return raw, nil
}

// gone turns what /proc answers for a process that is no more into ErrNoProcess.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return ErrNoProcess
	}
	return err
}

func (p *Process) path(name string) string { return procPath(p.number, name) }

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// statusField is a field of a /proc status file, "" where it is not there.
func statusField(path, name string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(line, ":"); ok && key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
