package referee

import (
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// traced runs a program under Go's tracer alone and reads its trace.
func traced(t *testing.T, p testenv.Program) *Recording {
	t.Helper()
	bin := testenv.Build(t, p)
	file := filepath.Join(t.TempDir(), "trace")
	if out, err := exec.Command(bin, "-trace", file).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", p, err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := ReadGoTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// pretend makes of the tracer's recording one as gosched would have made it: our reasons, whole
// stacks, and moves before and after the time in which the tracer was on.
func pretend(tracer *Recording) *Recording {
	ours := newRecording()
	byReason := map[string]string{}
	for _, reason := range slices.Sorted(maps.Keys(coarse)) {
		if _, ok := byReason[coarse[reason]]; !ok { // the first is the one without "(durable)" and the like
			byReason[coarse[reason]] = reason
		}
	}
	for id, moves := range tracer.Moves {
		copied := slices.Clone(moves)
		for i := range copied {
			m := &copied[i]
			m.TimeNS += 40
			if m.kind() == park {
				m.Reason = byReason[m.Reason]
			}
			if m.Stack != nil && !wasCreated(m.kind()) {
				m.Stack = append(append(Stack{{"runtime.goexit", 1700}}, m.Stack...), Frame{"runtime.gopark", 400})
			}
		}
		ours.Moves[id] = copied
	}
	ours.Ranges = slices.Clone(tracer.Ranges)
	early := Move{TimeNS: tracer.Begin - 200e3, From: format.StateRunning, To: format.StateRunnable,
		Reason: "preempted"}
	started := Move{TimeNS: tracer.Begin - 100e3, From: format.StateRunnable, To: format.StateRunning}
	late := Move{TimeNS: tracer.End + 100, From: format.StateRunning, To: format.StateWaiting, Reason: "semacquire"}
	ours.Moves[1] = append(append([]Move{early, started}, ours.Moves[1]...), late)
	return ours
}

func TestRecordingsThatAgreeAreFoundToAgree(t *testing.T) {
	for _, name := range []string{"channels", "selects", "coro", "syscalls", "stw", "gc", "panics"} {
		t.Run(name, func(t *testing.T) {
			tracer := traced(t, testenv.Program{Name: name})
			r := Compare(tracer, pretend(tracer), Options{WaitReasons: runtimeWaitReasons(t, "")})
			if r.Agreement() != 1 || r.Total.Matched != tracer.Len() || r.Broken != 0 {
				t.Errorf("agreement %v of %d moves\n%s", r.Agreement(), tracer.Len(), r)
			}
			for what, tally := range map[string]Tally{"reasons": r.Reasons, "wakers": r.Wakers, "creators": r.Creators,
				"park stacks": r.ParkStacks, "syscall stacks": r.SyscallStacks, "entries": r.CreateStacks} {
				if tally.Share() != 1 {
					t.Errorf("%s agree in %s\n%s", what, tally, r)
				}
			}
			if r.Reasons.Compared == 0 || r.Wakers.Compared == 0 || r.ParkStacks.Compared == 0 {
				t.Errorf("nothing was compared\n%s", r)
			}
		})
	}
}

// lies change one thing in a recording that agrees.
var lies = []struct {
	name   string
	tell   func(moves []Move, i int) []Move
	only   func(m *Move) bool
	caught func(r *Report) bool
}{
	{
		name:   "a move deleted",
		tell:   func(moves []Move, i int) []Move { return slices.Delete(moves, i, i+1) },
		caught: func(r *Report) bool { return r.Total.Missing == 1 && r.Total.Extra == 0 && len(r.Shown) == 1 },
	},
	{
		name:   "a move repeated",
		tell:   func(moves []Move, i int) []Move { return slices.Insert(moves, i, moves[i]) },
		caught: func(r *Report) bool { return r.Total.Extra == 1 && r.Total.Missing == 0 && len(r.Shown) == 1 },
	},
	{
		name: "two moves in the wrong order",
		tell: func(moves []Move, i int) []Move {
			moves[i], moves[i+1] = moves[i+1], moves[i]
			return moves
		},
		caught: func(r *Report) bool { return r.Total.Missing == 1 && len(r.Shown) == 1 },
	},
	{
		name: "a move of another kind",
		only: func(m *Move) bool { return m.To != format.StateSyscall },
		tell: func(moves []Move, i int) []Move {
			moves[i].To = format.StateSyscall
			return moves
		},
		caught: func(r *Report) bool { return r.Total.Extra == 1 && r.Total.Missing == 1 && r.Broken > 0 },
	},
	{
		name:   "a park with the reason of another",
		only:   func(m *Move) bool { return m.kind() == park && m.Reason == "chan receive" },
		tell:   func(moves []Move, i int) []Move { moves[i].Reason = "select"; return moves },
		caught: func(r *Report) bool { return r.Reasons.Compared-r.Reasons.Equal == 1 && len(r.Notes) == 1 },
	},
	{
		name:   "a park with a reason that the runtime does not know",
		only:   func(m *Move) bool { return m.kind() == park },
		tell:   func(moves []Move, i int) []Move { moves[i].Reason = "channel receive"; return moves },
		caught: func(r *Report) bool { return r.Strangers["channel receive"] == 1 },
	},
	{
		name:   "another waker",
		only:   func(m *Move) bool { return m.kind() == ready },
		tell:   func(moves []Move, i int) []Move { moves[i].By++; return moves },
		caught: func(r *Report) bool { return r.Wakers.Compared-r.Wakers.Equal == 1 },
	},
	{
		name:   "another creator",
		only:   func(m *Move) bool { return m.kind() == create },
		tell:   func(moves []Move, i int) []Move { moves[i].By = format.NoGoroutine; return moves },
		caught: func(r *Report) bool { return r.Creators.Compared-r.Creators.Equal == 1 },
	},
	{
		name: "a line number of a stack",
		only: func(m *Move) bool { return m.kind() == park && len(m.Stack) > 2 },
		tell: func(moves []Move, i int) []Move {
			moves[i].Stack = slices.Clone(moves[i].Stack)
			moves[i].Stack[1].Line++
			return moves
		},
		caught: func(r *Report) bool { return r.ParkStacks.Compared-r.ParkStacks.Equal == 1 && len(r.Stacks) == 1 },
	},
	{
		name: "an inlined function missing in a stack",
		only: func(m *Move) bool { return m.kind() == park && len(m.Stack) > 3 },
		tell: func(moves []Move, i int) []Move {
			moves[i].Stack = slices.Delete(slices.Clone(moves[i].Stack), 1, 2)
			return moves
		},
		caught: func(r *Report) bool { return r.ParkStacks.Compared-r.ParkStacks.Equal == 1 },
	},
	{
		name:   "a stack missing",
		only:   func(m *Move) bool { return m.kind() == park },
		tell:   func(moves []Move, i int) []Move { moves[i].Stack = nil; return moves },
		caught: func(r *Report) bool { return r.ParkStacks.Compared-r.ParkStacks.Equal == 1 },
	},
}

// TestEveryKindOfLieIsCaught changes one thing in a recording that agrees and wants the comparison
// to notice.
func TestEveryKindOfLieIsCaught(t *testing.T) {
	tracer := traced(t, testenv.Program{Name: "channels"})
	reasons := runtimeWaitReasons(t, "")
	rng := rand.New(rand.NewPCG(1, 2))
	for _, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			for range 20 {
				ours := pretend(tracer)
				goid, i := pick(t, rng, tracer, ours, lie.only)
				ours.Moves[goid] = lie.tell(ours.Moves[goid], i)
				if r := Compare(tracer, ours, Options{WaitReasons: reasons}); !lie.caught(r) {
					t.Fatalf("not caught at move %d of g%d\n%s", i, goid, r)
				}
			}
		})
	}
}

