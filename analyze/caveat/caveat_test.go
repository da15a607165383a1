package caveat

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// everything is a pass that wants whatever a need looks at.
type everything struct{}

func (everything) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable), Delay: true}
}

func (everything) Spans([]replay.Span) {}

// walked is what a walk says of a trace with these metadata and events.
func walked(t *testing.T, meta format.Metadata, events ...format.Event) *replay.Summary {
	t.Helper()
	trace := format.NewMemory(meta)
	trace.Reasons().Intern(format.ReasonBudget.String()) // 1
	for _, e := range events {
		trace.Append(e)
	}
	sum, err := replay.Run(context.Background(), trace, everything{})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// whole is the metadata of a trace that lacks nothing.
func whole() format.Metadata {
	return format.Metadata{StartNS: 1000, EndNS: 2000, Processes: []format.Process{{PID: 7, GOMAXPROCS: 1,
		Coverage: format.FullCoverage()}}}
}

// codes are the codes of warnings, with their transitions.
func codes(list []report.Warning) string {
	var out []string
	for _, w := range list {
		out = append(out, strings.TrimSpace(w.Code+" "+w.Transition))
	}
	return strings.Join(out, ", ")
}

func TestATraceThatLacksNothingHasNoCaveat(t *testing.T) {
	sum := walked(t, whole())
	for q := range numQuestions {
		if got := Of(q, sum); len(got) > 0 || got == nil {
			t.Errorf("question %d: %+v", q, got)
		}
	}
	if !Whole(sum) {
		t.Error("it is not whole")
	}
}

// TestEachLackIsSaidWhereItMatters spoils a whole trace in one way at a time.
func TestEachLackIsSaidWhereItMatters(t *testing.T) {
	gap := format.Event{TimeNS: 1100, EndNS: 1200, Kind: format.KindGap, PID: 7, TID: format.Unknown,
		CPU: format.Unknown, Proc: format.Unknown}
	budget := format.Event{TimeNS: 1100, EndNS: 1200, Kind: format.KindGap, PID: 7, TID: format.Unknown,
		CPU: format.Unknown, Proc: format.Unknown, Reason: 1}
	nobody := format.Event{TimeNS: 1300, Kind: format.KindGoroutine, PID: 7, TID: 1, CPU: format.Unknown,
		Proc: format.Unknown, From: format.StateRunnable, To: format.StateRunning}
	for _, c := range []struct {
		name                                 string
		spoil                                func(*format.Metadata)
		events                               []format.Event
		trace, latency, blocking, goroutines string // codes
		whole                                bool
	}{
		{"no metadata", func(m *format.Metadata) { m.Processes = nil }, nil, "metadata", "", "", "", true},
		{"killed", func(m *format.Metadata) { m.EndNS = 0 }, nil, "incomplete", "", "", "", false},
		{"a gap", nil, []format.Event{gap}, "gaps", "gaps", "gaps", "gaps", false},
		{"windows", nil, []format.Event{budget}, "windows", "windows, unread-windows", "windows, unread-windows",
			"windows, unread-windows", true},
		{"a loss", func(m *format.Metadata) { m.Lost = 3 }, nil, "gaps", "gaps", "gaps", "gaps", false},
		{"jiffies", func(m *format.Metadata) { m.ClockStepNS = 4e6 }, nil, "clock", "clock", "clock", "", true},
		{"a fine clock", func(m *format.Metadata) { m.ClockStepNS = 999 }, nil, "", "", "", "", true},
		{"a move of no goroutine", nil, []format.Event{nobody}, "problems", "problems", "problems", "problems", false},
		{"no stacks", without(format.TransitionStacks), nil, "", "", "coverage stacks", "coverage stacks", true},
		{"no exits", without(format.TransitionExit), nil, "", "", "", "coverage exit", true},
		{"no threads", without(format.TransitionKernel), nil, "", "coverage kernel", "coverage kernel", "", true},
		{"no coroutines", without(format.TransitionCoroutines), nil, "", "", "", "", true},
		{"lost stacks", func(m *format.Metadata) { m.LostStacks = 2 }, nil, "stacks", "", "stacks", "stacks", false},
		{"goroutines not read", func(m *format.Metadata) { m.Snapshots = []format.Snapshot{{Unread: 5}} }, nil,
			"unread", "", "", "unread", true},
		{"uncertain goroutines", func(m *format.Metadata) { m.Snapshots = []format.Snapshot{{Unsure: 5}} }, nil,
			"unsure", "", "", "unsure", true},
		{"another runtime", func(m *format.Metadata) {
			m.Processes[0].Modules = []format.Module{{Path: "/l.so", Other: true}}
		}, nil, "runtimes", "", "", "", true},
		{"a deleted plugin", func(m *format.Metadata) {
			m.Processes[0].Modules = []format.Module{{Path: "/p.so", Why: "it was deleted"}}
		}, nil, "modules", "", "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			meta := whole()
			if c.spoil != nil {
				c.spoil(&meta)
			}
			sum := walked(t, meta, c.events...)
			for q, want := range []string{Trace: c.trace, Latency: c.latency, Blocking: c.blocking,
				Goroutines: c.goroutines} {
				if got := codes(Of(Question(q), sum)); got != want {
					t.Errorf("question %d: %q, want %q", q, got, want)
				}
			}
			if Whole(sum) != c.whole {
				t.Errorf("whole is %v", Whole(sum))
			}
		})
	}
}

