package stack

import "testing"

// at makes a stack of functions, root first.
func at(functions ...string) (text string) {
	for i, f := range functions {
		if i > 0 {
			text += ";"
		}
		text += f + " /src/x.go:1"
	}
	return text
}

func TestTheLeafOfAStackTellsWhatItDoesToADescriptor(t *testing.T) {
	wait := []string{"internal/poll.(*pollDesc).wait", "internal/poll.runtime_pollWait", "runtime.gopark"}
	waiting := func(functions ...string) string { return at(append(functions, wait...)...) }
	for _, c := range []struct {
		name, stack string
		want        Transfer
	}{
		{"a write to a full pipe", waiting("main.log", "fmt.Fprintln", "os.(*File).Write", "os.(*File).write",
			"internal/poll.(*FD).Write", "internal/poll.(*pollDesc).waitWrite"),
			Transfer{Direction: DirectionWrite, File: true}},
		{"waitWrite is not in the stack", waiting("main.log", "os.(*File).Write", "internal/poll.(*FD).Write"),
			Transfer{Direction: DirectionWrite, File: true}},
		{"a read from a socket", waiting("main.serve", "net.(*conn).Read", "net.(*netFD).Read",
			"internal/poll.(*FD).Read",
			"internal/poll.(*pollDesc).waitRead"), Transfer{Direction: DirectionRead, Network: true}},
		{"a buffer between", waiting("main.serve", "bufio.(*Writer).Flush", "net.(*conn).Write",
			"internal/poll.(*FD).Write",
			"internal/poll.(*pollDesc).waitWrite"), Transfer{Direction: DirectionWrite, Network: true}},
		{"accept", waiting("net.(*netFD).accept", "internal/poll.(*FD).Accept", "internal/poll.(*pollDesc).waitRead"),
			Transfer{Direction: DirectionRead, Connects: true, Network: true}},
		{"dial", waiting("net.(*netFD).connect", "internal/poll.(*FD).WaitWrite",
			"internal/poll.(*pollDesc).waitWrite"),
			Transfer{Direction: DirectionWrite, Connects: true, Network: true}},
		{"writev", waiting("net.(*netFD).writeBuffers", "internal/poll.(*FD).Writev",
			"internal/poll.(*pollDesc).waitWrite"),
			Transfer{Direction: DirectionWrite, Network: true}},
		{"splice waits to write", waiting("net.(*netFD).readFrom", "internal/poll.Splice",
			"internal/poll.spliceDrain", "internal/poll.(*pollDesc).waitWrite"),
			Transfer{Direction: DirectionWrite, Network: true}},
		{"another writes at the time", at("main.log", "os.(*File).Write", "internal/poll.(*FD).Write",
			"internal/poll.(*FD).writeLock", "internal/poll.(*fdMutex).rwlock", "internal/poll.runtime_Semacquire",
			"runtime.gopark"), Transfer{Direction: DirectionWrite, Queued: true, File: true}},
		{"a system call", at("main.save", "os.(*File).Sync", "internal/poll.(*FD).Fsync",
			"internal/poll.(*FD).Fsync.func1",
			"internal/poll.ignoringEINTR", "syscall.Fsync", "syscall.Syscall", "runtime.entersyscall"),
			Transfer{Direction: DirectionWrite, File: true}},
		{"a system call of the program's own", at("main.save", "golang.org/x/sys/unix.Pwrite",
			"golang.org/x/sys/unix.pwrite"),
			Transfer{Direction: DirectionWrite}},
		{"no transfer", at("main.f", "os.Readlink", "syscall.Readlink", "syscall.readlink"), Transfer{}},
		{"a process that is waited for", at("main.f", "os.(*Process).Wait", "os.(*Process).blockUntilWaitable",
			"internal/syscall/unix.Waitid"), Transfer{}},
		{"a lock inside of a callback of the descriptor's", at("os.(*rawConn).Read", "internal/poll.(*FD).RawRead",
			"main.read.func1", "sync.(*Mutex).Lock", "runtime.gopark"), Transfer{}},
		{"a channel", at("main.f", "runtime.chanrecv1", "runtime.gopark"), Transfer{}},
		{"nothing", "", Transfer{}},
	} {
		if got := TransferOf(c.stack); got != c.want {
			t.Errorf("%s: TransferOf = %+v; want %+v", c.name, got, c.want)
		}
	}
}

func TestDirectionsHaveNames(t *testing.T) {
	names := map[Direction]string{DirectionNone: "", DirectionRead: "read", DirectionWrite: "write", 9: ""}
	for d, want := range names {
		if d.String() != want {
			t.Errorf("%d is %q; want %q", d, d, want)
		}
	}
}

func FuzzTransferOf(f *testing.F) {
	f.Add("a.b c:1;internal/poll.(*FD).Write d:2")
	f.Add("internal/poll.")
	f.Fuzz(func(_ *testing.T, text string) { TransferOf(text) })
}
