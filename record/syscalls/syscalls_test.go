package syscalls

import "testing"

func TestName(t *testing.T) {
	for function, want := range map[string]string{
		"syscall.write": "write", "syscall.Fsync": "fsync", "internal/poll.writev": "writev",
		"internal/poll.(*FD).Read":        "",
		"golang.org/x/sys/unix.EpollWait": "epollwait", "syscall.(*Proc).Call": "", "main.write": "",
	} {
		if got := Name(function); got != want {
			t.Errorf("Name(%q) = %q; want %q", function, got, want)
		}
	}
}

func TestGeneral(t *testing.T) {
	for function, want := range map[string]bool{
		"syscall.Syscall": true, "syscall.RawSyscall6": true, "syscall.rawVforkSyscall": false, "syscall.read": false,
		"main.Syscall": false,
	} {
		if got := General(function); got != want {
			t.Errorf("General(%q) = %v; want %v", function, got, want)
		}
	}
}
