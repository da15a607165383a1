package queue

import (
	"context"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// pass hands a tracker the spans of a walk.
type pass struct{ *Tracker }

func (p pass) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true}
}

func (p pass) Begin(names *replay.Names, _ *format.Metadata) { p.Tracker.Begin(names) }

func (p pass) Spans(spans []replay.Span) {
	for i := range spans {
		p.Span(&spans[i])
	}
}

func tracked(t *testing.T, name string) *Tracker {
	t.Helper()
	tracker := New()
	if _, err := replay.Run(context.Background(), golden.Trace(t, name), pass{tracker}); err != nil {
		t.Fatal(err)
	}
	return tracker
}

// TestALockThatGoesThroughAQueueIsWaitedForBecauseOfWhoHeldItLong repeats what the comment in
// convoy.trace says.
func TestALockThatGoesThroughAQueueIsWaitedForBecauseOfWhoHeldItLong(t *testing.T) {
	tracker := tracked(t, "testdata/convoy.trace")
	of := func(id format.GoID) Goroutine {
		return tracker.Of(replay.GoroutineID{PID: 1, GoID: id}, nil)
	}
	if got := of(10).AwaitedNS; got != 3*40_000_000 {
		t.Errorf("the one that held the lock for long was waited for during %d ns", got)
	}
	for id := format.GoID(20); id < 23; id++ {
		if got := of(id).AwaitedNS; got > 2_000_000 {
			t.Errorf("goroutine %d, which held it shortly, was waited for during %d ns", id, got)
		}
	}
	holders := tracker.Holders(1, of(20).entry)
	if len(holders) == 0 || tracker.names.Entry(holders[0].Entry) != "main.flush" {
		t.Errorf("the holders are %+v", holders)
	}
}

func TestOfAWaitTheLongStretchesAreRemembered(t *testing.T) {
	keeper := &Goroutine{begin: 0, end: 1000}
	for at := int64(1000); at > 900; at -= 10 {
		keeper.stretches = append(keeper.stretches, stretch{at - 10, at, format.GoID(at), 1})
	}
	keeper.stretches = append(keeper.stretches, stretch{0, 900, 7, 2})
	s := &replay.Span{Begin: 100, End: 1005, EndByGoID: 9}
	list := resolve(s, keeper)
	if len(list) != maxStretches || list[len(list)-1] != (stretch{100, 900, 7, 2}) {
		t.Errorf("got %+v", list)
	}
	at := s.End
	for _, x := range list {
		if x.end != at {
			t.Errorf("a hole before %d: %+v", at, list)
		}
		at = x.begin
	}
	if at != s.Begin {
		t.Errorf("the wait began at %d, its stretches at %d", s.Begin, at)
	}
}

func TestWorkIsWhatIsWaitedForAtTheTopOfTheLoop(t *testing.T) {
	top, below := &place{awaits: true, work: true, depth: 1}, &place{awaits: true, work: true, depth: 3}
	lock, cut := &place{awaits: true, depth: 1}, &place{awaits: true, work: true, partial: true, depth: 1}
	g := &Goroutine{}
	for _, c := range []struct {
		name string
		at   *place
		want bool
	}{
		{"the first wait, of which nothing is known", below, false}, {"the top", top, false},
		{"below the top", below, true}, {"a lock at the top", lock, true}, {"a stack cut short", cut, false},
		{"a place that is not told apart", nil, false},
	} {
		if got := g.blockedAt(c.at); got != c.want {
			t.Errorf("%s: blocked %v, want %v", c.name, got, c.want)
		}
	}
}

func TestOfTooManySpellsTheShortestIsForgotten(t *testing.T) {
	g := &Goroutine{}
	for i := range int64(100) {
		g.spell(Place{Stack: 1}, 1000)
		g.spell(Place{Stack: format.StringID(i + 2)}, 10)
	}
	found := false
	for _, k := range g.Spells {
		found = found || k.Stack == 1 && k.NS == 100_000
	}
	if !found {
		t.Errorf("got %+v", g.Spells)
	}
}
