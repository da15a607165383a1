package kernel

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// startBusy starts a service that is busy until the test ends.
func startBusy(t *testing.T) (proc *target.Process, exe string) {
	t.Helper()
	exe = testenv.Build(t, testenv.Program{Name: "service"})
	p := testenv.Start(t, exec.Command(exe))
	p.Ask(t, "") // it answers when it works
	proc, err := target.Open(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.Close() })
	return proc, exe
}

// watchBriefly watches a process as a recording does, and takes what it does from the rings.
func watchBriefly(t *testing.T, proc *target.Process, exe string, programs *Programs, fallbacks []string) {
	t.Helper()
	cfg, points := configOf(t, proc, exe)
	p, err := programs.Load(ProgramConfig{StackDepth: 64, Kernel: true, Fallbacks: fallbacks})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Watch(cfg), p.AttachKernel(), p.AttachPoints(exe, points, cfg)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	records := 0
	count := func(int, []byte) error { records++; return nil }
	if err := errors.Join(p.Silence(), p.Drain(count), programs.Release(p)); err != nil {
		t.Fatal(err)
	}
	if records < 100 {
		t.Errorf("%d records of a process that is busy", records)
	}
}

// configOf is of a program that is where its file says.
func configOf(t *testing.T, proc *target.Process, exe string) (*SubjectConfig, []gobin.Probe) {
	t.Helper()
	n, err := OpenNumbers(proc.PID())
	if err != nil {
		t.Fatal(err)
	}
	tgid, _, err := n.Read()
	if err := errors.Join(err, n.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := gobin.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	layout, err1 := b.Layout()
	points, _, err2 := b.Probes()
	offsets, err3 := Offsets(&layout)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return &SubjectConfig{
		TGID: int(tgid), PID: proc.PID(), Offsets: offsets, Preempted: true, Current: true, Proc: true, GoIDs: true,
	}, points
}

// TestProgramsForgetWhatTheyWatched looks into the tables after a recording and when the next one
// has begun: what has the seal of an epoch before is as good as not there.
func TestProgramsForgetWhatTheyWatched(t *testing.T) {
	testenv.RequireBPF(t)
	proc, exe := startBusy(t)
	for _, fallbacks := range [][]string{nil, {fallback.LegacyPrograms}} {
		t.Run(fmt.Sprint(fallbacks), func(t *testing.T) {
			var programs Programs
			defer programs.Close()
			watchBriefly(t, proc, exe, &programs, fallbacks)
			kept := programs.idle[0]
			if n := known(t, kept); n == 0 {
				t.Error("no goroutine's id is known after a recording: the check below cannot fail")
			}
			if err := kept.Forget(0); err != nil {
				t.Fatal(err)
			}
			if n := known(t, kept); n != 0 {
				t.Errorf("%d goroutines' ids are still known", n)
			}
			var seen [MaxSubjects]bpf.GoschedSubject
			if err := kept.collection.Variables[bpf.GoschedVarSubjects].Get(&seen); err != nil {
				t.Fatal(err)
			}
			if seen[0].Epoch != kept.epoch {
				t.Errorf("the programs are in epoch %d, and not in %d", seen[0].Epoch, kept.epoch)
			}
			if !kept.legacy {
				return
			}
			if err := kept.clear(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{bpf.GoschedLegacyMapPoints, bpf.GoschedLegacyMapThreads} {
				if n := filled(t, kept.collection.Maps[name]); n != 0 {
					t.Errorf("%s still has %d entries", name, n)
				}
			}
		})
	}
}

// known is how many entries of the table of goroutine ids hold for the programs' epoch, which is
// sealed in state.h. The g's address is what an entry of this epoch makes of it: one of the
// kernel's or nothing's else is none.
func known(t *testing.T, p *Probes) (n int) {
	t.Helper()
	const golden = 0x9e3779b97f4a7c15
	var slot uint32
	var e bpf.GoschedGoidEntry
	entries := p.collection.Maps[bpf.GoschedMapGoids].Iterate()
	for entries.Next(&slot, &e) {
		gp := e.Check ^ uint64(p.epoch)*golden ^ e.Goid
		if e.Check != 0 && uint32(gp*golden>>(64-16)) == slot {
			n++
		}
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// filled is how many entries of a map are not zero.
func filled(t *testing.T, m *ebpf.Map) (n int) {
	t.Helper()
	var key, value []byte
	entries := m.Iterate()
	for entries.Next(&key, &value) {
		if slices.ContainsFunc(value, func(b byte) bool { return b != 0 }) {
			n++
		}
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
