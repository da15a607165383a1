package referee

import (
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

// sound is a report without fault.
func sound() *Report {
	r := newReport()
	r.kind(park).Matched = 20000
	r.kind(ready).Matched = 20000
	for _, t := range []*Tally{&r.Reasons, &r.Wakers, &r.Creators, &r.ParkStacks, &r.SyscallStacks, &r.YieldStacks,
		&r.CreateStacks, &r.CreatorStacks, &r.Ranges} {
		*t = Tally{Compared: 20000, Equal: 20000}
	}
	r.finish()
	return r
}

func TestComplaintsNameWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name, want string
		spoil      func(r *Report)
	}{
		{"nothing", "", func(*Report) {}},
		{"too many moves missing", "moves agree in", func(r *Report) { r.Total.Missing = 5 }},
		{"too many moves extra", "moves agree in", func(r *Report) { r.Total.Extra = 5 }},
		{"no move at all", "no move was compared", func(r *Report) { r.Total = Counts{} }},
		{"events lost", "lost 1 events", func(r *Report) { r.Lost = 1 }},
		{"a gap", "gaps", func(r *Report) { r.Gaps = []string{"ring buffer full"} }},
		{"a broken sequence", "another state", func(r *Report) { r.Broken = 1 }},
		{"an unknown reason", "does not know", func(r *Report) { r.Strangers["x"] = 1 }},
		{"reasons", "reasons agree", func(r *Report) { r.Reasons.Equal -= 3 }},
		{"wakers", "wakers agree", func(r *Report) { r.Wakers.Equal -= 3 }},
		{"creators", "creators agree", func(r *Report) { r.Creators.Equal -= 3 }},
		{"park stacks", "stacks of parks", func(r *Report) { r.ParkStacks.Equal -= 201 }},
		{"yield stacks", "stacks of yields", func(r *Report) { r.YieldStacks.Equal -= 201 }},
		{"system call stacks", "stacks of system calls", func(r *Report) { r.SyscallStacks.Equal -= 201 }},
		{"entry functions", "entry functions", func(r *Report) { r.CreateStacks.Equal -= 201 }},
		{"ranges", "GC cycles", func(r *Report) { r.Ranges.Equal-- }},
		{"creators' stacks", "stacks of creators", func(r *Report) { r.CreatorStacks.Equal -= 201 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := sound()
			test.spoil(r)
			got := strings.Join(Cell{Program: testenv.Program{Toolchain: "go1.26.8"}}.Complaints(r), "; ")
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("complaints %q, want %q", got, test.want)
			}
		})
	}
}

func TestOldTracesAreJudgedByCounts(t *testing.T) {
	cell := Cell{Program: testenv.Program{Toolchain: "go1.21.13"}}
	swapped, unequal := sound(), sound()
	swapped.kind(park).Missing, swapped.kind(park).Extra = 100, 100
	unequal.kind(park).Missing = 100
	for _, r := range []*Report{swapped, unequal} {
		r.Total = Counts{}
		r.finish()
	}
	if wrong := cell.Complaints(swapped); len(wrong) > 0 {
		t.Errorf("equal counts in another order: %v", wrong)
	}
	if wrong := cell.Complaints(unequal); len(wrong) == 0 {
		t.Error("unequal counts were not noticed")
	}
}

func TestMatrixHasARowForEachCell(t *testing.T) {
	results := []*Result{
		{Cell: Cell{Program: testenv.Program{Name: "channels", Toolchain: "go1.27.4", Mode: testenv.Plain}},
			Report: sound()},
		{Cell: Cell{Program: testenv.Program{Name: "gc", Toolchain: "go1.21.13", Mode: testenv.Plain}}, Report: sound(),
			Complaints: []string{"no good"}},
	}
	results[0].Report.Differences[CoroutineSwitch] = 77
	var b strings.Builder
	if err := WriteMatrix(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 cells, 1 of them not as they should be; 80000 moves in both recordings",
		"| go1.27.4 | plain | channels | 40000 | 100% |",
		"| go1.21.13 | plain | gc | 40000 | 100% by counts |",
		"no good |", "| 77 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the matrix lacks %q:\n%s", want, &b)
		}
	}
}

