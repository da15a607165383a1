package referee

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	recorder "github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// TestCodeOfPluginsMovesForMove has a plugin do the work: opened before the recording begins, and
// during it.
func TestCodeOfPluginsMovesForMove(t *testing.T) {
	testenv.RequireBPF(t)
	for _, toolchain := range moduleToolchains(t) {
		t.Run(toolchain, func(t *testing.T) {
			host, plugin := testenv.BuildPlugin(t, toolchain)
			t.Run("opened before", func(t *testing.T) { comparePlugin(t, toolchain, host, plugin, false) })
			t.Run("opened during", func(t *testing.T) { comparePlugin(t, toolchain, host, plugin, true) })
		})
	}
}

func comparePlugin(t *testing.T, toolchain, host, plugin string, late bool) {
	theirs := filepath.Join(t.TempDir(), "go.trace")
	p := testenv.Start(t, exec.Command(host, plugin, "-trace", theirs))
	if !late {
		p.Tell(t, "open")
	}
	r := startRecording(t, p.PID())
	if late {
		p.Tell(t, "open")
		r.afterModule(t, plugin)
	}
	p.Tell(t, "done")
	meta := r.compare(t, toolchain, theirs)
	if m := meta.Processes[0].Modules; len(m) != 1 || m[0].Path != plugin || m[0].FoundNS != 0 != late {
		t.Errorf("the trace says that there are these modules: %+v", m)
	}
}

// TestLibraryInACProgramMovesForMove has threads of a C program call a Go library, which it was
// linked with or opens.
func TestLibraryInACProgramMovesForMove(t *testing.T) {
	testenv.RequireBPF(t)
	for _, toolchain := range moduleToolchains(t) {
		if !testenv.AtLeast(toolchain, "go1.22") {
			continue // its tracer does not hear of C threads that come and go
		}
		t.Run(toolchain, func(t *testing.T) {
			lib := testenv.BuildCLibrary(t, toolchain)
			t.Run("linked", func(t *testing.T) { compareLibrary(t, toolchain, lib.Library, lib.Linked) })
			t.Run("opened", func(t *testing.T) { compareLibrary(t, toolchain, lib.Library, lib.Opens, lib.Library) })
		})
	}
}

func compareLibrary(t *testing.T, toolchain, library, program string, args ...string) {
	theirs := filepath.Join(t.TempDir(), "go.trace")
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TRACE="+theirs)
	p := testenv.Start(t, cmd)
	p.Tell(t, "open")
	r := startRecording(t, p.PID())
	p.Tell(t, "done")
	meta := r.compare(t, toolchain, theirs)
	if m := meta.Processes[0].Modules; len(m) != 1 || m[0].Path != library || !m[0].Runtime {
		t.Errorf("the trace says that there are these modules: %+v", m)
	}
}

// moduleToolchains are the toolchains that plugins and libraries are built with.
func moduleToolchains(t *testing.T) []string {
	if os.Getenv("GOSCHED_FULL_MATRIX") == "1" {
		return testenv.Toolchains
	}
	return []string{testenv.Toolchain(t)}
}

// attached is a recording of running programs.
type attached struct {
	proc     *target.Process // the first
	path     string
	stop     context.CancelFunc
	progress chan struct{} // has an element soon after each time the recorder looked at everything
	ended    chan error
}

// startRecording begins to record processes and returns when the recording has begun.
func startRecording(t *testing.T, pids ...int) *attached {
	t.Helper()
	procs := make([]*target.Process, len(pids))
	for i, pid := range pids {
		proc, err := target.Open(pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { proc.Close() })
		procs[i] = proc
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := &attached{procs[0], filepath.Join(t.TempDir(), "ours.parquet"), cancel, make(chan struct{}),
		make(chan error, 1)}
	opts := recorder.Options{Output: r.path, Progress: func(recorder.Progress) {
		select {
		case r.progress <- struct{}{}:
		default:
		}
	}}
	go func() {
		_, err := recorder.Record(ctx, opts, procs...)
		r.ended <- err
	}()
	r.look(t)
	return r
}

// look waits until the recorder has looked at everything once more.
func (r *attached) look(t *testing.T) {
	t.Helper()
	for range 2 { // the first may be of a look that began earlier
		select {
		case <-r.progress:
		case err := <-r.ended:
			t.Fatalf("the recording ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatal("the recording does not go on")
		}
	}
}

// afterModule waits until the recorder watches a module.
func (r *attached) afterModule(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !r.probed(t, path); r.look(t) {
		if time.Now().After(deadline) {
			t.Fatalf("no probe was put into %s", path)
		}
	}
	r.look(t)
}

// probed says whether the process's code of a file differs from the file's, as a breakpoint makes
// it.
func (r *attached) probed(t *testing.T, path string) bool {
	t.Helper()
	maps, err := r.proc.Maps()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if m.Path != path || !m.Executable {
			continue
		}
		have := make([]byte, min(m.End-m.Start, uint64(len(file))-m.Offset))
		if _, err := r.proc.ReadAt(have, int64(m.Start)); err != nil {
			t.Fatal(err)
		}
		return string(have) != string(file[m.Offset:m.Offset+uint64(len(have))])
	}
	return false
}

// compare ends the recording of one process and compares it with the tracer's.
func (r *attached) compare(t *testing.T, toolchain, theirs string) *format.Metadata {
	t.Helper()
	r.end(t)
	return r.compareProcess(t, toolchain, theirs, 0)
}

// end ends the recording.
func (r *attached) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
}

// compareProcess compares what an ended recording has of its i-th process with the tracer's.
func (r *attached) compareProcess(t *testing.T, toolchain, theirs string, i int) *format.Metadata {
	t.Helper()
	trace, err := format.Open(r.path)
	if err != nil {
		t.Fatal(err)
	}
	meta := trace.Metadata()
	ours, err := ReadProcess(t.Context(), r.path, meta.Processes[i].PID)
	if err != nil {
		t.Fatal(err)
	}
	report := Compare(readGoTraceFile(t, theirs), ours, Options{WaitReasons: runtimeWaitReasons(t, toolchain)})
	cell := Cell{Program: testenv.Program{Toolchain: toolchain}}
	report.Gaps = nil // before the tracer was on, where a plugin was opened
	if wrong := cell.Complaints(report); len(wrong) > 0 {
		t.Errorf("%s\n%s", strings.Join(wrong, "\n"), report)
	}
	t.Logf("%d moves in both, %d missing, %d extra", report.Total.Matched, report.Total.Missing, report.Total.Extra)
	if meta.LostStacks > 0 {
		t.Errorf("%d stacks were lost", meta.LostStacks)
	}
	return &meta
}