// without leaves a class of transitions out of the recording.
func without(class format.Transition) func(*format.Metadata) {
	return func(m *format.Metadata) { m.Processes[0].Coverage = format.CoverAllBut("left out", class) }
}

func TestAWarningOfOneProcessOfSeveralNamesIt(t *testing.T) {
	meta := whole()
	without(format.TransitionReady)(&meta)
	want := report.Warning{Code: "coverage", PID: 7, Transition: "ready",
		Text: "ready not recorded (left out): delays of woken goroutines are missing"}
	if got := Of(Latency, walked(t, meta)); !slices.Equal(got, []report.Warning{want}) {
		t.Errorf("alone: %+v", got)
	}
	meta.Processes = append(meta.Processes, format.Process{PID: 8, Coverage: format.FullCoverage()})
	want.Text = "process 7: " + want.Text
	if got := Of(Latency, walked(t, meta)); !slices.Equal(got, []report.Warning{want}) {
		t.Errorf("beside another: %+v", got)
	}
}

// TestTheTableIsWhole: a row that nobody can be told of is of no use, and one class has one row.
func TestTheTableIsWhole(t *testing.T) {
	codes := map[string]int{}
	for _, n := range needs {
		codes[n.code]++
		if n.effects == (effects{}) && n.weight == tabled && len(n.betters) == 0 {
			t.Errorf("%s concerns no question", n.code)
		}
		for _, e := range n.effects {
			if strings.HasSuffix(e, ".") || e != strings.TrimSpace(e) {
				t.Errorf("%s: %q does not end a sentence", n.code, e)
			}
		}
	}
	for code, n := range codes {
		if n > 1 && code != "coverage" {
			t.Errorf("%s has %d rows", code, n)
		}
	}
}

