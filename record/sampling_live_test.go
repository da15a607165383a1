package record_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// worker is a goroutine of testdata/progs/oncpu, which has a thread for itself.
type worker struct {
	goid format.GoID
	tid  int32
	cpu  int64 // ns while it was recorded
}

// threadTime is what a thread has had of the CPUs, in ns.
func threadTime(tb testing.TB, pid int, tid int32) (ns int64) {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid))
	if err == nil {
		_, err = fmt.Sscan(string(text), &ns)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return ns
}

// startOnCPU starts the program and says who its workers are.
func startOnCPU(tb testing.TB, out string) (*testenv.Running, map[string]*worker) {
	tb.Helper()
	p := testenv.Start(tb, exec.Command(testenv.Build(tb, testenv.Program{Name: "oncpu"}), "-profile", out))
	tb.Cleanup(func() { p.End() })
	workers := map[string]*worker{}
	for line := p.Line(tb); line != ""; line = p.Line(tb) {
		var name string
		w := new(worker)
		if _, err := fmt.Sscan(line, &name, &w.goid, &w.tid); err != nil {
			tb.Fatalf("%q: %v", line, err)
		}
		workers[name] = w
	}
	return p, workers
}

// sampleRow is a row of a trace.
type sampleRow struct {
	format.Event
	stack, where string
}

// recordSamples records the program and gives the samples, and the period.
func recordSamples(t *testing.T, p *testenv.Running, workers map[string]*worker, opts record.Options) ([]sampleRow,
	format.Metadata) {
	t.Helper()
	proc, err := target.Open(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	opts.Output, opts.Recorder = filepath.Join(t.TempDir(), "t.parquet"), "test"
	opts.Begun = func(time.Time) {
		for _, w := range workers {
			w.cpu = -threadTime(t, p.PID(), w.tid)
		}
	}
	opts.Written = func(*record.Summary) {
		for _, w := range workers {
			w.cpu += threadTime(t, p.PID(), w.tid)
		}
	}
	sum, err := record.Record(t.Context(), opts, proc)
	if err != nil {
		t.Fatal(err)
	}
	trace, err := format.Open(opts.Output)
	if err != nil {
		t.Fatal(err)
	}
	var rows []sampleRow
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if e := b.At(i); e.Kind == format.KindSample {
				rows = append(rows, sampleRow{e, trace.Stacks().Lookup(e.Stack), trace.Reasons().Lookup(e.Reason)})
			}
		}
	}
	return rows, sum.Metadata
}

// share is a part of n things.
type share struct {
	p float64
	n int
}

func shareOf(rows []sampleRow, is func(*sampleRow) bool) share {
	k := 0
	for i := range rows {
		if is(&rows[i]) {
			k++
		}
	}
	return share{float64(k) / float64(max(len(rows), 1)), len(rows)}
}

// sigma is the standard error of the share, as it is for the binomial distribution.
func (s share) sigma() float64 { return math.Sqrt(s.p * (1 - s.p) / float64(max(s.n, 1))) }

// checkShares fails where two shares differ by more than their errors allow.
func checkShares(t *testing.T, what string, got, want share) {
	t.Helper()
	allowed := 4.5 * math.Hypot(got.sigma(), want.sigma())
	t.Logf("%s: %.1f%% of %d, and %.1f%% of %d (±%.1f)", what, 100*got.p, got.n, 100*want.p, want.n, 100*allowed)
	if math.Abs(got.p-want.p) > allowed+0.01 {
		t.Errorf("%s: %.1f%% of the samples, %.1f%% are right", what, 100*got.p, 100*want.p)
	}
}

func has(function string) func(*sampleRow) bool {
	return func(r *sampleRow) bool { return strings.Contains(";"+r.stack, ";"+function+" ") }
}

func in(where format.Reason) func(*sampleRow) bool {
	return func(r *sampleRow) bool { return r.where == where.String() }
}

