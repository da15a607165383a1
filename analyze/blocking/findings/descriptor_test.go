package findings_test

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

const (
	fullPipe = "main.work /m.go:1;main.log /m.go:5;os.(*File).Write /file.go:1;internal/poll.(*FD).Write /fd.go:2;" +
		"internal/poll.(*pollDesc).waitWrite /poll.go:3"
	emptySocket = "main.work /m.go:1;main.log /m.go:5;net.(*conn).Read /net.go:1;internal/poll.(*FD).Read /fd.go:2;" +
		"internal/poll.(*pollDesc).waitRead /poll.go:3"
)

// underLock has two goroutines hand a lock round, each of which waits for the poller with it for most
// of a millisecond, and says now and then for what.
func underLock(stack, descriptor string) func(*script) {
	return func(s *script) {
		for g := 1; g <= 4; g++ {
			s.start(0, g, "main.work")
			if g != 1 {
				s.park(1, g, "sync.Mutex.Lock", lockStack)
			}
		}
		for ms := range 398 {
			at, holder, next := 1000*ms+10, 1+ms%4, 1+(ms+1)%4
			s.park(at, holder, "IO wait", stack)
			if ms%10 == 0 && descriptor != "" {
				s.add(at+100, "descriptor g%d _->waiting pid=1 reason=%q object=5", holder, descriptor)
			}
			s.event(at+900, holder, "netpoll")
			s.run(at+900, holder)
			s.wake(at+920, next, holder)
			s.run(at+920, next)
			s.park(at+930, holder, "sync.Mutex.Lock", lockStack)
		}
	}
}

func TestTheVerdictSaysWhatIsWaitedForAtADescriptor(t *testing.T) {
	for _, c := range []struct{ name, stack, descriptor, want, not string }{
		{"a full pipe", fullPipe, "pipe:[7] write",
			"is blocked in a write to pipe:[7] in main.log (m.go:5)", "network"},
		{"a full pipe of which no look says anything", fullPipe, "", "is blocked in a write in main.log (m.go:5)",
			"network"},
		{"an answer from a socket", emptySocket, "socket 1.1.1.1:2->3.3.3.3:4 read",
			"waits for the network in main.log",
			"write"},
	} {
		made := traceCase{write: underLock(c.stack, c.descriptor)}
		trace, err := format.ParseText(strings.NewReader(made.text()))
		if err != nil {
			t.Fatal(err)
		}
		r := found(t, trace)
		if first := r.Verdict[0]; !strings.Contains(first, c.want) || strings.Contains(first, c.not) {
			t.Errorf("%s: the verdict is %q", c.name, first)
		}
	}
}
