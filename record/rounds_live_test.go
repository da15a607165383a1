package record_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// startShares starts a program that keeps account of how its goroutines wait.
func startShares(tb testing.TB, p testenv.Program, args ...string) (*testenv.Running, *target.Process) {
	tb.Helper()
	p.Name = "shares"
	run := testenv.Start(tb, exec.Command(testenv.Build(tb, p), args...))
	run.Ask(tb, "") // it answers when it works
	proc, err := target.Open(run.PID())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { proc.Close() })
	return run, proc
}

// account is how long the program's goroutines have waited so far, by way.
func account(tb testing.TB, run *testenv.Running) map[string]int64 {
	tb.Helper()
	var sums map[string]int64
	if err := json.Unmarshal([]byte(run.Ask(tb, "account")), &sums); err != nil {
		tb.Fatal(err)
	}
	return sums
}

// roundsOf are the rows of the rounds of a recording, which must be a valid trace.
func roundsOf(tb testing.TB, sum *record.Summary) (found []sampleRow, rounds int) {
	tb.Helper()
	trace, err := format.Open(sum.Output)
	if err != nil {
		tb.Fatal(err)
	}
	if problems, err := format.Validate(tb.Context(), trace, 10); err != nil || len(problems) > 0 {
		tb.Errorf("not a valid trace: %v, %v", err, problems)
	}
	for b, err := range trace.Batches(tb.Context(), format.Selection{}) {
		if err != nil {
			tb.Fatal(err)
		}
		for i := range b.TimeNS {
			switch e := b.At(i); e.Kind {
			case format.KindRound:
				rounds++
			case format.KindSnapshot:
				found = append(found, sampleRow{e, trace.Stacks().Lookup(e.Stack), trace.Reasons().Lookup(e.Reason)})
			default:
				tb.Errorf("a row of kind %v", e.Kind)
			}
		}
	}
	return found, rounds
}

// wayOf is the way in which a worker waits; "": it is none, or ran.
func wayOf(r *sampleRow) string {
	// Before Go 1.23 only the last function is known of a goroutine in a system call.
	if r.To == format.StateSyscall && r.ByStack != format.NullString {
		return "call"
	}
	for _, way := range []string{"nap", "receive", "call", "pick"} {
		if strings.HasPrefix(r.stack, "main.work ") && strings.Contains(r.stack, ";main."+way+" ") {
			return way
		}
	}
	return ""
}

// sampleShares records a program without probes and compares the shares of its goroutines' time with
// its own account.
func sampleShares(t *testing.T, p testenv.Program, how record.Sampling, args ...string) *record.Summary {
	t.Helper()
	run, proc := startShares(t, p, args...)
	before := account(t, run)
	sum, err := record.Record(t.Context(), record.Options{
		Output: filepath.Join(t.TempDir(), "t.parquet"), Duration: 3 * time.Second, Recorder: "test", Sampling: how,
	}, proc)
	if err != nil {
		t.Fatal(err)
	}
	after := account(t, run)
	found, rounds := roundsOf(t, sum)
	counts := sum.Metadata.Processes[0].Rounds
	t.Logf("%d rounds: %+v", rounds, *counts)
	if int64(rounds) != counts.Made || int64(len(found)) != counts.Goroutines || rounds == 0 {
		t.Errorf("%d rounds of %d goroutines, and counted %d of %d", rounds, len(found), counts.Made, counts.Goroutines)
	}
	seen, all := map[string]float64{}, 0.0
	for i := range found {
		way, weight := wayOf(&found[i]), float64(max(1, found[i].Weight))
		if way != "" {
			seen[way] += weight
			all += weight
		}
	}
	total := int64(0)
	for way := range after {
		total += after[way] - before[way]
	}
	n := float64(counts.Goroutines) / 8 // neighbouring rounds find a goroutine in the same wait
	for way := range after {
		want := float64(after[way]-before[way]) / float64(total)
		got, allowed := seen[way]/all, 4.5*math.Sqrt(want*(1-want)/n)
		t.Logf("%s: %.1f%%, and %.1f%% in its account (±%.1f)", way, 100*got, 100*want, 100*allowed)
		if math.Abs(got-want) > allowed {
			t.Errorf("%s: %.1f%% of the goroutines found, %.1f%% of the time", way, 100*got, 100*want)
		}
	}
	return sum
}

// TestRoundsFindTheSharesOfTime samples a program that knows how its goroutines spend their time.
func TestRoundsFindTheSharesOfTime(t *testing.T) {
	sum := sampleShares(t, testenv.Program{}, record.Sampling{RatePerS: 200, MaxCPUs: record.AnyCPUs, Seed: 7})
	if m := sum.Metadata; m.Source != format.SourceMemory || m.GoroutineSampling.Seed != 7 {
		t.Errorf("the metadata says %s, %+v", m.Source, m.GoroutineSampling)
	}
}

