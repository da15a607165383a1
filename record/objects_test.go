package record

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// TestWhatIsWaitedFor records goroutines that wait for two channels, two conditions and more mutexes
// than the runtime has lists of waiters, those of a sort at one place, and tells these apart: each
// goroutine waits for one, and two goroutines for each.
func TestWhatIsWaitedFor(t *testing.T) {
	testenv.RequireBPF(t)
	for _, c := range []struct {
		name      string
		program   testenv.Program
		fallbacks []string
	}{
		{"the oldest Go, stripped", testenv.Program{Toolchain: "go1.18.10", Mode: testenv.Stripped}, nil},
		{"a Go whose table has no offset, stripped", testenv.Program{Toolchain: "go1.24.13", Mode: testenv.Stripped},
			nil},
		{"the newest Go", testenv.Program{Toolchain: "go1.27.4"}, nil},
		{"this Go, programs for older kernels", testenv.Program{}, []string{fallback.LegacyPrograms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.program.Name = "objects"
			trace := recordObjects(t, c.program, c.fallbacks)
			checkObjects(t, trace, "main.receive", 2)
			checkObjects(t, trace, "main.await", 2)
			checkObjects(t, trace, "main.lock", locks)
		})
	}
}

const locks = 300

func recordObjects(t *testing.T, p testenv.Program, fallbacks []string) format.Trace {
	t.Helper()
	running := testenv.Start(t, exec.Command(testenv.Build(t, p), "-locks", strconv.Itoa(locks)))
	proc, err := target.Open(running.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	path := filepath.Join(t.TempDir(), "t.parquet")
	if _, err := Record(t.Context(), Options{Output: path, Duration: 500 * time.Millisecond, Recorder: "test",
		Fallbacks: fallbacks}, proc); err != nil {
		t.Fatal(err)
	}
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// checkObjects checks what goroutines wait for in a function: each for one of so many things, and two
// for each. A few may not have waited while they were watched.
func checkObjects(t *testing.T, trace format.Trace, function string, things int) {
	t.Helper()
	of := map[format.GoID]int64{}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			if e.Kind != format.KindGoroutine || e.To != format.StateWaiting ||
				!strings.Contains(trace.Stacks().Lookup(e.Stack), function+" ") ||
				trace.Reasons().Lookup(e.Reason) == "sleep" {
				continue
			}
			if have, ok := of[e.GoID]; e.Object == 0 || ok && have != e.Object {
				t.Fatalf("%s: goroutine %d waits for %d, before for %d", function, e.GoID, e.Object, have)
			}
			of[e.GoID] = e.Object
		}
	}
	waiting := map[int64]int{}
	for _, object := range of {
		waiting[object]++
	}
	if len(of) < 2*things*8/10 {
		t.Errorf("%s: only %d goroutines waited for %d things", function, len(of), things)
	}
	for object, goroutines := range waiting {
		if goroutines > 2 {
			t.Errorf("%s: %d goroutines wait for %d", function, goroutines, object)
		}
	}
	if len(waiting) > things {
		t.Errorf("%s: %d goroutines wait for %d things", function, len(of), len(waiting))
	}
}
