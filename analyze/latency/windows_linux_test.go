package latency_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// TestWindowsOfARecordingHoldTheWhole cuts windows out of a recording of a real program, many times,
// and compares what they say with the whole.
func TestWindowsOfARecordingHoldTheWhole(t *testing.T) {
	if os.Getenv("GOSCHED_WINDOW_TRIALS") == "" {
		t.Skip("it takes a minute: GOSCHED_WINDOW_TRIALS=100 has it run")
	}
	testenv.RequireBPF(t)
	program, out := testenv.Build(t, testenv.Program{Name: "diagnose"}), filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(testenv.Gosched(t), "record", "-o", out, "--", program, "-case", "lock-convoy", "-repeat", "6")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	full := passtest.Memory(t, trace)
	passtest.WindowsOf(t, full, func(seed uint64) []simsched.Window { return periods(full, seed) }, holds)
}

// periods are windows of 50 ms, a fifth of a second apart on average.
func periods(trace *format.Memory, seed uint64) (out []simsched.Window) {
	rng := rand.New(rand.NewPCG(seed, 3))
	for t := trace.Meta.StartNS; t < trace.Meta.EndNS; {
		end := min(t+int64(50*time.Millisecond), trace.Meta.EndNS)
		out = append(out, simsched.Window{Begin: t, End: end})
		t = end + int64((0.5+rng.Float64())*float64(200*time.Millisecond))
	}
	return out
}
