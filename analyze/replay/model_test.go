package replay

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
)

// TestEveryPairOfStatesIsInTheTableOnceOrNotAtAll keeps the table a function of the two states.
func TestEveryPairOfStatesIsInTheTableOnceOrNotAtAll(t *testing.T) {
	seen := map[[2]format.State]string{}
	for _, m := range moves {
		key := [2]format.State{m.From, m.To}
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s are both %s→%s", other, m.Name, m.From, m.To)
		}
		seen[key] = m.Name
		if m.Name == "" || m.Meaning == "" || len(m.Coverage) == 0 || m.From == m.To || m.From == format.StateUnknown ||
			m.To == format.StateUnknown {
			t.Errorf("incomplete: %+v", m)
		}
	}
}

func TestMovesThatAreNotRecordedAreImplied(t *testing.T) {
	const notexist, runnable, running, syscall, waiting = format.StateNotExist, format.StateRunnable,
		format.StateRunning, format.StateSyscall, format.StateWaiting
	type step struct{ from, to format.State }
	for _, c := range []struct {
		missing []format.Transition
		yes, no []step
	}{
		{nil, nil, []step{{running, runnable}, {waiting, runnable}, {runnable, running}, {running, notexist}}},
		{[]format.Transition{format.TransitionSyscalls}, []step{{running, syscall}, {syscall, running},
			{running, runnable}},
			[]step{{waiting, runnable}, {running, waiting}, {running, notexist}}},
		{[]format.Transition{format.TransitionReady}, []step{{waiting, runnable}}, []step{{waiting, running},
			{running, runnable}}},
		{[]format.Transition{format.TransitionReady, format.TransitionRun}, []step{{waiting, runnable},
			{waiting, running}}, []step{{running, waiting}}},
		{[]format.Transition{format.TransitionYield}, []step{{running, runnable}}, []step{{runnable, running}}},
		{[]format.Transition{format.TransitionPark}, []step{{running, waiting}, {waiting, runnable},
			{running, runnable}},
			[]step{{runnable, running}, {running, syscall}}},
		{[]format.Transition{format.TransitionRun}, []step{{runnable, running}, {waiting, running}},
			[]step{{running, runnable}}},
		// ids are not reused
		{[]format.Transition{format.TransitionExit, format.TransitionCreate}, []step{{running, notexist},
			{notexist, runnable}}, []step{{running, runnable}}},
		{[]format.Transition{format.TransitionKernel, format.TransitionGC, format.TransitionStacks}, nil,
			[]step{{running, runnable}, {waiting, runnable}}},
	} {
		m := newModel(&format.Process{Coverage: format.CoverAllBut("", c.missing...)}, Wants{})
		for _, s := range c.yes {
			if !m.implied[s.from][s.to] {
				t.Errorf("without %v, %s→%s can be missing but is not implied", c.missing, s.from, s.to)
			}
		}
		for _, s := range c.no {
			if m.implied[s.from][s.to] {
				t.Errorf("without %v, %s→%s is implied", c.missing, s.from, s.to)
			}
		}
	}
}

func TestRootFunction(t *testing.T) {
	for _, c := range []struct {
		stack string
		depth int
		want  string
	}{
		{"main.worker /m.go:3", 0, "main.worker"},
		{"main.worker /m.go:3", 1, ""}, // may be truncated at its root
		{"main.worker /m.go:3;main.f /m.go:9", 3, "main.worker"},
		{"runtime.goexit /asm.s:1;main.worker /m.go:3;main.f /m.go:9", 0, "main.worker"},
		{"runtime.goexit /asm.s:1", 0, "runtime.goexit"},
		{"main.f[go.shape.struct { X int; Y int }] /a b/m.go:3;main.g /m.go:9", 0,
			"main.f[go.shape.struct { X int; Y int }]"},
		{"[truncated];main.f /m.go:9", 0, ""},
		{"main.noplace", 0, "main.noplace"},
		{"", 0, ""},
		{"]] x;y", 0, "]]"},
	} {
		if got := rootFunction(c.stack, c.depth); got != c.want {
			t.Errorf("rootFunction(%q, %d) = %q, want %q", c.stack, c.depth, got, c.want)
		}
	}
}

// TestTableAgreesWithAMap adds and drops at random and compares with a Go map.
func TestTableAgreesWithAMap(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		table, want := &table{withDetails: seed%2 == 0}, map[format.GoID]int64{}
		stride := []format.GoID{1, 7, 1 << 16, 1 << 40}[seed%4]
		for step := range int64(4000) {
			id := (1 + format.GoID(rng.IntN(300))) * stride
			g := table.find(id)
			if _, ok := want[id]; ok != (g != nil) {
				t.Fatalf("seed %d, step %d: goroutine %d is there: %v, want %v", seed, step, id, g != nil, ok)
			}
			switch {
			case g == nil:
				table.create(id).begin = step
				want[id] = step
			case g.begin != want[id]:
				t.Fatalf("seed %d, step %d: goroutine %d began at %d, want %d", seed, step, id, g.begin, want[id])
			case rng.IntN(2) == 0:
				table.drop(id)
				delete(want, id)
			}
			if table.n != len(want) || table.unseen != len(want) {
				t.Fatalf("seed %d, step %d: %d goroutines, %d unseen, want %d", seed, step, table.n, table.unseen,
					len(want))
			}
		}
		var places []int32
		for i := range table.entries {
			if g := &table.entries[i]; g.id != format.NoGoroutine && table.withDetails {
				places = append(places, g.details)
			}
		}
		slices.Sort(places)
		if len(slices.Compact(places)) != len(places) {
			t.Errorf("seed %d: two goroutines share their details", seed)
		}
	}
}

func TestTrimForgetsWhoWasNotSeenForLong(t *testing.T) {
	var table table
	for id := range format.GoID(2 * maxUnseen) {
		table.create(id + 1)
	}
	seen := table.find(5)
	seen.state = format.StateWaiting
	table.unseen--
	table.trim()
	if table.n != 1 || table.unseen != 0 || table.find(5) == nil {
		t.Errorf("%d goroutines, %d unseen are left, want the one that was seen", table.n, table.unseen)
	}
}

func TestByIDHoldsWildIDs(t *testing.T) {
	var values ByID[int]
	for _, id := range []uint32{0, 5, 1 << 19, maxDense - 1, maxDense, 1<<32 - 1} {
		*values.At(id) = int(id) + 1
	}
	for _, id := range []uint32{0, 5, 1 << 19, maxDense - 1, maxDense, 1<<32 - 1} {
		if got := *values.At(id); got != int(id)+1 {
			t.Errorf("the value of %d is %d", id, got)
		}
	}
	if values.Len() > maxDense {
		t.Errorf("%d places for ids up to %d", values.Len(), maxDense)
	}
}
