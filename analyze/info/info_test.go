package info_test

import (
	"slices"
	"testing"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// TestCountsByHand counts the rows of recording.trace.
func TestCountsByHand(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/recording.trace"))
	if want := (info.Kinds{Goroutine: 4, Thread: 1, Range: 3, Gap: 1, Snapshot: 4}); r.ByKind != want {
		t.Errorf("events by kind are %+v, want %+v", r.ByKind, want)
	}
	if r.Events != 13 || r.Lost != 42 || r.DurationNS != 2_000_000 || r.GoVersion != "go1.26.8" ||
		r.Source != format.SourceEBPF || !r.Complete {
		t.Errorf("%d events, %d lost, %d ns, %s from %s, complete %v", r.Events, r.Lost, r.DurationNS, r.GoVersion,
			r.Source, r.Complete)
	}
	if r.Goroutines != 3 || r.Threads != 3 || r.Ps != 2 || r.Gaps != 1 || r.GapNS != 200 {
		t.Errorf("%d goroutines, %d threads, %d Ps, %d gaps of %d ns", r.Goroutines, r.Threads, r.Ps, r.Gaps, r.GapNS)
	}
	if r.AtStart != (info.States{Waiting: 1, Running: 1}) || r.AtEnd != (info.States{Waiting: 2}) {
		t.Errorf("snapshots %+v and %+v", r.AtStart, r.AtEnd)
	}
	for _, c := range r.RangeReasons {
		if c.Name == "GC concurrent mark phase" && (c.Count != 1 || c.SumNS != 300) {
			t.Errorf("a mark phase in two pieces counts as %+v", c)
		}
	}
}

func TestAnswersFollowCoverage(t *testing.T) {
	trace := golden.Trace(t, "testdata/recording.trace")
	trace.Meta.Lost = 0
	r := analyze(t, trace)
	got := map[string]info.Answer{}
	for _, q := range r.Questions {
		got[q.Name] = q.Answer
	}
	for name, want := range map[string]info.Answer{
		"time in system calls": info.No, "how long goroutines waited to run": info.Partly, "who woke whom": info.Yes,
		"garbage collection and stop-the-world pauses": info.Yes,
	} {
		if answer, ok := got[name]; !ok || answer != want {
			t.Errorf("%q: %s (asked: %v), want %s", name, answer, ok, want)
		}
	}
}

func TestATraceOfNothing(t *testing.T) {
	r := analyze(t, format.NewMemory(format.Metadata{}))
	if r.Events != 0 || r.DurationNS != 0 || len(r.Warnings) != 2 {
		t.Errorf("%d events, %d ns, warnings %v", r.Events, r.DurationNS, r.Warnings)
	}
}

func TestTheMachineIsShownAsFarAsItIsKnown(t *testing.T) {
	tests := []struct {
		name    string
		machine *format.MachineTime
		want    string // "": no such line
	}{
		{"not measured", nil, ""},
		{"nothing passed", &format.MachineTime{}, ""},
		{"all of it", &format.MachineTime{BusyNS: 600, StealNS: 100, IdleNS: 300, OwnNS: 250},
			"CPUs 60.0% busy (what was recorded: 25.0%), 10.0% stolen by the hypervisor"},
		{"what was recorded is not known", &format.MachineTime{BusyNS: 1000},
			"CPUs 100% busy, 0% stolen by the hypervisor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := analyze(t, format.NewMemory(format.Metadata{Machine: test.machine})).Document()
			got := ""
			for _, fact := range doc.Facts {
				if fact.Name == "machine" {
					got = fact.Value.Text
				}
			}
			if got != test.want {
				t.Errorf("it says %q; want %q", got, test.want)
			}
		})
	}
}

func TestFallbacksAreInTheHead(t *testing.T) {
	m := format.NewMemory(format.Metadata{SchemaVersion: 1, Recorder: "gosched 1", Fallbacks: []format.Fallback{
		{Name: "perf-uprobes", Does: "probes are attached one by one", Forced: true},
		{Name: "legacy-programs", Does: "threads are known by their ids"},
	}})
	var got []string
	for _, f := range analyze(t, m).Document().Facts[1:3] {
		got = append(got, f.Name+": "+f.Value.Text)
	}
	want := []string{"fall-back perf-uprobes: asked for with --fallback: probes are attached one by one",
		"fall-back legacy-programs: the kernel has nothing better: threads are known by their ids"}
	if !slices.Equal(got, want) {
		t.Errorf("info says %q; want %q", got, want)
	}
}
