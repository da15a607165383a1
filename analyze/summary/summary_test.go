package summary

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/internal/golden"
)

// same checks that two values are equal, histograms included.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	t.Errorf("%s:\ngot  %.3000s\nwant %.3000s", what, a, b)
}

func of(t testing.TB, src replay.Source) *Recording {
	t.Helper()
	r, err := Of(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t testing.TB, recordings ...*Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, recordings); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) []*Recording {
	t.Helper()
	recordings, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return recordings
}

// traces are recordings of all sorts: by hand, and simulated.
func traces(t *testing.T) map[string]replay.Source {
	out := map[string]replay.Source{
		"simulated":    simsched.New(simsched.Config{Events: 20_000, Threads: true}),
		"with gaps":    simsched.New(simsched.Config{Events: 20_000, Threads: true, GapEvery: 3000, Seed: 2}),
		"of processes": simsched.New(simsched.Config{Events: 20_000, Processes: 3, Churn: 3, Seed: 3}),
	}
	for _, pattern := range []string{"../blocking/testdata/*.trace", "../latency/testdata/*.trace",
		"../goroutines/testdata/*.trace", "../goroutines/testdata/*/*.trace"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			out[path] = golden.Trace(t, path)
		}
	}
	return out
}

func TestARunComesBackFromItsFile(t *testing.T) {
	var all []*Recording
	for name, src := range traces(t) {
		run := of(t, src)
		all = append(all, run)
		back := read(t, written(t, run))
		if len(back) != 1 {
			t.Fatalf("%s: %d recordings came back", name, len(back))
		}
		same(t, name, back[0], run)
	}
	all = append(all, all[0]) // the same recording twice
	same(t, "all in one file", read(t, written(t, all...)), all)
}

func TestTheSameTraceGivesTheSameRecording(t *testing.T) {
	first, second := traces(t), traces(t)
	ids := map[string]string{}
	for name := range first {
		a, b := of(t, first[name]), of(t, second[name])
		same(t, name, a, b)
		if !bytes.Equal(written(t, a), written(t, b)) {
			t.Errorf("%s: the files differ", name)
		}
		if other, ok := ids[a.Info.ID]; ok {
			t.Errorf("%s and %s have the id %s", name, other, a.Info.ID)
		}
		ids[a.Info.ID] = name
	}
}

// TestTotalsAreSums checks that the groups of a metric add up to its total, the runtime's own
// goroutines left out.
func TestTotalsAreSums(t *testing.T) {
	for name, src := range traces(t) {
		run := of(t, src)
		for _, metric := range []Measure{MeasureDelay, MeasureWait, MeasureCall} {
			var sum stats.Histogram
			for i := range run.Groups {
				if g := &run.Groups[i]; g.Measure == metric && g.By == ByReason {
					sum.Merge(&g.Hist)
				}
			}
			total := run.Group(Key{Measure: metric, By: ByTotal})
			if total == nil {
				total = new(Group)
			}
			same(t, name+": "+string(metric)+" by reason", sum, total.Hist)
		}
	}
}