// TestTracerOddities translates the moves of goroutines in which Go's tracer speaks its own way.
func TestTracerOddities(t *testing.T) {
	move := func(k kind, reason string, thread, proc int64, stack ...string) Move {
		m := Move{From: k.from, To: k.to, Reason: reason, thread: thread, proc: proc}
		for _, f := range stack {
			m.Stack = append(m.Stack, Frame{Func: f})
		}
		return m
	}
	for _, test := range []struct {
		name  string
		moves []Move
		want  []kind
		by    DifferenceID
	}{
		{"a P found by itself", []Move{move(syscallLost, "", 7, 2), move(run, "", 7, 2)}, []kind{syscallOut},
			OwnPAfterLoss},
		{"no P found", []Move{move(syscallLost, "", 7, -1), move(run, "", 7, 2)}, []kind{syscallLost, run}, ""},
		{"run by another thread", []Move{move(syscallLost, "", 7, 2), move(run, "", 8, 2)}, []kind{syscallLost, run},
			""},
		{
			"GOMAXPROCS lowered",
			[]Move{move(yield, "runtime.Gosched", 7, 2, "main.main", "runtime.GOMAXPROCS", "runtime.startTheWorldGC"),
				move(run, "", 7, 0)},
			nil, ResizeSchedules,
		},
		{
			"a true yield",
			[]Move{move(yield, "runtime.Gosched", 7, 2, "main.main", "runtime.Gosched"), move(run, "", 7, 2)},
			[]kind{yield, run}, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := goTrace{rec: newRecording()}
			got := kinds(g.normalize(test.moves))
			if len(got) != len(test.want) {
				t.Fatalf("%v, want %v", got, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("%v, want %v", got, test.want)
				}
			}
			if n := g.rec.Differences[test.by]; test.by != "" && n != 1 || len(g.rec.Differences) > 1 {
				t.Errorf("counted %v", g.rec.Differences)
			}
		})
	}
}

func TestStackRules(t *testing.T) {
	stack := func(text string) Stack {
		s, err := parseStack(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const (
		root  = "runtime.main /p.go:1;main.main /m.go:2;main.f /m.go:3"
		inner = ";runtime.chanrecv1 /c.go:4;runtime.chanrecv /c.go:5"
		loop  = "main.g /m.go:6;main.loop /m.go:7;runtime.asyncPreempt /a.s:8"
	)
	long := strings.TrimSuffix(strings.Repeat("main.deep /m.go:9;", traceDepth), ";")
	for _, test := range []struct {
		name         string
		kind         kind
		ours, theirs string
		old, agree   bool
		by           DifferenceID
	}{
		{"equal", park, "main.f /m.go:3", "main.f /m.go:3", false, true, ""},
		{"root and leaf left out", park, root + inner, "main.main /m.go:2;main.f /m.go:3", false, true, SkippedFrames},
		{"a function of the program left out", park, root, "main.main /m.go:2", false, false, ""},
		{"ours lacks the leaf", park, "main.f /m.go:3", "main.f /m.go:3;runtime.chanrecv1 /c.go:4", false, false, ""},
		{"another line", park, "main.f /m.go:3", "main.f /m.go:4", false, false, ""},
		{"another function", park, "main.f /m.go:3", "main.h /m.go:3", false, false, ""},
		{"gopark kept", park, "runtime.gcBgMarkWorker /g.go:1", "runtime.gcBgMarkWorker /g.go:1;runtime.gopark /p.go:2",
			false, true, ""},
		{"interrupted line", yield, loop, strings.Replace(loop, ":7", ":8", 1), false, true, InterruptedLine},
		{"interrupted between inlined functions", yield, "main.g /m.go:6;main.loop /m.go:7;runtime.asyncPreempt /a.s:8",
			"main.g /m.go:6;main.loop /m.go:5;main.inlined /m.go:1;runtime.asyncPreempt /a.s:8", false, true,
			InterruptedLine},
		{"truncated by us", park, "[truncated];main.f /m.go:3;main.g /m.go:6" + inner,
			"main.e /m.go:1;main.f /m.go:3;main.g /m.go:6", false, true, SkippedFrames},
		{"truncated by us and different", park, "[truncated];main.f /m.go:3;main.g /m.go:6",
			"main.e /m.go:1;main.f /m.go:3;main.g /m.go:7", false, false, ""},
		{"another line further out", yield, loop, strings.Replace(loop, ":6", ":5", 1), false, false, ""},
		{"interrupted line of a park", park, loop, strings.Replace(loop, ":7", ":8", 1), false, false, ""},
		{"safe point of an old tracer", yield, root, "main.main /m.go:2", true, true, SafePointFrame},
		{"safe point of a new tracer", yield, root, "main.main /m.go:2", false, false, ""},
		{"truncated", park, "main.main /m.go:2;" + long, long, false, true, SkippedFrames},
		{"truncated and different", park, "main.main /m.go:2;" + long, strings.Replace(long, ":9", ":8", 3), false,
			false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			agree, by := stackRules{oldSafePoint: test.old}.agree(test.kind, stack(test.ours), stack(test.theirs))
			if agree != test.agree || agree && by != test.by && test.by != "" {
				t.Errorf("agree %v by %q, want %v by %q", agree, by, test.agree, test.by)
			}
		})
	}
}

func FuzzParseStack(f *testing.F) {
	f.Add("main.main /m.go:3;runtime.goexit")
	f.Add("main.f[go.shape.struct { A int; B string }] /with space/m.go:3")
	f.Add(";:;")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseStack(text); err == nil && len(s) == 0 && text != "" {
			t.Errorf("%q has no frames", text)
		}
	})
}

func TestReadGoTraceRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "go 1.26", "go 1.26 trace\x00\x00\x00", "no trace of anything"} {
		if rec, err := ReadGoTrace(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken for a trace of %d moves", text, rec.Len())
		}
	}
}
