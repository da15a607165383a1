package instant_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines/instant"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func at(tb testing.TB, trace replay.Source, atNS int64) *instant.Result {
	tb.Helper()
	pass := instant.New(atNS)
	sum, err := replay.Run(context.Background(), trace, pass)
	if err != nil {
		tb.Fatal(err)
	}
	return pass.Result(sum)
}

func dump(tb testing.TB, r *instant.Result) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, pid := range r.PIDs() {
		if err := profile.WriteDump(&out, r.Profile(pid)); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestEveryStateIsWrittenAsACrashDoes(t *testing.T) {
	trace := golden.Trace(t, "testdata/states.trace")
	golden.Check(t, "testdata/states.txt", dump(t, at(t, trace, 1000500)))
}

func TestTheInstantDecidesWhatIsThere(t *testing.T) {
	trace := golden.Trace(t, "testdata/states.trace")
	for _, c := range []struct {
		name    string
		atNS    int64
		goids   []format.GoID
		unknown int
	}{
		{"at the beginning only those in the process's memory are there", 1000000, []format.GoID{1, 6}, 0},
		{"one that is created at the instant is there", 1000450, []format.GoID{1, 2, 3, 4, 5, 6}, 0},
		{"one that ends at the instant is gone", 1000140, []format.GoID{1, 2, 3, 4, 6}, 0},
		{"in a gap nothing is known", 1000750, nil, 7},
		{"after a gap only those seen again are known", 1000850, []format.GoID{2}, 6},
		{"before the recording there is nothing", 999000, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := at(t, trace, c.atNS)
			var goids []format.GoID
			for _, g := range r.Goroutines {
				goids = append(goids, g.GoID)
			}
			if !reflect.DeepEqual(goids, c.goids) || r.Unknown != c.unknown {
				t.Errorf("got %v and %d unknown, want %v and %d", goids, r.Unknown, c.goids, c.unknown)
			}
		})
	}
}

func TestOnlyABeginningThatWasSeenIsGiven(t *testing.T) {
	r := at(t, golden.Trace(t, "testdata/states.trace"), 1000500)
	for _, g := range r.Goroutines {
		if met := g.GoID == 1 || g.GoID == 6; met != (g.SinceNS == nil) {
			t.Errorf("goroutine %d: since %v", g.GoID, g.SinceNS)
		}
	}
}

// TestGoroutinesAtAnInstantAreThoseOfTheSpans asks random schedules at random instants and compares with a walk that keeps all spans.
func TestGoroutinesAtAnInstantAreThoseOfTheSpans(t *testing.T) {
	for seed := range uint64(20) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 2000, Processes: 2, GapEvery: 500})
		all := new(everySpan)
		sum, err := replay.Run(context.Background(), trace, all)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 5 {
			atNS := sum.BeginNS + rng.Int64N(sum.DurationNS())
			r := at(t, trace, atNS)
			if want := all.at(atNS); len(r.Goroutines) != want {
				t.Fatalf("seed %d: %d goroutines, the spans say %d", seed, len(r.Goroutines), want)
			}
			again, err := profile.Parse(bytes.NewReader(dump(t, r)))
			if len(r.Goroutines) > 0 && (err != nil || len(again.Groups) != len(r.Goroutines)) {
				t.Fatalf("seed %d: the dump of %d goroutines is read as %+v, %v", seed, len(r.Goroutines), again, err)
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

func (e *everySpan) at(atNS int64) int {
	n := 0
	for i := range e.spans {
		if s := &e.spans[i]; s.Begin <= atNS && atNS < s.End && s.Flags&replay.EndUnseen == 0 {
			n++
		}
	}
	return n
}
