package record

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// startBusy starts a service that is busy until the test ends, one at the same addresses as any
// other.
func startBusy(t *testing.T, args ...string) *target.Process {
	t.Helper()
	p := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), args...))
	p.Ask(t, "") // it answers when it works
	proc, err := target.Open(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	return proc
}

// recordBriefly records a process, and checks that the trace is of that process only and that it
// knows every stack. steady says that the process has the same goroutines all the time.
func recordBriefly(t *testing.T, proc *target.Process, steady bool, opts Options) {
	t.Helper()
	opts.Output, opts.Duration, opts.Recorder = filepath.Join(t.TempDir(), "t.parquet"), 300*time.Millisecond, "test"
	before := goroutinesOf(t, proc)
	sum, err := Record(t.Context(), opts, proc)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Lost == 0 && sum.LostStacks != 0 {
		t.Errorf("%d stacks are not known, and none was lost", sum.LostStacks)
	}
	trace, err := format.Open(opts.Output)
	if err != nil {
		t.Fatal(err)
	}
	own := make(map[int32]bool)
	threads, err := proc.Threads()
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		own[int32(thread.TID)] = true
	}
	moves, there := 0, before
	maps.Copy(there, goroutinesOf(t, proc))
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if tid := b.TID[i]; tid != format.Unknown && !own[tid] {
				t.Fatalf("an event of thread %d, which is not the process's", tid)
			}
			if b.Kind[i] != format.KindGoroutine {
				continue
			}
			moves++
			if steady && !there[b.GoID[i]] {
				t.Fatalf("goroutine %d goes from %v to %v, and the process has none of that id", b.GoID[i], b.From[i],
					b.To[i])
			}
		}
	}
	if moves < 100 {
		t.Errorf("%d events of goroutines that are busy", moves)
	}
}

// goroutinesOf reads from a process's memory which goroutines it has.
func goroutinesOf(t *testing.T, proc *target.Process) map[format.GoID]bool {
	t.Helper()
	m, err := Goroutines(t.Context(), proc, "test")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[format.GoID]bool{}
	for _, id := range m.Events.GoID {
		ids[id] = true
	}
	return ids
}

// TestProgramsServeOneProcessAfterTheOther records processes that run one program, so that nearly
// all that the programs remember of the first would fit the second too.
func TestProgramsServeOneProcessAfterTheOther(t *testing.T) {
	testenv.RequireBPF(t)
	first, second := startBusy(t, "-clients=3", "-procs=2"), startBusy(t, "-procs=1")
	for _, fallbacks := range [][]string{nil, {fallback.PerfUprobes}, {fallback.LegacyPrograms}} {
		t.Run(fmt.Sprint(fallbacks), func(t *testing.T) {
			var programs Programs
			opts := Options{Programs: &programs, Fallbacks: fallbacks}
			recordBriefly(t, first, false, opts)
			recordBriefly(t, second, true, opts)
			if loads, _ := programs.Stats(); loads != 1 {
				t.Errorf("programs were loaded %d times for two processes of one program", loads)
			}
			recordBriefly(t, first, false, opts)
			if loads, _ := programs.Stats(); loads != 1 {
				t.Errorf("programs were loaded %d times for three recordings of one program", loads)
			}
			opts.StackDepth = 5
			recordBriefly(t, first, false, opts)
			if loads, idle := programs.Stats(); loads != 2 || idle != 2 {
				t.Errorf("programs were loaded %d times, the last for other stacks, and %d are kept", loads, idle)
			}
			err := programs.Close()
			if _, idle := programs.Stats(); err != nil || idle != 0 {
				t.Errorf("%d programs are left: %v", idle, err)
			}
		})
	}
}

func TestProgramsOfARecordingThatEndsAfterCloseAreNotKept(t *testing.T) {
	testenv.RequireBPF(t)
	proc := startBusy(t)
	var programs Programs
	opts := Options{Programs: &programs, Begun: func(time.Time) {
		if err := programs.Close(); err != nil {
			t.Error(err)
		}
	}}
	recordBriefly(t, proc, true, opts)
	if _, idle := programs.Stats(); idle != 0 {
		t.Errorf("%d programs are kept after Close", idle)
	}
}
