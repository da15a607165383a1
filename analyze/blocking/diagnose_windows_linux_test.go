package blocking_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// TestWindowsBlameNothingElse cuts windows out of recordings of programs with one known cause: what the
// first sentence blames is that, or it says that little is known. It is not another cause. Every
// eighth case is enough to see that nothing is badly wrong; GOSCHED_WINDOW_TRIALS has all tried.
func TestWindowsBlameNothingElse(t *testing.T) {
	if os.Getenv("GOSCHED_REQUIRE_BPF") != "1" {
		t.Skip("it takes a minute: GOSCHED_REQUIRE_BPF=1 has it run")
	}
	testenv.RequireBPF(t)
	program := testenv.Build(t, testenv.Program{Name: "diagnose"})
	step := 8
	if os.Getenv("GOSCHED_WINDOW_TRIALS") != "" {
		step = 1
	}
	var same, little, other, tried int
	for i := 0; i < len(diagnoses); i += step {
		d := &diagnoses[i]
		t.Run(d.name, func(t *testing.T) {
			trace, err := format.Open((&subject{program, d.name, d.env, d.quotaUS, d.rule, true}).recorded(t,
				conditions[0]))
			if err != nil {
				t.Fatal(err)
			}
			full := passtest.Memory(t, trace)
			if why := d.wrong(conditions[0], verdictOf(t, full)); why != "" {
				t.Skipf("whole it is not told either: %s", why)
			}
			for seed := range uint64(6) {
				a := verdictOf(t, simsched.Cut(full, windowsOf(full, seed), seed%2 == 0))
				tried++
				switch {
				case d.wrong(conditions[0], a) == "":
					same++
				case len(a.Verdict) == 0 || !told.MatchString(a.Verdict[0]) ||
					a.rule(a.Verdict[0]) == "cpu-contention": // by what runs beside the test
					little++
				default:
					other++
					t.Logf("windows of seed %d: %s", seed, a.Verdict[0])
				}
			}
		})
	}
	t.Logf("of %d, %d name the cause, %d say little, %d another", tried, same, little, other)
	if other > tried/20 {
		t.Errorf("%d of %d verdicts blame something else in windows", other, tried)
	}
}

// windowsOf are windows of a third of a recording.
func windowsOf(trace *format.Memory, seed uint64) (out []simsched.Window) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for t := trace.Meta.StartNS; t < trace.Meta.EndNS; {
		end := min(t+int64(60*time.Millisecond), trace.Meta.EndNS)
		out = append(out, simsched.Window{Begin: t, End: end})
		t = end + int64((60+120*rng.Float64())*float64(time.Millisecond))
	}
	return out
}

// verdictOf is what gosched blocking says of a trace.
func verdictOf(t *testing.T, trace *format.Memory) *reply {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := format.NewWriter(file, format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for id := 1; id < trace.Reasons().Len(); id++ {
		w.Reasons().Intern(trace.Reasons().Lookup(format.StringID(id)))
	}
	for id := 1; id < trace.Stacks().Len(); id++ {
		w.Stacks().Intern(trace.Stacks().Lookup(format.StringID(id)))
	}
	for _, step := range []func() error{
		func() error { return w.Write(&trace.Events) }, func() error { return w.Close(trace.Meta) }, file.Close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return answerOf(t, path)
}