// TestWhatAQuestionCanDoWithout: of classes that a recording for a question has not, the answer must not
// say that figures are wrong.
func TestWhatAQuestionCanDoWithout(t *testing.T) {
	for name, want := range map[string]string{
		"latency":          "park syscalls coroutines cgo gc kernel stacks samples descriptors",
		"blocking":         "",
		"goroutines":       "gc kernel samples",
		"requests":         "descriptors",
		"latency,requests": "descriptors",
	} {
		classes, ok := Unneeded(strings.Split(name, ",")...)
		var got []string
		for _, c := range classes {
			got = append(got, c.String())
		}
		if !ok || strings.Join(got, " ") != want {
			t.Errorf("%s can do without %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", "rounds", "speed"} {
		if _, ok := Unneeded(name); ok {
			t.Errorf("%q is a question", name)
		}
	}
}

func TestMergeSaysEachOnce(t *testing.T) {
	got := Merge(
		[]report.Warning{{Code: "gaps", Text: "lost: delays"}, {Code: "coverage", PID: 1, Transition: "park"}},
		[]report.Warning{{Code: "gaps", Text: "lost: waits"}, {Code: "coverage", PID: 1, Transition: "park"},
			{Code: "coverage", PID: 2, Transition: "park"}, {Code: "coverage", PID: 1, Transition: "ready"}})
	want := []report.Warning{{Code: "gaps", Text: "lost: delays"}, {Code: "coverage", PID: 1, Transition: "park"},
		{Code: "coverage", PID: 2, Transition: "park"}, {Code: "coverage", PID: 1, Transition: "ready"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestRepeatCountsRecordings(t *testing.T) {
	park, ready := report.Warning{Code: "coverage", Transition: "park", PID: 1}, report.Warning{Code: "coverage",
		Transition: "ready", PID: 1}
	other := park
	other.PID = 2
	got := Repeat([][]report.Warning{{park, other}, nil, {park}}, [][]report.Warning{{ready, other}})
	if len(got) != 2 || got[0].Warning != park || !slices.Equal(got[0].Recordings, []int{2, 1}) ||
		got[1].Warning != ready || !slices.Equal(got[1].Recordings, []int{0, 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestTooFew(t *testing.T) {
	list := []stats.Quantile{stats.P999, stats.P50}
	if w, few := TooFew(999, "delay", list); !few || w.Count != 999 ||
		w.Text != "only 999 delays: p99.9 needs at least "+
			"1,000 to differ from the longest" {
		t.Errorf("%v, %+v", few, w)
	}
	if _, few := TooFew(1000, "delay", list); few {
		t.Error("1,000 are too few")
	}
}

// TestEveryClassOfTransitionsHasItsEffect fails where a class is added and nobody said what answers
// are worth without it.
func TestEveryClassOfTransitionsHasItsEffect(t *testing.T) {
	without := map[format.Transition]string{
		format.TransitionCoroutines:  "moves that contradict what was seen before are counted as problems",
		format.TransitionSamples:     "results say of running code that it ran until it stopped somewhere",
		format.TransitionDescriptors: "results name the code that waits for a descriptor, and not which that is",
		format.TransitionCgo:         "goroutines of C threads are not in the trace, and no question counts them",
	}
	for _, transition := range format.Transitions() {
		meta := whole()
		meta.Processes[0].Coverage = format.CoverAllBut("", transition)
		sum, said := walked(t, meta), false
		for q := range numQuestions {
			said = said || slices.ContainsFunc(Of(q, sum), func(w report.Warning) bool {
				return w.Transition == transition.String()
			})
		}
		if _, excepted := without[transition]; said == excepted {
			t.Errorf("%v: said in a warning: %v, excepted: %v", transition, said, excepted)
		}
	}
}

// TestARecordingWithoutMovesIsRefused: what has rounds alone answers some questions, and says of the
// others in a sentence why not.
func TestARecordingWithoutMovesIsRefused(t *testing.T) {
	meta := whole()
	meta.GoroutineSampling = &format.GoroutineSampling{RatePerS: 20}
	if Sampled(&meta) || Refuse(Latency, &meta) != nil {
		t.Error("rounds beside moves are taken for all there is")
	}
	meta.Processes[0].Coverage = format.CoverAllBut("sampled", format.Transitions()...)
	for q := range numQuestions {
		err := Refuse(q, &meta)
		refused := q == Latency || q == Requests || q == Comparison || q == Lengths
		if (err != nil) != refused {
			t.Errorf("question %d: %v", q, err)
		}
		if err != nil && !strings.HasSuffix(err.Error(), recordMoves) {
			t.Errorf("%q does not say what to do", err)
		}
	}
	if got := codes(Of(Trace, walked(t, meta))); got != "sampled" {
		t.Errorf("the trace has %q", got)
	}
}

// TestWhatIsWrongWithRoundsIsSaid has rounds that were late, left out, or of some goroutines alone.
func TestWhatIsWrongWithRoundsIsSaid(t *testing.T) {
	meta := whole()
	meta.Processes[0].Rounds = &format.Rounds{Made: 100, Late: 3, LeftOut: 1, Skipped: 1, Weighted: 2}
	round := format.NoEvent
	round.Kind, round.PID, round.TimeNS, round.EndNS = format.KindRound, 7, 1100, 1101
	if got := codes(Of(Rounds, walked(t, meta, round))); got != "few-rounds, late-rounds, skipped-rounds, weights" {
		t.Errorf("got %q", got)
	}
	meta.Processes[0].Rounds = &format.Rounds{Made: 100, Late: 1}
	if got := codes(Of(Trace, walked(t, meta, round))); got != "" {
		t.Errorf("one of a hundred is said: %q", got)
	}
}

// TestRoundsThatWereNotMadeSayWhy: those left out at random and those skipped are told apart.
func TestRoundsThatWereNotMadeSayWhy(t *testing.T) {
	for want, r := range map[string]format.Rounds{
		"4 rounds left out at random, to keep within what they may cost, and 1 round skipped, because " +
			"another was being read, beside 30 rounds": {Made: 30, LeftOut: 4, Skipped: 1},
		"3 rounds skipped, because another was being read, beside 30 rounds": {Made: 30, Skipped: 3},
	} {
		meta := format.Metadata{Processes: []format.Process{{PID: 1, Rounds: &r}}}
		sum, err := replay.Run(t.Context(), format.NewMemory(meta))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(Of(Rounds, sum), func(w report.Warning) bool {
			return w.Code == "skipped-rounds" && strings.HasPrefix(w.Text, want)
		})
		if !found {
			t.Errorf("no warning says %q", want)
		}
	}
}