// TestSamplesAgreeWithACPUProfile samples a program while it profiles itself, by the timers of its
// threads: both must say the same of it, and the samples must add up to the CPU time.
func TestSamplesAgreeWithACPUProfile(t *testing.T) {
	testenv.RequireBPF(t)
	out := filepath.Join(t.TempDir(), "cpu.pprof")
	p, workers := startOnCPU(t, out)
	if got := p.Ask(t, "begin"); got != "ok" {
		t.Fatal(got)
	}
	rows, meta := recordSamples(t, p, workers, record.Options{Duration: 4 * time.Second, SamplesPerSecond: 997})
	if got := p.Ask(t, "end"); got != "ok" {
		t.Fatal(got)
	}
	profiled := readProfile(t, out)
	if meta.SamplesPerSecond != 997 || meta.SamplePeriodNS != 1003009 {
		t.Errorf("a rate of %v and a period of %d ns", meta.SamplesPerSecond, meta.SamplePeriodNS)
	}
	of := map[string][]sampleRow{}
	for name, w := range workers {
		for _, r := range rows {
			if r.TID == w.tid {
				of[name] = append(of[name], r)
			}
		}
		checkCPUTime(t, name, len(of[name]), meta.SamplePeriodNS, w.cpu)
		mine := shareOf(of[name], func(r *sampleRow) bool { return r.GoID == w.goid })
		if mine.p < 0.98 {
			t.Errorf("%s: %.1f%% of its thread's samples are of its goroutine", name, 100*mine.p)
		}
	}
	for function, known := range map[string]float64{"main.heavy": 0.6, "main.middle": 0.3, "main.light": 0.1} {
		got := shareOf(of["split"], has(function))
		checkShares(t, function, got, share{known, 1 << 30})
		checkShares(t, function+", profiled", got, profiled.share(function, "main.split"))
	}
	checkShares(t, "system calls", shareOf(of["calls"], has("syscall.pread")),
		profiled.share("syscall.pread", "main.calls"))
	checkShares(t, "allocation", shareOf(of["allocates"], has("runtime.mallocgc")),
		profiled.share("runtime.mallocgc", "main.allocates"))
	if in := shareOf(of["calls"], in(format.ReasonInKernel)); in.p < 0.5 {
		t.Errorf("%.1f%% of who only makes system calls is in the kernel", 100*in.p)
	}
	if seen := shareOf(of["allocates"], has("main.allocates")); seen.p < 0.95 {
		t.Errorf("%.1f%% of the samples of allocations show who allocates", 100*seen.p)
	}
	marking := shareOf(rows, func(r *sampleRow) bool { return has("runtime.gcBgMarkWorker")(r) && r.GoID != 0 })
	if marking.p == 0 {
		t.Error("no sample of the garbage collector's workers")
	}
}

// checkCPUTime compares what samples stand for with the CPU time that the kernel accounts for.
func checkCPUTime(t *testing.T, name string, n int, periodNS, cpuNS int64) {
	t.Helper()
	want := float64(cpuNS) / float64(periodNS)
	t.Logf("%s: %d samples, %.0f in its CPU time", name, n, want)
	if math.Abs(float64(n)-want) > 4.5*math.Sqrt(want)+0.02*want {
		t.Errorf("%s: %d samples of %d ns, and %d ns of CPU time", name, n, periodNS, cpuNS)
	}
}

// profiledStacks are the samples of a CPU profile, by functions.
type profiledStacks []struct {
	functions map[string]bool
	count     int
}

func readProfile(t *testing.T, path string) (all profiledStacks) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	prof, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range prof.Sample {
		functions := map[string]bool{}
		for _, l := range s.Location {
			for _, line := range l.Line {
				functions[line.Function.Name] = true
			}
		}
		all = append(all, struct {
			functions map[string]bool
			count     int
		}{functions, int(s.Value[0])})
	}
	return all
}

// share is of those with a function in their stack, those with another.
func (p profiledStacks) share(function, among string) share {
	n, k := 0, 0
	for _, s := range p {
		if s.functions[among] {
			n += s.count
			if s.functions[function] {
				k += s.count
			}
		}
	}
	return share{float64(k) / float64(max(n, 1)), n}
}

// TestSamplesWithEachFallback has older kernels' programs take samples.
func TestSamplesWithEachFallback(t *testing.T) {
	testenv.RequireBPF(t)
	for _, fallbacks := range [][]string{{fallback.PerfUprobes}, {fallback.LegacyPrograms}} {
		t.Run(fmt.Sprint(fallbacks), func(t *testing.T) {
			p, workers := startOnCPU(t, "")
			rows, _ := recordSamples(t, p, workers,
				record.Options{Duration: time.Second, SamplesPerSecond: 997, Fallbacks: fallbacks})
			for name, function := range map[string]string{
				"split": "main.turn", "calls": "main.calls", "allocates": "main.allocates",
			} {
				var of []sampleRow
				for _, r := range rows {
					if r.GoID == workers[name].goid {
						of = append(of, r)
					}
				}
				if seen := shareOf(of, has(function)); seen.p < 0.9 || seen.n < 20 {
					t.Errorf("%s: %.1f%% of %d samples have %s", name, 100*seen.p, seen.n, function)
				}
			}
		})
	}
}

// TestSamplesCanBeLeftOut records without them: the trace says so.
func TestSamplesCanBeLeftOut(t *testing.T) {
	testenv.RequireBPF(t)
	p, workers := startOnCPU(t, "")
	for name, opts := range map[string]record.Options{
		"by their rate":  {SamplesPerSecond: record.NoSamples},
		"by their class": {Without: []format.Transition{format.TransitionSamples}},
	} {
		opts.Duration = 200 * time.Millisecond
		rows, meta := recordSamples(t, p, workers, opts)
		why, missing := meta.Processes[0].Missing(format.TransitionSamples)
		if len(rows) != 0 || !missing || why != "left out when recording" || meta.SamplePeriodNS != 0 {
			t.Errorf("%s: %d samples of %d ns, missing: %v (%s)", name, len(rows), meta.SamplePeriodNS, missing, why)
		}
	}
}
