package referee

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/gotrace"
)

// memory takes an import.
type memory struct{ *format.Memory }

func (m memory) Write(b *format.Batch) error {
	m.Events.AppendBatch(b, 0, b.Len())
	return nil
}

func imported(t *testing.T, data []byte) *format.Memory {
	t.Helper()
	m := format.NewMemory(format.Metadata{})
	summary, err := gotrace.Import(context.Background(), bytes.NewReader(data), memory{m},
		gotrace.Options{Recorder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	m.Meta = summary.Metadata
	return m
}

// TestImportedTracesAreLegal replays what the tracers of several versions write of every program.
func TestImportedTracesAreLegal(t *testing.T) {
	for _, toolchain := range []string{"go1.22.12", "go1.24.13", ""} {
		for _, name := range []string{"channels", "selects", "locks", "timers", "tcp", "http", "files", "syscalls",
			"yield", "preempt", "locked", "gc", "stw", "panics", "many", "coro"} {
			if name == "coro" && toolchain == "go1.22.12" {
				continue // it needs iter.Pull
			}
			t.Run(toolchain+"/"+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "go.trace")
				run := exec.Command(testenv.Build(t, testenv.Program{Name: name, Toolchain: toolchain}), "-trace", path)
				if out, err := run.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				sum, err := replay.Run(context.Background(), imported(t, data), latency.New())
				if err != nil {
					t.Fatal(err)
				}
				if sum.Counts.Total() != 0 || sum.Events == 0 {
					t.Errorf("%d events, problems: %v %+v", sum.Events, sum.Counts, sum.Problems)
				}
			})
		}
	}
}

// TestCutTracesAreReadAsFarAsTheyGo cuts a trace at many places.
func TestCutTracesAreReadAsFarAsTheyGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "go.trace")
	if out, err := exec.Command(testenv.Build(t, testenv.Program{Name: "channels"}), "-trace",
		path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, refused := imported(t, data).Rows(), 0
	for cut := 1; cut < len(data); cut += len(data)/97 + 1 {
		m := format.NewMemory(format.Metadata{})
		summary, err := gotrace.Import(context.Background(), bytes.NewReader(data[:cut]), memory{m}, gotrace.Options{})
		switch {
		case err != nil:
			refused++
		case summary.Truncated == nil && m.Rows() < whole:
			t.Errorf("cut at %d of %d: %d of %d events, and nobody says so", cut, len(data), m.Rows(), whole)
		}
	}
	if refused == 0 {
		t.Error("no cut was refused: those before the first event have nothing to show")
	}
}

// tables are what two sources of one run must agree on.
type tables struct {
	latency  *latency.Result
	blocking *blocking.Result
}

func analyzed(t *testing.T, src replay.Source) tables {
	t.Helper()
	l, b := latency.New(), blocking.New()
	sum, err := replay.Run(context.Background(), src, l, b)
	if err != nil {
		t.Fatal(err)
	}
	return tables{l.Result(sum), b.Result(sum)}
}

// TestBothSourcesGiveTheSameTables records programs with eBPF and with Go's tracer at once and
// compares what the analyzers say.
func TestBothSourcesGiveTheSameTables(t *testing.T) {
	testenv.RequireBPF(t)
	gosched := testenv.Gosched(t)
	for _, c := range []struct{ name, repeat string }{{"channels", "6"}, {"locks", "6"}, {"timers", "1"},
		{"tcp", "3"}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			ours, theirs := filepath.Join(dir, "ours.parquet"), filepath.Join(dir, "go.trace")
			cmd := exec.Command(gosched, "record", "-o", ours, "--", testenv.Build(t, testenv.Program{Name: c.name}),
				"-trace", theirs, "-repeat", c.repeat)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			data, err := os.ReadFile(theirs)
			if err != nil {
				t.Fatal(err)
			}
			goTrace := imported(t, data)
			part := filepath.Join(dir, "part.parquet")
			moment := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
			dump := exec.Command(gosched, "dump", "--from", moment(goTrace.Meta.StartNS), "--to",
				moment(goTrace.Meta.EndNS), "-o", part, ours)
			if out, err := dump.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			trace, err := format.Open(part)
			if err != nil {
				t.Fatal(err)
			}
			sameTables(t, analyzed(t, trace), analyzed(t, goTrace))
		})
	}
}

// What the two may differ by: moves at the edges of the tracer's time, and what either says later
// than the other, an event.
const (
	edgeMoves = 40
	lateNS    = 2_000
	tolerance = 0.05
)

func sameTables(t *testing.T, ours, theirs tables) {
	t.Helper()
	same := func(what string, a, b int64, slack float64) {
		if d := float64(max(a, b) - min(a, b)); d > slack+tolerance*float64(max(a, b)) {
			t.Errorf("%s: %d by eBPF, %d by Go's tracer", what, a, b)
		}
	}
	same("delays", ours.latency.Total.Count, theirs.latency.Total.Count, edgeMoves)
	same("sum of delays", ours.latency.Total.SumNS, theirs.latency.Total.SumNS,
		lateNS*float64(theirs.latency.Total.Count+edgeMoves))
	classes := byName(ours.blocking)
	for name, their := range byName(theirs.blocking) {
		if name == "runtime idle" || name == "other" || name == "running" {
			continue // what lasts from before the trace has no known beginning, and a reason in our trace alone
		}
		our := classes[name]
		same(name+" count", our.Count, their.Count, edgeMoves)
		same(name+" sum", our.SumNS, their.SumNS, lateNS*float64(their.Count+edgeMoves)+float64(longest(our, their)))
	}
	for pair, n := range pairs(theirs.blocking) {
		same("waker "+pair, pairs(ours.blocking)[pair], n, edgeMoves)
	}
}

// longest is the one wait that may be whole in one trace and cut in the other.
func longest(a, b blocking.Spent) int64 {
	var most int64
	for _, v := range []*int64{a.MaxNS, b.MaxNS} {
		if v != nil {
			most = max(most, *v)
		}
	}
	return most
}

func byName(r *blocking.Result) map[string]blocking.Spent {
	m := map[string]blocking.Spent{}
	for _, s := range r.Spent {
		if s.By == "class" {
			m[s.Name] = s
		}
	}
	return m
}

// pairs counts wake-ups by goroutines, by the code that waited and the code that woke it.
func pairs(r *blocking.Result) map[string]int64 {
	m := map[string]int64{}
	for _, w := range r.Wakers {
		if w.WakerFrame != "" {
			m[w.Frame+" by "+w.WakerFrame] += w.Count
		}
	}
	return m
}