// pick chooses a move of ours, between the edges, whose neighbours are of other kinds.
func pick(t *testing.T, rng *rand.Rand, tracer, ours *Recording, only func(*Move) bool) (format.GoID, int) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(tracer.Moves))
	for range 100000 {
		id := ids[rng.IntN(len(ids))]
		moves := ours.Moves[id]
		i := rng.IntN(len(moves))
		last := moves[min(i+1, len(moves)-1)]
		inside := moves[i].TimeNS > tracer.Begin && last.TimeNS < tracer.End && i+1 < len(moves)
		if inside && last.kind() != moves[i].kind() && (only == nil || only(&moves[i])) {
			return id, i
		}
	}
	t.Fatal("no move to change")
	return 0, 0
}

func TestGoroutineThatOneSideNeverSawIsReported(t *testing.T) {
	tracer := traced(t, testenv.Program{Name: "channels"})
	for _, side := range []string{"tracer", "ours"} {
		ours := pretend(tracer)
		busiest := format.GoID(0)
		for id, moves := range tracer.Moves {
			if len(moves) > len(tracer.Moves[busiest]) {
				busiest = id
			}
		}
		theirs := *tracer
		theirs.Moves = maps.Clone(tracer.Moves)
		n := len(tracer.Moves[busiest])
		if side == "tracer" {
			delete(theirs.Moves, busiest)
		} else {
			delete(ours.Moves, busiest)
		}
		r := Compare(&theirs, ours, Options{})
		if missing := r.Total.Missing; side == "ours" && missing != n {
			t.Errorf("g%d missing in ours: %d moves missing, want %d", busiest, missing, n)
		}
		if extra := r.Total.Extra; side == "tracer" && extra < n-2 {
			t.Errorf("g%d unknown to the tracer: %d moves extra, want %d", busiest, extra, n)
		}
	}
}

