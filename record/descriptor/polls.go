package descriptor

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gosched/gosched/record/target"
)

// polls are the runtime's pollDescs that are known. One that has been made stays one for good: the
// runtime uses it again and does not give it back (go1.18–1.27 src/runtime/netpoll.go, pollCache).
type polls struct {
	known   map[uint64]bool
	all     []poll // the same, in the order in which they were found
	pace    pace
	turn    turn
	tag     tag
	tagged  bool  // tag is known
	pollers []int // the epoll instances that lead to pollDescs; none: not found yet
	limited string

	room   []byte
	ranges []target.Range
	waits  []wait
}

// poll is a pollDesc.
type poll struct {
	addr   uint64
	reader uint64 // the goroutine that was told last to wait to read
	told   int64  // when
}

// readerAgainNS is how long a goroutine that waits to read is not told again that waits there still
// or once more: most have nothing to do, and those that write shall be found among them.
const readerAgainNS = 10e9

// wait is a goroutine that a pollDesc names.
type wait struct {
	poll  *poll
	g     uint64 // where the goroutine is
	fd    int
	write bool
	goid  int64
}

// States of pollDesc.rg and wg that are no goroutine (go1.18–1.27 src/runtime/netpoll.go).
const lastPollState = 2 // pdNil, pdReady, pdWait

// Values of g.atomicstatus (go1.18–1.27 src/runtime/runtime2.go).
const (
	gWaiting = 4
	gScan    = 0x1000
)

// lookAtPolls tells goroutines that wait for the poller.
func (l *Looker) lookAtPolls() error {
	if l.src.WaitReason < 0 || !l.src.Layout.Poll.InOrder() {
		return nil
	}
	if err := l.findPolls(); err != nil && !passing(err) {
		return err
	}
	now := l.src.Now()
	if err := l.readWaits(take(&l.polls.turn, l.polls.all, maxPolls), now); err != nil {
		return err
	}
	if err := l.readGoroutines(); err != nil {
		return err
	}
	now = l.src.Now()
	before := len(l.out)
	for _, w := range l.polls.waits {
		what, ok, err := l.describe(w.fd, w.write)
		if err != nil && !passing(err) {
			return err
		}
		if ok {
			l.out = append(l.out, Sighting{TimeNS: now, GoID: w.goid, FD: w.fd, What: what})
		} else {
			l.out = append(l.out, Sighting{})
		}
	}
	told := l.out[before:]
	still, err := l.stillWait()
	l.out = l.out[:before]
	for i, s := range told {
		if err == nil && still[i] && s.GoID != 0 {
			l.out = append(l.out, s)
			l.polls.waits[i].tell(now)
		}
	}
	return err
}

// findPolls asks the poller what it watches, when it is time to.
func (l *Looker) findPolls() error {
	p, began := &l.polls, l.src.Now()
	if !p.pace.due(began) {
		return nil
	}
	defer func() { p.pace.done(began, l.src.Now(), pollerShare) }()
	if n := l.src.Process.DescriptorTable(); n > maxPolled {
		p.limited = fmt.Sprintf("the process has room for %d descriptors: the list of those it polls is too long", n)
		return nil
	}
	if len(p.pollers) == 0 {
		p.pollers = l.src.Process.Pollers()
	}
	var runtimes []int
	for _, fd := range p.pollers {
		polled, err := l.src.Process.Polled(fd)
		if err != nil {
			return err
		}
		ours, err := l.addPolls(polled)
		if err != nil {
			return err
		}
		if ours {
			runtimes = append(runtimes, fd)
		}
	}
	p.pollers = runtimes
	return nil
}

// tags are how an address is in what the poller watches: behind so many bits of a counter, and
// without so many of its own that are 0 (up to go1.20 src/runtime/netpoll_epoll.go; go1.21–1.24,
// go1.25–1.27 src/runtime/tagptr_64bit.go).
var tags = []tag{{0, 0}, {19, 3}, {24, 9}}

type tag struct{ bits, zeros int }

// maxTagTries is how many polled descriptors are tried to find out how addresses are tagged. What is
// no address is read in vain, each by a system call of its own.
const maxTagTries = 32

// addPolls remembers the pollDescs that the data of polled descriptors lead to. It says whether there
// are any, also where all are known.
func (l *Looker) addPolls(polled []target.Polled) (ours bool, err error) {
	p := &l.polls
	if p.tagged {
		return l.addTagged(polled, p.tag)
	}
	for _, t := range tags {
		ours, err := l.addTagged(polled[:min(len(polled), maxTagTries)], t)
		if err != nil {
			return false, err
		}
		if ours {
			p.tag, p.tagged = t, true
			return l.addTagged(polled, t)
		}
	}
	return false, nil
}

