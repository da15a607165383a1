//go:build linux

package target

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Descriptor is what a file descriptor of the process is, as the kernel says it: a path,
// "pipe:[1234]", "socket:[1234]", "anon_inode:[eventfd]".
func (p *Process) Descriptor(fd int) (string, error) {
	name, err := os.Readlink(p.path("fd/" + strconv.Itoa(fd)))
	if err != nil {
		return "", fmt.Errorf("process %d: read descriptor %d: %w", p.pid, fd, gone(err))
	}
	return name, nil
}

// Inode is the number in what the kernel says of a pipe or a socket: 1234 of "pipe:[1234]".
func Inode(descriptor, kind string) (uint64, bool) {
	rest, ok := strings.CutPrefix(descriptor, kind+":[")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
	return n, err == nil
}

// DescriptorTable is how many file descriptors the process has room for: no fewer than it has open.
func (p *Process) DescriptorTable() int {
	n, _ := strconv.Atoi(statusField(p.path("status"), "FDSize"))
	return n
}

// TryDescriptors is an error where the process's descriptors may not be listed.
func (p *Process) TryDescriptors() error {
	dir, err := os.Open(p.path("fd"))
	if err != nil {
		return err
	}
	return dir.Close()
}

// maxPollers is how many of the lowest descriptors are looked at for a poller's.
const maxPollers = 256

// Pollers are the descriptors among the lowest that are epoll instances. The Go runtime opens its
// own with the first file or socket.
func (p *Process) Pollers() (fds []int) {
	for fd := range maxPollers {
		if name, err := p.Descriptor(fd); err == nil && name == "anon_inode:[eventpoll]" {
			fds = append(fds, fd)
		}
	}
	return fds
}

// Polled is a file descriptor that an epoll instance watches.
type Polled struct {
	FD   int
	Data uint64 // what the process wants to be told with its events
}

// Polled are the descriptors that an epoll instance of the process watches. While the kernel lists
// them, some hundred nanoseconds each, the process's use of the instance waits.
func (p *Process) Polled(poller int) ([]Polled, error) {
	raw, err := p.read("fdinfo/" + strconv.Itoa(poller))
	if err != nil {
		return nil, err
	}
	return parsePolled(raw), nil
}

// parsePolled reads the lines "tfd: 5 events: 8000201d data: 7f5c0b7e5e80 pos:0 …" (Linux
// v5.10–v6.18 fs/eventpoll.c, ep_show_fdinfo).
func parsePolled(info []byte) (all []Polled) {
	lines := bufio.NewScanner(bytes.NewReader(info))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 6 || words[0] != "tfd:" || words[4] != "data:" {
			continue
		}
		fd, err1 := strconv.Atoi(words[1])
		data, err2 := strconv.ParseUint(words[5], 16, 64)
		if err1 == nil && err2 == nil {
			all = append(all, Polled{FD: fd, Data: data})
		}
	}
	return all
}

// Tasks are the process's threads as the mounted /proc numbers them.
func (p *Process) Tasks() ([]int, error) {
	dir, err := os.Open(p.path("task"))
	if err != nil {
		return nil, fmt.Errorf("process %d: list threads: %w", p.pid, gone(err))
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("process %d: list threads: %w", p.pid, gone(err))
	}
	tasks := make([]int, 0, len(names))
	for _, name := range names {
		if tid, err := strconv.Atoi(name); err == nil {
			tasks = append(tasks, tid)
		}
	}
	return tasks, nil
}

// Call is a system call that a thread is in.
type Call struct {
	Number int
	Args   [6]uint64
	SP, PC uint64
}

// Call is the system call in which a thread sleeps, which the mounted /proc numbers so. It says
// false of a thread that sleeps in none.
func (p *Process) Call(task int) (Call, bool, error) {
	raw, err := p.read("task/" + strconv.Itoa(task) + "/syscall")
	if err != nil {
		return Call{}, false, err
	}
	call, ok := parseCall(string(raw))
	return call, ok, nil
}

// parseCall reads "0 0x3 0xc000123000 … 0xsp 0xpc", or "running", or "-1 0xsp 0xpc" outside of
// system calls (Linux v5.10–v6.18 fs/proc/base.c, proc_pid_syscall).
func parseCall(line string) (c Call, ok bool) {
	words := strings.Fields(line)
	if len(words) != 1+len(c.Args)+2 {
		return Call{}, false
	}
	number, err := strconv.Atoi(words[0])
	if err != nil || number < 0 {
		return Call{}, false
	}
	c.Number = number
	for i, word := range words[1:] {
		n, err := strconv.ParseUint(word, 0, 64)
		switch {
		case err != nil:
			return Call{}, false
		case i < len(c.Args):
			c.Args[i] = n
		case i == len(c.Args):
			c.SP = n
		default:
			c.PC = n
		}
	}
	return c, true
}

// transfers are the system calls whose first argument is the descriptor that they transfer data
// from or to, and whether they write.
var transfers = map[int]bool{
	unix.SYS_READ: false, unix.SYS_PREAD64: false, unix.SYS_READV: false, unix.SYS_PREADV: false,
	unix.SYS_PREADV2: false, unix.SYS_RECVFROM: false, unix.SYS_RECVMSG: false, unix.SYS_RECVMMSG: false,
	unix.SYS_ACCEPT: false, unix.SYS_ACCEPT4: false, unix.SYS_GETDENTS64: false,
	unix.SYS_WRITE: true, unix.SYS_PWRITE64: true, unix.SYS_WRITEV: true, unix.SYS_PWRITEV: true,
	unix.SYS_PWRITEV2: true, unix.SYS_SENDTO: true, unix.SYS_SENDMSG: true, unix.SYS_SENDMMSG: true,
	unix.SYS_SENDFILE: true, unix.SYS_CONNECT: true, unix.SYS_FSYNC: true, unix.SYS_FDATASYNC: true,
	unix.SYS_SYNC_FILE_RANGE: true, unix.SYS_FTRUNCATE: true, unix.SYS_FALLOCATE: true,
}

// Transfers says whether the call's first argument is a descriptor that it transfers data from or to,
// and whether it writes.
func (c *Call) Transfers() (write, ok bool) {
	write, ok = transfers[c.Number]
	return write, ok
}
