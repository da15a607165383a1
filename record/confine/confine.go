//go:build linux

// Package confine gives up what a recorder does not need any more once everything is watched:
// capabilities, new privileges, and the system calls that a recording never makes.
//
// What is needed after that is the table in keeps.go. What a table cannot know, such as whether
// this process may be read without CAP_SYS_PTRACE, is tried on a thread that has given up
// everything already. It holds for the whole process and cannot be undone.
//
// Landlock is not used: in a Landlock domain no memory of a process outside of it can be read
// (Linux v5.13 on, security/landlock/ptrace.c), and to read goroutines is to read memory. A filter
// of system calls keeps the network and programs out instead.
package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/target"
)

// Trial is something that the recorder will do, and the capability that it may take.
type Trial struct {
	Takes target.Capability
	Try   func() error
}

// Held says what the process can still do.
type Held struct {
	Capabilities []target.Capability // those it has kept
	Bounding     bool                // no program that it starts can have others
	Filter       bool                // the system calls that a recording never makes are refused
	Not          []error             // what could not be given up, and why
}

// Apply gives up what neither the needs nor the trials take.
func Apply(needs Needs, trials ...Trial) (Held, error) {
	own, err := ownSets()
	if err != nil {
		return Held{}, err
	}
	keep := own.permitted & needs.bits()
	onOwnThread(func() { keep |= own.permitted & tried(keep, append(needs.trials(), trials...)) })
	var held Held
	note := func(what string, err error) bool {
		if err != nil {
			held.Not = append(held.Not, fmt.Errorf("%s: %w", what, err))
		}
		return err == nil
	}
	note("make this process closed to tracers", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	if note("give up new privileges", everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0)) {
		if own.effective>>unix.CAP_SETPCAP&1 == 1 {
			held.Bounding = note("give up the bounding set", dropBounding(keep))
		}
		note(giveUpCapabilities, dropTo(keep))
	}
	held.Filter = note(filterCalls, filter(needs))
	left, err := ownSets()
	held.Capabilities = left.list()
	return held, err
}

// sets are a thread's capabilities.
type sets struct{ effective, permitted uint64 }

func ownSets() (sets, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return sets{}, fmt.Errorf("read own capabilities: %w", err)
	}
	both := func(low, high uint32) uint64 { return uint64(low) | uint64(high)<<32 }
	return sets{
		effective: both(data[0].Effective, data[1].Effective), permitted: both(data[0].Permitted, data[1].Permitted),
	}, nil
}

func (s sets) list() []target.Capability {
	all := []target.Capability{}
	for c := range target.Capability(64) {
		if s.permitted>>c&1 == 1 {
			all = append(all, c)
		}
	}
	return all
}

// onOwnThread calls f on a thread that ends with it, and waits until the thread is gone. The
// process's first thread never ends, and is left as it is.
func onOwnThread(f func()) {
	ended := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is not for others after f
		if unix.Gettid() == os.Getpid() {
			onOwnThread(f)
			runtime.UnlockOSThread()
			ended <- 0
			return
		}
		f()
		ended <- unix.Gettid()
	}()
	if tid := <-ended; tid != 0 {
		for gone := false; !gone; time.Sleep(time.Millisecond) {
			_, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid))
			gone = errors.Is(err, fs.ErrNotExist)
		}
	}
}

// tried are the capabilities of trials that fail without them. The calling thread has those of
// keep alone after that.
func tried(keep uint64, trials []Trial) (also uint64) {
	header, data := asUserData(keep)
	if unix.Capset(&header, &data[0]) != nil {
		return ^uint64(0)
	}
	for _, trial := range trials {
		err := trial.Try()
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, target.ErrPrivileges) {
			also |= 1 << trial.Takes
		}
	}
	return also
}

func asUserData(keep uint64) (unix.CapUserHeader, [2]unix.CapUserData) {
	low, high := uint32(keep), uint32(keep>>32)
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{
		{Effective: low, Permitted: low}, {Effective: high, Permitted: high},
	}
}

// dropTo leaves every thread these capabilities, and none that a program would inherit: what is
// not in the inheritable set is not in the ambient one either (capabilities(7)).
func dropTo(keep uint64) error {
	header, data := asUserData(keep)
	_, _, errno := syscall.AllThreadsSyscall(
		unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	return everyThreadError(errno)
}

// dropBounding takes all capabilities but those to keep out of the bounding set.
func dropBounding(keep uint64) error {
	for c := range uintptr(64) {
		if keep>>c&1 == 1 {
			continue
		}
		err := everyThread(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0)
		if errors.Is(err, unix.EINVAL) {
			return nil // the kernel has no capability of that number, nor above it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errCgo is why a program with C code keeps what it has: the Go runtime does not know the threads
// that C code has made (syscall.AllThreadsSyscall).
var errCgo = errors.New("this gosched is built with cgo")

// everyThread makes a system call on every thread of the process: to Linux each has privileges of
// its own.
func everyThread(call, a, b, c uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall(call, a, b, c)
	return everyThreadError(errno)
}

func everyThreadError(errno syscall.Errno) error {
	switch {
	case errno == unix.ENOTSUP:
		return errCgo
	case errno != 0:
		return errno
	}
	return nil
}

// Unable says what Apply cannot give up in this program on this kernel, and why.
func Unable() (errs []error) {
	if err := everyThread(unix.SYS_GETPPID, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", giveUpCapabilities, err))
	}
	if !seccomp.Supported() {
		errs = append(errs, fmt.Errorf("%s: the kernel is built without seccomp", filterCalls))
	}
	return errs
}

// What Apply does, as errors say it.
const (
	giveUpCapabilities = "give up capabilities"
	filterCalls        = "filter system calls"
)

// Names are the capabilities in the kernel's words, sorted.
func (h *Held) Names() []string {
	names := []string{}
	for _, c := range h.Capabilities {
		names = append(names, c.String())
	}
	slices.Sort(names)
	return names
}
