package kernel

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// TestTheKernelNumbersThreadsAsProcDoes asks for the threads of a Go program in a PID namespace of
// its own, which has other numbers there.
func TestTheKernelNumbersThreadsAsProcDoes(t *testing.T) {
	testenv.RequireBPF(t)
	cmd := exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), "-clients", "2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	proc, err := target.Open(testenv.Start(t, cmd).PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	n, err := OpenNumbers(proc.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for range 100 { // a thread may begin or end in between
		before, err1 := proc.Threads()
		tgid, tids, err2 := n.Read()
		after, err3 := proc.Threads()
		if err1 != nil || err2 != nil || err3 != nil || int(tgid) != proc.PID() {
			t.Fatalf("process %d is %d: %v, %v, %v", proc.PID(), tgid, err1, err2, err3)
		}
		if len(before) < 2 || len(before) != len(after) || before[len(before)-1] != after[len(after)-1] {
			time.Sleep(10 * time.Millisecond) // it may have only just been started
			continue
		}
		for _, thread := range before {
			if got := tids[int32(thread.NSTID)]; int(got) != thread.TID {
				t.Errorf("thread %d of its namespace is %d; want %d", thread.NSTID, got, thread.TID)
			}
		}
		if len(tids) != len(before) || before[0].NSTID != 1 {
			t.Errorf("threads %v; want those of %v, the first 1 there", tids, before)
		}
		return
	}
	t.Fatal("its threads do not come to rest")
}

func TestAProcessThatTheIteratorDoesNotFindIsGone(t *testing.T) {
	testenv.RequireBPF(t)
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	n, err := OpenNumbers(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if tgid, tids, err := n.Read(); err == nil || tgid != 0 || len(tids) > 0 {
		t.Errorf("process %d is %d with threads %v, %v; want an error", cmd.Process.Pid, tgid, tids, err)
	}
}

func TestOwnNumbersCanBeAskedFor(t *testing.T) {
	testenv.RequireBPF(t)
	root, err := target.InRootPIDNamespace()
	if err != nil {
		t.Fatal(err)
	}
	n, err := OpenNumbers(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if tgid, _, err := n.Read(); err != nil || root && int(tgid) != os.Getpid() {
		t.Errorf("this process is %d, %v; want %d", tgid, err, os.Getpid())
	}
}

func FuzzDecodeNumbers(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0})
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		tgid, tids, err := decodeNumbers(raw)
		if whole := len(raw)%numbersBytes == 0; whole != (err == nil) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
		if err != nil && (tgid != 0 || len(tids) > 0) || len(tids) > len(raw)/numbersBytes {
			t.Errorf("%d bytes: process %d with threads %v, %v", len(raw), tgid, tids, err)
		}
	})
}
