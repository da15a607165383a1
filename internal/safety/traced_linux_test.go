package safety

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// traced has another trace the program with ptrace: it stops and continues all threads, and passes
// their signals on. It must not see a breakpoint.
func traced(tr *trial) {
	x := tr.start().ready()
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- trace(x.Process.Pid, stop) }()
	tr.record(x, "-d", "300ms").ends(0)
	r := tr.record(x)
	time.Sleep(tr.between(0, 700*time.Millisecond))
	r.kill()
	close(stop)
	if err := <-done; err != nil {
		tr.harm("who traces it: %v", err)
	}
	x.unharmed()
}

// trace traces all threads that a process has by now, until stop is closed.
func trace(pid int, stop <-chan struct{}) error {
	runtime.LockOSThread() // who traces is a thread; it ends with this goroutine
	names, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return err
	}
	var threads []int
	for _, n := range names {
		if tid, err := strconv.Atoi(n.Name()); err == nil && ptrace(unix.PTRACE_SEIZE, tid, 0) == nil {
			threads = append(threads, tid)
		}
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return letGo(threads)
		default:
		}
		for _, tid := range threads {
			if n%20 == 0 {
				_ = ptrace(unix.PTRACE_INTERRUPT, tid, 0)
			}
			if _, err := goOn(tid, unix.WNOHANG, unix.PTRACE_CONT); err != nil {
				return err
			}
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// letGo stops each thread once more, which is when it can be let go.
func letGo(threads []int) error {
	for _, tid := range threads {
		if ptrace(unix.PTRACE_INTERRUPT, tid, 0) != nil {
			continue
		}
		if _, err := goOn(tid, 0, unix.PTRACE_DETACH); err != nil {
			return err
		}
	}
	return nil
}

// goOn continues a thread if it has stopped, with the signal that it stopped for.
func goOn(tid, options, how int) (stopped bool, err error) {
	var status unix.WaitStatus
	got, err := unix.Wait4(tid, &status, options|unix.WALL, nil)
	if got != tid || err != nil || !status.Stopped() {
		return false, nil
	}
	sig := status.StopSignal()
	event := int(status) >> 16
	if event != 0 {
		sig = 0
	}
	if sig == syscall.SIGTRAP {
		return true, fmt.Errorf("thread %d stopped at a breakpoint", tid)
	}
	_ = ptrace(how, tid, int(sig))
	return true, nil
}

func ptrace(request, tid, data int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, uintptr(data), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