// TestRoundsOfEveryKindOfProgram samples programs of all sorts of builds.
func TestRoundsOfEveryKindOfProgram(t *testing.T) {
	for name, p := range map[string]testenv.Program{
		"Go 1.18, stripped": {Toolchain: "go1.18.10", Mode: testenv.Stripped},
		"Go 1.22":           {Toolchain: "go1.22.12"},
		"Go 1.27, PIE":      {Toolchain: "go1.27.4", Mode: testenv.PIE},
		"cgo, PIE":          {Mode: testenv.CgoPIE},
	} {
		t.Run(name, func(t *testing.T) {
			if p.Toolchain != "" {
				testenv.NeedToolchain(t, p.Toolchain)
			}
			sampleShares(t, p, record.Sampling{RatePerS: 100, MaxCPUs: 0.1})
		})
	}
}

// TestARoundReadsSomeOfManyGoroutines bounds what rounds may take: they read some of the goroutines,
// whose weights add up to how many there are.
func TestARoundReadsSomeOfManyGoroutines(t *testing.T) {
	const idle = 20_000
	run, proc := startShares(t, testenv.Program{}, "-idle=20000")
	defer func() { _ = run.End() }()
	sum, err := record.Record(t.Context(), record.Options{
		Output: filepath.Join(t.TempDir(), "t.parquet"), Duration: 5 * time.Second, Recorder: "test",
		Sampling: record.Sampling{RatePerS: 20, MaxCPUs: 0.02},
	}, proc)
	if err != nil {
		t.Fatal(err)
	}
	found, rounds := roundsOf(t, sum)
	weights := 0.0
	for i := range found {
		weights += float64(found[i].Weight)
	}
	counts := sum.Metadata.Processes[0].Rounds
	t.Logf("%+v", *counts)
	if got := weights / float64(rounds); math.Abs(got-idle) > 0.02*idle {
		t.Errorf("%.0f goroutines by their weights, there are %d", got, idle)
	}
	if counts.Weighted == 0 {
		t.Error("every round read all goroutines")
	}
	if took := float64(counts.CPUNS) / 5e9; took > 0.03 {
		t.Errorf("the rounds took %.1f%% of a CPU, and were allowed 2%%", 100*took)
	}
}

// TestSamplingAttachesNothing looks at the recorder and at the process while it is sampled: no program
// is loaded, no probe is there, and nobody traces it.
func TestSamplingAttachesNothing(t *testing.T) {
	_, proc := startShares(t, testenv.Program{})
	before := attached(t, proc)
	during := []string{"never looked"}
	_, err := record.Record(t.Context(), record.Options{
		Output: filepath.Join(t.TempDir(), "t.parquet"), Duration: 500 * time.Millisecond, Recorder: "test",
		Sampling: record.Sampling{RatePerS: 50},
		Progress: func(record.Progress) { during = attached(t, proc) },
	}, proc)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, during) {
		t.Errorf("attached before: %q, and while it was sampled: %q", before, during)
	}
}

// attached is what this process has of the kernel's tracing, and who traces a process.
func attached(t *testing.T, proc *target.Process) (all []string) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, _ := os.Readlink("/proc/self/fd/" + fd.Name()) // the one that lists them is gone
		if strings.Contains(to, "bpf") || strings.Contains(to, "perf_event") {
			all = append(all, to)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", proc.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "TracerPid:") {
			all = append(all, line)
		}
	}
	return all
}

// TestASampledProcessMayEndOrReplaceItsProgram ends a recording early, and the trace says why.
func TestASampledProcessMayEndOrReplaceItsProgram(t *testing.T) {
	for name, c := range map[string]struct{ then, want string }{
		"ends":     {"", record.EndExited},
		"replaces": {"sleep 2", record.EndReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			run, proc := startShares(t, testenv.Program{}, "-then="+c.then)
			over := make(chan struct{})
			sum, err := record.Record(t.Context(), record.Options{
				Output: filepath.Join(t.TempDir(), "t.parquet"), Duration: 10 * time.Second, Recorder: "test",
				Sampling: record.Sampling{RatePerS: 50}, Begun: func(time.Time) {
					go func() {
						_ = run.End()
						close(over)
					}()
				},
			}, proc)
			<-over
			if err != nil || sum.EndReason != c.want {
				t.Errorf("ended because %q, %v; want %q", sum.EndReason, err, c.want)
			}
		})
	}
}
