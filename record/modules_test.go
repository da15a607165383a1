package record_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// openProcess opens a process that ends with the test.
func openProcess(t *testing.T, pid int) *target.Process {
	t.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	return proc
}

func TestGoroutinesOfALibraryInACProgram(t *testing.T) {
	testenv.RequireBPF(t)
	lib := testenv.BuildCLibrary(t, "")
	for _, args := range [][]string{{lib.Linked}, {lib.Opens, lib.Library}} {
		t.Run(filepath.Base(args[0]), func(t *testing.T) {
			p := testenv.Start(t, exec.Command(args[0], args[1:]...))
			p.Tell(t, "open")
			p.Tell(t, "done")
			m := goroutines(t, p.PID())
			modules := m.Meta.Processes[0].Modules
			if len(modules) != 1 || modules[0].Path != lib.Library || !modules[0].Runtime {
				t.Errorf("the Go code is in %+v", modules)
			}
			found := ""
			for i := range m.Events.Stack {
				found += m.Stacks().Lookup(m.Events.Stack[i]) + "\n"
			}
			for _, want := range []string{"runtime.forcegchelper ", "runtime.bgsweep "} {
				if !strings.Contains(found, want) {
					t.Errorf("there is no goroutine of %s among\n%s", want, found)
				}
			}
		})
	}
}

// TestAGoProgramWithAGoLibrary has two runtimes: its own is recorded.
func TestAGoProgramWithAGoLibrary(t *testing.T) {
	testenv.RequireBPF(t)
	lib := testenv.BuildCLibrary(t, "")
	cmd := exec.Command(testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.Cgo}), "-clients", "1")
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+lib.Library)
	pid := testenv.Start(t, cmd).PID()
	waitFor(t, "the library", func() bool { return mapped(t, pid, lib.Library) })
	out := filepath.Join(t.TempDir(), "t.parquet")
	ctx, cancel := context.WithCancel(t.Context())
	opts := record.Options{Output: out, Progress: func(record.Progress) { cancel() }}
	sum, err := record.Record(ctx, opts, openProcess(t, pid))
	if err != nil {
		t.Fatal(err)
	}
	if m := sum.Metadata.Processes[0].Modules; len(m) != 1 || m[0].Path != lib.Library || !m[0].Other {
		t.Errorf("the trace says that there are these modules: %+v", m)
	}
}

// mapped says whether a process has a file in memory.
func mapped(t *testing.T, pid int, path string) bool {
	t.Helper()
	maps, err := openProcess(t, pid).Maps()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if m.Path == path && m.Executable {
			return true
		}
	}
	return false
}

// TestAPluginThatCannotBeRead has a recorder without the right to open deleted files record a
// program whose plugin is deleted: the functions are unknown, and how often is said. With the right
// they are known.
func TestAPluginThatCannotBeRead(t *testing.T) {
	testenv.RequireBPF(t)
	for _, right := range []bool{false, true} {
		t.Run("may open deleted files "+strconv.FormatBool(right), func(t *testing.T) {
			host, plugin := testenv.BuildPlugin(t, "")
			p := testenv.Start(t, exec.Command(host, plugin))
			p.Tell(t, "open")
			if err := os.Remove(plugin); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "t.parquet")
			cmd := exec.Command(testenv.Gosched(t), "record", "-p", strconv.Itoa(p.PID()), "-o", out)
			cmd.Stderr = os.Stderr
			startWithout(t, cmd, right)
			waitFor(t, "the recording", func() bool { return segments(out) > 0 })
			p.Tell(t, "done")
			if err := errors.Join(cmd.Process.Signal(syscall.SIGINT), cmd.Wait()); err != nil {
				t.Fatal(err)
			}
			checkModule(t, out, plugin, right)
		})
	}
}

// segments is how many parts of a recording are written.
func segments(out string) int {
	files, _ := filepath.Glob(out + ".partial/*.parquet")
	return len(files)
}

// startWithout starts a command, as root who may do what recording takes and with that or without
// that more.
func startWithout(t *testing.T, cmd *exec.Cmd, more bool) {
	t.Helper()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		var err error
		for _, capability := range []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_CHECKPOINT_RESTORE} {
			if !more {
				err = errors.Join(err, unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0))
			}
		}
		started <- errors.Join(err, cmd.Start())
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
}

func checkModule(t *testing.T, out, plugin string, known bool) {
	t.Helper()
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	meta := trace.Metadata()
	modules := meta.Processes[0].Modules
	if len(modules) != 1 || modules[0].Path != plugin {
		t.Fatalf("the trace says that there are these modules: %+v", modules)
	}
	m, unknown := modules[0], 0
	for b, err := range trace.Batches(t.Context(), format.Selection{Columns: format.Columns(format.ColStack)}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Stack {
			if strings.Contains(trace.Stacks().Lookup(b.Stack[i]), "[plugin.so]") {
				unknown++
			}
		}
	}
	switch {
	case known && (m.Why != "" || m.Stacks != 0 || unknown != 0):
		t.Errorf("%d stacks have unknown functions of %+v", unknown, m)
	case !known && (!strings.Contains(m.Why, "it was deleted") || m.Stacks < int64(unknown) || unknown == 0):
		t.Errorf("%d stacks have unknown functions of %+v", unknown, m)
	}
	if meta.LostStacks > 0 {
		t.Errorf("%d stacks were lost", meta.LostStacks)
	}
}
