package findings_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

// allCases are the traces of all rules.
func allCases() []traceCase { return slices.Concat(cases, waitingCases, transferCases) }

const (
	fullSocket = "main.send /m.go:5;net.(*conn).Write /net.go:1;internal/poll.(*FD).Write /fd.go:2;" +
		"internal/poll.(*pollDesc).waitWrite /poll.go:3"
	writeCall = "main.send /m.go:5;os.(*File).Write /file.go:1;internal/poll.(*FD).Write /fd.go:2;" +
		"syscall.write /z.go:3"
	fsyncCall = "main.save /m.go:5;os.(*File).Sync /file.go:1;internal/poll.(*FD).Fsync /fd.go:2;" +
		"syscall.Fsync /z.go:3"
	readCall = "main.collect /m.go:9;net.(*conn).Read /net.go:1;internal/poll.(*FD).Read /fd.go:2;" +
		"syscall.read /z.go:3"
	waitToRead = "main.collect /m.go:9;net.(*conn).Read /net.go:1;internal/poll.(*FD).Read /fd.go:2;" +
		"internal/poll.(*pollDesc).waitRead /poll.go:3"
)

// far reads the other end of what a goroutine writes to.
type far struct {
	before int  // microseconds from a read to the end of the write
	waits  bool // for data, before it reads
	seen   string
}

// writing has a goroutine blocked in a write for so much of each millisecond, to what it was seen to
// write to, and one that reads and sleeps if there is one.
func writing(blocked int, descriptor string, r *far) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.work")
		s.start(0, 2, "main.collect")
		s.park(1, 2, "sleep", "main.collect /m.go:9;time.Sleep /t.go:1")
		for at := 1000; at < 398000; at += 1000 {
			s.park(at, 1, "IO wait", fullSocket)
			if descriptor != "" && at%20000 == 0 {
				s.add(at+20, "descriptor g1 _->waiting pid=1 reason=%q object=5", descriptor)
			}
			s.event(at+blocked, 1, "netpoll")
			s.run(at+blocked, 1)
			if r != nil {
				r.reads(s, at+blocked-r.before)
			}
		}
	}
}

func (r *far) reads(s *script, at int) {
	s.event(at-5, 2, "timer")
	s.run(at-5, 2)
	if r.waits {
		s.add(at-5, "g2 running->syscall pid=1 tid=102 reason=read stack=%q", readCall)
		s.add(at-4, "g2 syscall->running pid=1 tid=102")
		s.park(at-4, 2, "IO wait", waitToRead)
		s.event(at-1, 2, "netpoll")
		s.run(at-1, 2)
	}
	s.add(at, "g2 running->syscall pid=1 tid=102 reason=read stack=%q", readCall)
	if r.seen != "" {
		s.add(at, "descriptor g2 _->syscall pid=1 tid=102 reason=%q object=6", r.seen)
	}
	s.add(at+2, "g2 syscall->running pid=1 tid=102")
	s.park(at+3, 2, "sleep", "main.collect /m.go:9;time.Sleep /t.go:1")
}

// besideReads has another goroutine read again and again meanwhile, something else.
func besideReads(write func(*script)) func(*script) {
	return func(s *script) {
		write(s)
		s.start(0, 3, "main.collect")
		for at := 1000; at < 398000; at += 150 {
			s.add(at, "g3 running->syscall pid=1 tid=103 reason=read stack=%q", readCall)
			s.add(at+2, "g3 syscall->running pid=1 tid=103")
		}
	}
}

// slowCalls are system calls of so many microseconds, one in four milliseconds.
func slowCalls(us int, name, stack string) func(*script) {
	return func(s *script) {
		s.start(0, 1, "main.work")
		for at := 1000; at < 390000; at += 4000 {
			s.add(at, "g1 running->syscall pid=1 tid=101 reason=%s stack=%q", name, stack)
			s.add(at+us, "g1 syscall->running pid=1 tid=101")
		}
	}
}

// handed has goroutines hand what they have to one that is blocked in writes.
func handed(s *script) {
	s.start(0, 9, "main.send")
	for g := 1; g <= 4; g++ {
		s.start(0, g, "main.produce")
		s.park(1, g, "chan send", "main.produce /m.go:4")
	}
	for ms := 1; ms < 399; ms++ {
		g := 1 + ms%4
		s.wake(1000*ms, g, 9)
		s.run(1000*ms, g)
		s.park(1000*ms+10, g, "chan send", "main.produce /m.go:4")
		s.park(1000*ms+20, 9, "IO wait", fullSocket)
		s.event(1000*ms+980, 9, "netpoll")
		s.run(1000*ms+980, 9)
	}
}

const (
	nearEnd = "socket 127.0.0.1:1->127.0.0.1:2 write"
	farEnd  = "socket 127.0.0.1:2->127.0.0.1:1 read"
)

var transferCases = []traceCase{
	{"a connection that does not take what is written", "write", "", writing(900, nearEnd, nil), "blocked-write"},
	{"writes that hardly wait", "", "", writing(50, nearEnd, nil), ""},
	{"a connection that is read slowly in the process", "reader", "", writing(900, nearEnd, &far{before: 50}),
		"slow-reader"},
	{"reads at times at which no write ends", "", "", writing(900, nearEnd, &far{before: 500}), "blocked-write"},
	{"reads that wait for data", "", "", writing(900, nearEnd, &far{before: 50, waits: true}), "blocked-write"},
	{"reads all the time", "", "", besideReads(writing(900, nearEnd, nil)), "blocked-write"},
	{"a connection to elsewhere, and reads at the right times", "", "",
		writing(900, "socket 10.0.0.1:1->10.0.0.2:2 write", &far{before: 50}), "blocked-write"},
	{"a reader that was seen at the other end", "", "", writing(900, nearEnd, &far{before: 500, seen: farEnd}),
		"slow-reader"},
	{"system calls of 2 ms that write", "", "", slowCalls(2000, "write", writeCall), "blocked-write"},
	{"system calls of 0.5 ms that write", "", "", slowCalls(500, "write", writeCall), ""},
	{"system calls of 2 ms that wait for the disk", "", "", slowCalls(2000, "fsync", fsyncCall), ""},
	{"four senders and a receiver that is blocked in writes", "", "", handed, "blocked-write queued-behind"},
	{"a lock that is held while its holder is blocked in writes", "", "", underLock(fullPipe, "pipe:[7] write"),
		"serial-section blocked-write"},
}

func TestTheVerdictNamesTheReader(t *testing.T) {
	for name, want := range map[string]string{
		"a connection that is read slowly in the process": "main.send (m.go:5) is blocked in writes to socket " +
			"127.0.0.1:1->127.0.0.1:2 (397×, 900 µs each): its reader main.collect (m.go:9) sleeps for ",
		"a connection that does not take what is written": "main.send (m.go:5) is blocked in writes to socket " +
			"127.0.0.1:1->127.0.0.1:2 (397×, 900 µs each) → ",
		"system calls of 2 ms that write": "is blocked in writes to a pipe, a terminal or a file (98×, " +
			"2.00 ms each) → ",
		"four senders and a receiver that is blocked in writes": "% of it main.produce (m.go:4) waiting for who writes",
	} {
		all := allCases()
		i := slices.IndexFunc(all, func(c traceCase) bool { return c.name == name })
		trace, err := format.ParseText(strings.NewReader(all[i].text()))
		if err != nil {
			t.Fatal(err)
		}
		if r := found(t, trace); !strings.Contains(r.Verdict[0], want) {
			t.Errorf("%s: the verdict is %q", name, r.Verdict)
		}
	}
}
