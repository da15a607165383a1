package goroutines_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func at(tb testing.TB, trace replay.Source, timeNS int64) (prof *profile.Profile, lost int64) {
	tb.Helper()
	pass := goroutines.At(timeNS)
	if _, err := replay.Run(context.Background(), trace, pass); err != nil {
		tb.Fatal(err)
	}
	return pass.Profile()
}

func dumped(tb testing.TB, prof *profile.Profile) string {
	tb.Helper()
	var out bytes.Buffer
	if err := profile.WriteDump(&out, prof); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestEveryStateAtAnInstantIsWrittenAsACrashDoes(t *testing.T) {
	prof, _ := at(t, golden.Trace(t, "testdata/at.trace"), 1000500)
	golden.Check(t, "testdata/at.txt", []byte(dumped(t, prof)))
}

func TestTheInstantDecidesWhatIsThere(t *testing.T) {
	trace := golden.Trace(t, "testdata/at.trace")
	for _, c := range []struct {
		name   string
		timeNS int64
		goids  []format.GoID
		lost   int64
	}{
		{"at the beginning only those in the process's memory are there", 1000000, []format.GoID{1, 6}, 0},
		{"one that is created at the instant is there", 1000450, []format.GoID{1, 2, 3, 4, 5, 6}, 0},
		{"one that ends at the instant is gone", 1000140, []format.GoID{1, 2, 3, 4, 6}, 0},
		{"in a gap nothing is known", 1000750, nil, 7},
		{"after a gap only those seen again are known", 1000850, []format.GoID{2}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			prof, lost := at(t, trace, c.timeNS)
			var goids []format.GoID
			for _, g := range prof.Groups {
				goids = append(goids, g.GoID)
			}
			if !reflect.DeepEqual(goids, c.goids) || lost != c.lost {
				t.Errorf("got %v and %d lost, want %v and %d", goids, lost, c.goids, c.lost)
			}
		})
	}
}

func TestWhatIsNotKnownAtAnInstantIsNotMadeUp(t *testing.T) {
	const head = "gosched text trace 1\n" +
		`metadata {"schema_version":1,"source":"ebpf","start_ns":1000000,"end_ns":1001000,"processes":` +
		`[{"pid":1,"command":"p","executable":"/p","go_version":"go1.26.8","gomaxprocs":3,"coverage":[]}]}` +
		"\ncovered all\nbase 1000000\n" +
		"0 snapshot g2 _->waiting pid=1 reason=\"chan receive\" stack=\"main.old /m.go:1\"\n"
	for _, c := range []struct {
		name, rows, dump string
		lost             int64
	}{
		{
			"a wait whose stack was lost is not at the place of the one before",
			"10 g2 waiting->runnable pid=1\n20 g2 runnable->running pid=1 proc=0\n30 g2 running->waiting pid=1 " +
				"proc=0 reason=select\n",
			"goroutine 2 [select]:\n\tstack not in the trace\n", 0,
		},
		{
			"a state that ended nobody knows when is not claimed",
			"900 g2 running->waiting pid=1 proc=0 reason=select stack=\"main.new /m.go:9\"\n",
			"", 1,
		},
		{
			"the place before a gap is not that after it",
			"100 gap pid=1 end_ns=200 reason=lost\n600 g2 runnable->running pid=1 proc=0\n",
			"goroutine 2 [runnable]:\n\tstack not in the trace\n", 0,
		},
		{
			"a goroutine that moved while it was read has an entry function and no more",
			"400 g2 waiting->runnable pid=1\n450 g2 runnable->running pid=1 proc=0\n460 g2 running->notexist " +
				"pid=1\n490 snapshot g3 _->waiting pid=1 reason=select stack=\"main.entry /m.go:3;[running]\"\n",
			"goroutine 3 [select]:\nmain.entry(...)\n\t/m.go:3\n...additional frames elided...\n", 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, err := format.ParseText(strings.NewReader(head + c.rows))
			if err != nil {
				t.Fatal(err)
			}
			prof, lost := at(t, trace, 1000500)
			if got := dumped(t, prof); got != c.dump || lost != c.lost {
				t.Errorf("got %q and %d lost, want %q and %d", got, lost, c.dump, c.lost)
			}
		})
	}
}

// TestGoroutinesAtAnInstantAreThoseOfTheSpans asks random schedules at random instants, and reads
// the dumps again.
func TestGoroutinesAtAnInstantAreThoseOfTheSpans(t *testing.T) {
	for seed := range uint64(20) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 2000, GapEvery: 500})
		all := new(everySpan)
		sum, err := replay.Run(context.Background(), trace, all)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 5 {
			timeNS := sum.BeginNS + rng.Int64N(sum.DurationNS())
			prof, _ := at(t, trace, timeNS)
			if want := all.at(timeNS); len(prof.Groups) != want {
				t.Fatalf("seed %d: %d goroutines, the spans say %d", seed, len(prof.Groups), want)
			}
			for i := range prof.Groups { // a dump hides type arguments
				g := &prof.Groups[i]
				g.Stack = strings.ReplaceAll(g.Stack, "[go.shape.int]", "[...]")
			}
			again, err := profile.Parse(strings.NewReader(dumped(t, prof)))
			if len(prof.Groups) > 0 && (err != nil || !reflect.DeepEqual(again.Groups, prof.Groups)) {
				t.Fatalf("seed %d: the dump of\n%+v\nis read as\n%+v, %v", seed, prof.Groups, again, err)
			}
		}
	}
}

// everySpan keeps all spans.
type everySpan struct{ spans []replay.Span }

func (e *everySpan) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true}
}

func (e *everySpan) Spans(spans []replay.Span) { e.spans = append(e.spans, spans...) }

func (e *everySpan) at(timeNS int64) int {
	n := 0
	for i := range e.spans {
		if s := &e.spans[i]; s.Begin <= timeNS && timeNS < s.End && s.Flags&replay.EndUnseen == 0 {
			n++
		}
	}
	return n
}

// TestGoroutinesOfTwoProcessesAreToldApartAtAnInstant asks of two processes whose goroutines have
// the same ids.
func TestGoroutinesOfTwoProcessesAreToldApartAtAnInstant(t *testing.T) {
	trace, err := format.ParseText(strings.NewReader("gosched text trace 1\n" +
		`metadata {"schema_version":1,"source":"ebpf","start_ns":1000000,"end_ns":1001000,"processes":` +
		`[{"pid":1,"command":"p","executable":"/p","go_version":"go1.26.8","gomaxprocs":1,"coverage":[]}]}` +
		"\ncovered all\nbase 1000000\n" +
		"0 snapshot g2 _->waiting pid=1 reason=select stack=\"main.f /m.go:1\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	alone, _ := at(t, trace, 1000500)
	both, _ := at(t, passtest.Doubled(trace), 1000500)
	if got, want := dumped(t, alone), "goroutine 2 [select]:\nmain.f(...)\n\t/m.go:1\n"; got != want {
		t.Errorf("alone: %q, want %q", got, want)
	}
	want := "goroutine 2 [select labels:{\"pid\": \"1\"}]:\nmain.f(...)\n\t/m.go:1\n\n" +
		"goroutine 2 [select labels:{\"pid\": \"1048577\"}]:\nmain.f(...)\n\t/m.go:1\n"
	if got := dumped(t, both); got != want {
		t.Errorf("beside another: %q, want %q", got, want)
	}
}
