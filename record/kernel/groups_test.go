package kernel

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/fallback"
)

// TestGroupsAreTakenOffAndPutOnAgain watches a process that is busy, takes everything off, puts some
// of it on, and then the rest: only what is attached is hit.
func TestGroupsAreTakenOffAndPutOnAgain(t *testing.T) {
	testenv.RequireBPF(t)
	for _, fallbacks := range [][]string{nil, {fallback.PerfUprobes}, {fallback.LegacyPrograms}} {
		name := "everything"
		if fallbacks != nil {
			name = fallbacks[0]
		}
		t.Run(name, func(t *testing.T) { testGroups(t, fallbacks) })
	}
}

func testGroups(t *testing.T, fallbacks []string) {
	proc, exe := startBusy(t)
	cfg, points := configOf(t, proc, exe)
	p, err := Load(ProgramConfig{StackDepth: 64, Kernel: true, Samples: true, Fallbacks: fallbacks})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := errors.Join(p.Watch(cfg), p.AttachKernel(), p.AttachPoints(exe, points, cfg)); err != nil {
		t.Fatal(err)
	}
	check := func(when string, hit ...Group) {
		t.Helper()
		hits := hitsDuring(t, p, 200*time.Millisecond)
		for _, group := range []Group{GroupGoroutines, GroupThreads} {
			n, want := hits[group], slices.Contains(hit, group)
			if (n.Count > 0) != want {
				t.Errorf("%s, group %d is hit %d times", when, group, n.Count)
			}
			if n.Count > 10_000 && (n.Timed < n.Count/TimedEvery/2 || n.NS < n.Timed*20) {
				t.Errorf("%s, of %d hits of group %d %d took %d ns", when, n.Count, group, n.Timed, n.NS)
			}
		}
	}
	check("attached", GroupGoroutines, GroupThreads)
	took(t, "pause", func() error { return p.Pause(Groups()...) })
	check("paused")
	took(t, "resume", func() error { return p.Resume(GroupGoroutines) })
	check("resumed in part", GroupGoroutines)
	took(t, "resume", func() error { return p.Resume(Groups()...) })
	check("resumed", GroupGoroutines, GroupThreads)
	took(t, "pause in part", func() error { return p.Pause(GroupThreads) })
	check("without the kernel", GroupGoroutines)
}

func took(t *testing.T, what string, f func() error) {
	t.Helper()
	began := time.Now()
	if err := f(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%s took %v", what, time.Since(began))
}

func hitsDuring(t *testing.T, p *Probes, d time.Duration) (of [NumGroups]Hits) {
	t.Helper()
	before, err := p.Hits()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(d)
	after, err := p.Hits()
	if err != nil {
		t.Fatal(err)
	}
	for i := range of {
		of[i] = Hits{after[i].Count - before[i].Count, after[i].Timed - before[i].Timed, after[i].NS - before[i].NS}
	}
	return of
}
