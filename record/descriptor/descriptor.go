// Package descriptor finds out on which file descriptors the goroutines of a process wait, and
// which those are: a file, a pipe, a socket with its peer, a terminal. It reads the process's memory
// and /proc from time to time, takes no probe and leaves nothing in the process.
//
// A goroutine in "IO wait" is found by the runtime's pollDesc, which has the descriptor and who
// waits to read and to write; the epoll instance says where those are. A goroutine in a system call
// is found by its thread, of which /proc says the call and its arguments. Either is looked at twice,
// and told only if it was the same both times: what a look tells was so at its time.
//
// # Cost
//
// A look costs at most maxPolls small reads of memory, maxWaits names of descriptors and maxTasks
// threads, however many there are: of more, the next looks have the next. Lists whose length is the
// machine's, of sockets and threads, are read at most 1/listShare of the time. That of what the
// poller watches, for whose time the process's own use of the poller waits, is read at most
// 1/pollerShare of the time, and not at all where it may be longer than maxPolled. BenchmarkLook
// says what that comes to with 10,000 idle connections: 2–3 ms of CPU time a look, ten times a second,
// on a small VM, which is 2–3% of a CPU while all of them are told for the first time. What it is
// after that has not been measured.
package descriptor

import (
	"errors"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

const (
	maxPolls   = 512       // pollDescs read in a look
	maxWaits   = 48        // goroutines told in a look, and as many in system calls
	maxTasks   = 64        // threads looked at in a look
	maxPolled  = 16 << 10  // descriptors a process may have for the poller's list to be read
	maxKnown   = 256 << 10 // pollDescs that are known at once
	maxSockets = 16 << 10  // sockets that are
	maxName    = 200       // bytes of a descriptor's name
)

// Process is the process that is looked at.
type Process interface {
	ReadMany([]target.Range) error
	Descriptor(fd int) (string, error)
	DescriptorTable() int
	Pollers() []int
	Polled(poller int) ([]target.Polled, error)
	Tasks() ([]int, error)
	Call(task int) (target.Call, bool, error)
	Sockets(map[uint64]bool) (map[uint64]target.Socket, error)
}

// Source is where a Looker looks.
type Source struct {
	Process Process
	Layout  *gobin.Layout
	// WaitReason is the number with which the runtime says that a goroutine waits for the poller.
	// Negative: it is not known, and no such goroutine is told.
	WaitReason int
	Now        func() int64 // the clock of Sighting.TimeNS, in nanoseconds
}

// Sighting is a goroutine that waited for a descriptor.
type Sighting struct {
	TimeNS int64
	GoID   int64 // 0: it was in a system call on the thread Task
	Task   int   // as the mounted /proc numbers it; 0: on none
	FD     int
	What   format.Descriptor
}

// Looker looks at one process. It is not safe for concurrent use.
type Looker struct {
	src     Source
	polls   polls
	calls   calls
	sockets sockets
	out     []Sighting
}

// New makes a Looker, which reads nothing yet.
func New(src Source) *Looker {
	l := &Looker{src: src}
	l.polls.known = map[uint64]bool{}
	l.sockets.known = map[uint64]format.Descriptor{}
	l.sockets.wanted = map[uint64]bool{}
	return l
}

// Look looks once. What it gives is valid until the next look. The error says what cannot be told
// of this process at all, each time; what is there beside it is told.
func (l *Looker) Look() ([]Sighting, error) {
	l.out = l.out[:0]
	err := errors.Join(l.lookAtPolls(), l.lookAtCalls())
	l.readSockets()
	return l.out, err
}

// Limited says what is not looked at because there is too much of it; empty: nothing.
func (l *Looker) Limited() string { return l.polls.limited }

// turn is where the next look goes on among things of which each look takes some.
type turn struct{ next int }

// take gives up to n things from where the last call ended.
func take[T any](t *turn, all []T, n int) []T {
	if t.next >= len(all) {
		t.next = 0
	}
	from := t.next
	t.next += min(n, len(all)-from)
	return all[from:t.next]
}

// How seldom lists are read whose length is the machine's, or the process's.
const (
	listShare   = 2000
	pollerShare = 2000
	listPauseNS = 250e6
)

// pace says when something dear may be done again, for it to take at most a share of the time.
type pace struct{ next int64 }

func (p *pace) due(now int64) bool { return now >= p.next }

func (p *pace) done(began, ended, share int64) {
	p.next = ended + max(listPauseNS, share*(ended-began))
}

// describe says what a descriptor is. It is false where that is not known yet: a socket whose
// addresses will be.
func (l *Looker) describe(fd int, write bool) (format.Descriptor, bool, error) {
	name, err := l.src.Process.Descriptor(fd)
	if err != nil {
		return format.Descriptor{}, false, err
	}
	d := describe(name)
	if d.Kind == format.DescriptorSocket {
		inode, ok := target.Inode(name, "socket")
		if !ok {
			return d, false, nil
		}
		if d, ok = l.sockets.find(inode); !ok {
			return d, false, nil
		}
	}
	d.Write = write
	return d, true, nil
}

// passing are the errors of what goes on meanwhile: a descriptor that was closed, a thread or a
// process that has ended.
func passing(err error) bool { return errors.Is(err, target.ErrNoProcess) }
