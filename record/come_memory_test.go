package record_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/choose"
)

// TestProgramsThatHaveNoFileAreRecorded picks a program whose file was removed, and one that was
// never more than memory: a static one and one that is position independent.
func TestProgramsThatHaveNoFileAreRecorded(t *testing.T) {
	testenv.RequireBPF(t)
	removed := copyOf(t, testenv.Build(t, testenv.Program{Name: "service"}), "removed-program")
	gone := testenv.Start(t, exec.Command(removed, "-procs=1"))
	gone.Ask(t, "")
	if err := os.Remove(removed); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.PIE}))
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("program-in-memory", 0)
	if err != nil {
		testenv.Lacking(t, err.Error())
	}
	file := os.NewFile(uintptr(fd), "memory")
	if _, err := file.Write(raw); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/fd/3", "-procs=1")
	cmd.ExtraFiles = []*os.File{file}
	inMemory := testenv.Start(t, cmd)
	inMemory.Ask(t, "")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err := record.Record(t.Context(), record.Options{
		Output: filepath.Join(t.TempDir(), "t.parquet"), Duration: 500 * time.Millisecond, Recorder: "test",
		Choose: &choose.Rules{Exes: []string{"removed-program", "/memfd:program-in-memory"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	events := map[int]int64{}
	for i, pid := range sum.PIDs {
		events[pid] = sum.OfProcess[i].Goroutine
	}
	if len(events) != 2 || events[gone.PID()] < 1000 || events[inMemory.PID()] < 1000 {
		t.Errorf("moves of %d and %d: %v; not recorded: %+v", gone.PID(), inMemory.PID(), events, sum.Missed)
	}
}