// addTagged remembers those that are tagged so, and have the descriptor that leads to them.
func (l *Looker) addTagged(polled []target.Polled, t tag) (ours bool, err error) {
	var found []uint64
	var want []int
	for _, p := range polled {
		addr := uint64(int64(p.Data) >> t.bits << t.zeros)
		switch {
		case l.polls.known[addr]:
			ours = true
		case addr%8 == 0:
			found, want = append(found, addr), append(want, p.FD)
		}
	}
	ranges, err := l.readPolls(len(found), func(i int) uint64 { return found[i] })
	if err != nil {
		return false, err
	}
	for i, addr := range found {
		if ranges[i].OK && binary.LittleEndian.Uint64(ranges[i].Buf) == uint64(want[i]) {
			l.polls.add(addr)
			ours = true
		}
	}
	return ours, nil
}

func (p *polls) add(addr uint64) {
	if !p.known[addr] && len(p.all) < maxKnown {
		p.known[addr], p.all = true, append(p.all, poll{addr: addr})
	}
}

// read reads the same part of n structs.
func (l *Looker) read(n, offset, size int, addr func(int) uint64) ([]target.Range, error) {
	p := &l.polls
	p.room = slices.Grow(p.room[:0], n*size)[:n*size]
	p.ranges = p.ranges[:0]
	for i := range n {
		p.ranges = append(p.ranges, target.Range{Addr: addr(i) + uint64(offset), Buf: p.room[i*size : (i+1)*size]})
	}
	return p.ranges, l.src.Process.ReadMany(p.ranges)
}

// readPolls reads the fields of pollDescs from the descriptor on.
func (l *Looker) readPolls(n int, addr func(int) uint64) ([]target.Range, error) {
	f := &l.src.Layout.Poll
	return l.read(n, int(f.FD), int(max(f.RG, f.WG)-f.FD)+8, addr)
}

// waiter is the goroutine that a pollDesc names for a direction, 0 where it names none.
func (l *Looker) waiter(raw []byte, write bool) uint64 {
	at := l.src.Layout.Poll.RG
	if write {
		at = l.src.Layout.Poll.WG
	}
	g := binary.LittleEndian.Uint64(raw[at-l.src.Layout.Poll.FD:])
	if g <= lastPollState {
		return 0
	}
	return g
}

// readWaits finds the goroutines that pollDescs name. Those that write come first. Where there are
// too many, the next look goes on with the first that is left out; where those that write are too
// many, with the first of them, for else they would be the same each time.
func (l *Looker) readWaits(polls []poll, now int64) error {
	ranges, err := l.readPolls(len(polls), func(i int) uint64 { return polls[i].addr })
	if err != nil {
		return err
	}
	l.polls.waits = l.polls.waits[:0]
	done := len(polls)
	for _, write := range []bool{true, false} {
		if len(l.polls.waits) == maxWaits {
			break
		}
		for i := range ranges {
			g := uint64(0)
			if ranges[i].OK {
				g = l.waiter(ranges[i].Buf, write)
			}
			if g == 0 || !write && g == polls[i].reader && now-polls[i].told < readerAgainNS {
				continue
			}
			if len(l.polls.waits) == maxWaits {
				done = i
				break
			}
			fd := int(binary.LittleEndian.Uint64(ranges[i].Buf))
			l.polls.waits = append(l.polls.waits, wait{poll: &polls[i], g: g, fd: fd, write: write})
		}
	}
	l.polls.turn.next -= len(polls) - done
	return nil
}

// tell notes that the wait is told.
func (w *wait) tell(now int64) {
	if !w.write {
		w.poll.reader, w.poll.told = w.g, now
	}
}

// readGoroutines keeps those that wait for the poller.
func (l *Looker) readGoroutines() error {
	f, waits := &l.src.Layout.G, l.polls.waits
	from := min(f.AtomicStatus, f.GoID, f.WaitReason)
	size := max(f.AtomicStatus, f.GoID, f.WaitReason) - from + 8
	ranges, err := l.read(len(waits), int(from), int(size), func(i int) uint64 { return waits[i].g })
	if err != nil {
		return err
	}
	kept := waits[:0]
	for i := range ranges {
		raw, w := ranges[i].Buf, waits[i]
		w.goid = int64(binary.LittleEndian.Uint64(raw[f.GoID-from:]))
		status := binary.LittleEndian.Uint32(raw[f.AtomicStatus-from:]) &^ gScan
		if ranges[i].OK && w.goid > 0 && status == gWaiting && int(raw[f.WaitReason-from]) == l.src.WaitReason {
			kept = append(kept, w)
		}
	}
	l.polls.waits = kept
	return nil
}

// stillWait says of each wait whether the pollDesc still names the goroutine and the descriptor.
func (l *Looker) stillWait() ([]bool, error) {
	waits := l.polls.waits
	ranges, err := l.readPolls(len(waits), func(i int) uint64 { return waits[i].poll.addr })
	if err != nil {
		return nil, err
	}
	still := make([]bool, len(waits))
	for i, w := range waits {
		raw := ranges[i].Buf
		still[i] = ranges[i].OK && int(binary.LittleEndian.Uint64(raw)) == w.fd && l.waiter(raw, w.write) == w.g
	}
	return still, nil
}
