package record

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// wakes counts what the rows of woken threads say of the CPU, and what those say that follow them,
// by which the threads got one.
type wakes struct{ idleIdle, idleTaken, takenIdle, takenTaken, unknown int }

// TestWokenThreadsSayWhoHasTheCPU compares the two, as the machine is, which may be busy with
// something else, and while every CPU has something to do.
func TestWokenThreadsSayWhoHasTheCPU(t *testing.T) {
	testenv.RequireBPF(t)
	quiet := recordWakes(t)
	for range 2 * runtime.NumCPU() {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	for _, c := range []struct {
		name string
		busy bool
		wakes
	}{{"as the machine is", false, quiet}, {"every CPU busy", true, recordWakes(t)}} {
		t.Logf("%s: woken to an idle CPU, and had one: %d; had not: %d; to a busy one, and had an idle one: %d; "+
			"had not: %d; not known: %d", c.name, c.idleIdle, c.idleTaken, c.takenIdle, c.takenTaken, c.unknown)
		if idle := c.idleIdle + c.takenIdle; idle > 100 && c.idleIdle < idle*7/10 {
			t.Errorf("%s: %d of %d threads that got an idle CPU were to have one", c.name, c.idleIdle, idle)
		}
		// where a CPU is idle, the kernel may still put a thread behind its waker
		if taken := c.idleTaken + c.takenTaken; c.busy && taken > 100 && c.takenTaken < taken*7/10 {
			t.Errorf("%s: %d of %d threads that had to wait for a CPU were to wait", c.name, c.takenTaken, taken)
		}
		if known := c.idleIdle + c.idleTaken + c.takenIdle + c.takenTaken; c.unknown > known {
			t.Errorf("%s: of %d wakes, not more is known than of %d", c.name, c.unknown, known)
		}
	}
}

func recordWakes(t *testing.T) (n wakes) {
	t.Helper()
	running := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: "objects"})))
	proc, err := target.Open(running.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	path := filepath.Join(t.TempDir(), "t.parquet")
	if _, err := Record(t.Context(), Options{Output: path, Duration: time.Second, Recorder: "test"}, proc); err != nil {
		t.Fatal(err)
	}
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	idle, unknown := format.ReasonSwapper.String(), ""
	woken := map[int32]string{}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			if e.Kind != format.KindThread {
				continue
			}
			reason := trace.Reasons().Lookup(e.Reason)
			at, ok := woken[e.TID]
			delete(woken, e.TID)
			switch {
			case e.From == format.StateWaiting:
				woken[e.TID] = reason
			case !ok || e.To != format.StateRunning:
			case at == unknown:
				n.unknown++
			case at == idle && reason == idle:
				n.idleIdle++
			case at == idle:
				n.idleTaken++
			case reason == idle:
				n.takenIdle++
			default:
				n.takenTaken++
			}
		}
	}
	return n
}
