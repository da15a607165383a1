package replay

import (
	"testing"

	"github.com/gosched/gosched/format"
)

// waits keeps every span of waiting.
type waits struct{ spans []Span }

func (w *waits) Wants() Wants { return Wants{States: AllStates} }
func (w *waits) Spans(spans []Span) {
	for _, s := range spans {
		if s.State == format.StateWaiting {
			w.spans = append(w.spans, s)
		}
	}
}

// TestAProcessThatCameLaterIsKnownSinceThen has two processes with a goroutine each that was found
// waiting: of the one that came later nothing is said of the time before.
func TestAProcessThatCameLaterIsKnownSinceThen(t *testing.T) {
	m := format.NewMemory(format.Metadata{StartNS: 1000, Processes: []format.Process{
		{PID: 1, Coverage: format.FullCoverage()}, {PID: 2, BeginNS: 5003, Coverage: format.FullCoverage()},
	}})
	wakes := format.Event{TimeNS: 6000, Kind: format.KindGoroutine, GoID: 7, From: format.StateWaiting,
		To: format.StateRunnable}
	wakesOther := wakes
	wakes.PID, wakesOther.PID = 1, 2
	for _, e := range []format.Event{
		{TimeNS: 1100, PID: 1, Kind: format.KindSnapshot, GoID: 7, To: format.StateWaiting},
		{TimeNS: 5000, PID: 2, Kind: format.KindSnapshot, GoID: 7, To: format.StateWaiting}, // its time is rounded
		wakes, wakesOther,
	} {
		m.Events.Append(e)
	}
	m.Meta.EndNS = 7000
	var w waits
	sum, err := Run(t.Context(), m, &w)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.spans) != 2 || w.spans[0].Begin != 1000 || w.spans[1].Begin != 5000 {
		t.Errorf("the spans are %+v", w.spans)
	}
	if got := sum.DurationOf(2); got != 2000 || sum.DurationOf(1) != 6000 || sum.GapShare() != 0 {
		t.Errorf("the process that came later was observed for %d, in gaps %g", got, sum.GapShare())
	}
}