func TestAlignLeavesOutAsLittleAsPossible(t *testing.T) {
	ks := []kind{create, run, park, ready, yield}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		a := make([]kind, rng.IntN(200))
		for i := range a {
			a[i] = ks[rng.IntN(len(ks))]
		}
		b := slices.Clone(a)
		edits := rng.IntN(6)
		for range edits {
			i := rng.IntN(len(b) + 1)
			if i < len(b) && rng.IntN(2) == 0 {
				b = slices.Delete(b, i, i+1)
			} else {
				b = slices.Insert(b, i, ks[rng.IntN(len(ks))])
			}
		}
		checkAlignment(t, a, b, edits)
	}
}

func checkAlignment(t *testing.T, a, b []kind, edits int) {
	t.Helper()
	i, j, left := 0, 0, 0
	for _, p := range align(a, b) {
		if p.a >= 0 && p.a != i || p.b >= 0 && p.b != j {
			t.Fatalf("pair %v is out of order at %d, %d", p, i, j)
		}
		if p.a >= 0 && p.b >= 0 && a[p.a] != b[p.b] {
			t.Fatalf("pair %v joins %v and %v", p, a[p.a], b[p.b])
		}
		if p.a >= 0 {
			i++
		}
		if p.b >= 0 {
			j++
		}
		if p.a < 0 || p.b < 0 {
			left++
		}
	}
	if i != len(a) || j != len(b) {
		t.Fatalf("alignment covers %d of %d and %d of %d", i, len(a), j, len(b))
	}
	if left > edits {
		t.Fatalf("%d edits made %d differences", edits, left)
	}
}

func TestAlignOfLongListsStaysInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	ks := []kind{create, run, park, ready, yield}
	a, b := make([]kind, 5000), make([]kind, 4000)
	for i := range a {
		a[i] = ks[rng.IntN(2)]
	}
	for i := range b {
		b[i] = ks[2+rng.IntN(3)]
	}
	checkAlignment(t, a, b, len(a)+len(b))
}

func TestDifferencesAreAllExplained(t *testing.T) {
	seen := map[DifferenceID]bool{}
	for _, d := range Differences {
		if seen[d.ID] {
			t.Errorf("%s is listed twice", d.ID)
		}
		seen[d.ID] = true
		for _, text := range []string{string(d.ID), d.Versions, d.Tracer, d.Ours, d.Why} {
			if text == "" {
				t.Errorf("%s lacks a text", d.ID)
			}
		}
		if !strings.Contains(d.Why, "src/") {
			t.Errorf("%s names no place in Go's source: %s", d.ID, d.Why)
		}
	}
}

// TestEveryWaitReasonHasItsTracerReason reads the wait reasons out of each runtime's source.
func TestEveryWaitReasonHasItsTracerReason(t *testing.T) {
	inside := insideReasons
	for _, toolchain := range testenv.Newest(2) {
		for reason := range runtimeWaitReasons(t, toolchain) {
			if _, ok := coarse[reason]; !ok && !inside[reason] {
				t.Errorf("%s: no tracer reason is known for %q", toolchain, reason)
			}
		}
	}
}

// insideReasons are wait reasons of goroutines that keep running: no move, and never in a
// recording.
var insideReasons = map[string]bool{
	"": true, "GC assist marking": true, "dumping heap": true, "garbage collection": true,
	"garbage collection scan": true, "GC worker (active)": true, "GC mark termination": true,
	"stopping the world": true, "flushing proc caches": true, "trace goroutine status": true,
	"trace proc status": true, "page trace flush": true,
}

func TestOldTracesAreComparedByCounts(t *testing.T) {
	for _, toolchain := range []string{"go1.21.13", "go1.18.10"} {
		t.Run(toolchain, func(t *testing.T) {
			cell := Cell{Program: testenv.Program{Name: "channels", Toolchain: toolchain, Mode: testenv.Plain}}
			tracer := traced(t, cell.Program)
			ours := pretend(tracer)
			for _, moves := range ours.Moves {
				for i := range moves {
					moves[i].Reason = oldReason(moves[i])
				}
			}
			ours.Shift(1e12)
			r := Compare(tracer, ours, Options{WaitReasons: runtimeWaitReasons(t, toolchain)})
			if wrong := cell.Complaints(r); len(wrong) > 0 || r.Agreement() != 1 || r.Reasons.Share() != 1 {
				t.Errorf("%v\n%s", wrong, r)
			}
		})
	}
}

// oldReason is a wait reason that Go 1.18 knew.
func oldReason(m Move) string {
	switch {
	case m.kind() != park:
		return m.Reason
	case m.Reason == "coroutine":
		return "GC worker (idle)"
	case m.Reason == "sync.Mutex.Lock" || m.Reason == "sync.WaitGroup.Wait":
		return "semacquire"
	}
	return m.Reason
}

func TestRangesThatDifferAreNoticed(t *testing.T) {
	tracer := traced(t, testenv.Program{Name: "stw"})
	ours := pretend(tracer)
	if r := Compare(tracer, ours, Options{}); r.Ranges.Share() != 1 || r.Ranges.Compared < 20 {
		t.Fatalf("ranges agree in %s of %d", r.Ranges, r.Ranges.Compared)
	}
	for _, r := range tracer.Ranges {
		if r.To <= r.From {
			t.Errorf("%s at %d has no end", r.Name, r.From)
		}
	}
	i := len(ours.Ranges) / 2
	ours.Ranges[i].Name = "stop-the-world (unknown)"
	if r := Compare(tracer, ours, Options{}); r.Ranges.Equal != r.Ranges.Compared-2 || len(r.Notes) != 2 {
		t.Errorf("another name: %v %v", r.Ranges, r.Notes)
	}
	ours.Ranges = slices.Delete(ours.Ranges, i, i+1)
	if r := Compare(tracer, ours, Options{}); r.Ranges.Equal != r.Ranges.Compared-1 || len(r.Notes) != 1 {
		t.Errorf("one missing: %v %v", r.Ranges, r.Notes)
	}
}
