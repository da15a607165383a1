package replay_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// threaded collects the spans of threads too.
type threaded struct{ collector }

func (c *threaded) Wants() replay.Wants {
	w := c.collector.Wants()
	w.Threads = true
	return w
}

// walkOver begins a walk over what a trace is of.
func walkOver(t *testing.T, src replay.Source, passes ...replay.Pass) *replay.Walk {
	t.Helper()
	w := replay.NewWalk(passes...)
	if err := w.Begin(src.Metadata(), src.Reasons(), src.Stacks()); err != nil {
		t.Fatal(err)
	}
	return w
}

// wholeOf is all rows of a trace.
func wholeOf(t *testing.T, src replay.Source) *format.Batch {
	t.Helper()
	whole := new(format.Batch)
	for b, err := range src.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		whole.AppendBatch(b, 0, b.Len())
	}
	return whole
}

// TestOpenSpansAreThoseThatTheEndCensors stops walks somewhere and asks twice what is open, then
// ends them.
func TestOpenSpansAreThoseThatTheEndCensors(t *testing.T) {
	open := 0
	for seed := range uint64(30) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 2000, Threads: seed%2 == 0,
			GapEvery:  int(seed%3) * 400,
			Processes: 1 + int(seed%2)})
		rows := wholeOf(t, trace)
		stop := rand.New(rand.NewPCG(seed, 0)).IntN(rows.Len() + 1)
		all := &threaded{*everything()}
		w := walkOver(t, trace, all)
		part := rows.Slice(0, stop)
		if err := w.Feed(&part); err != nil {
			t.Fatal(err)
		}
		first, ended := w.Open(), len(all.spans)
		if again := w.Open(); !reflect.DeepEqual(first, again) || len(all.spans) != ended {
			t.Fatalf("seed %d: asked again, %d spans are open and not %d", seed, len(again), len(first))
		}
		if err := w.End(trace.Metadata()); err != nil {
			t.Fatal(err)
		}
		if rest := all.spans[ended:]; len(rest)+len(first) > 0 && !reflect.DeepEqual(rest, first) {
			t.Errorf("seed %d: after %d rows these are open:\n%+v\nand these are censored:\n%+v", seed, stop, first,
				rest)
		}
		if len(w.Open()) > 0 {
			t.Errorf("seed %d: spans are open after the end", seed)
		}
		open += len(first)
	}
	if open < 100 {
		t.Errorf("only %d spans were open", open)
	}
}

func TestAWalkTakesBatchesBetweenBeginAndEnd(t *testing.T) {
	trace := simsched.New(simsched.Config{Events: 10})
	rows := wholeOf(t, trace)
	if err := replay.NewWalk(everything()).Feed(rows); err == nil {
		t.Error("a walk that has not begun takes a batch")
	}
	w := walkOver(t, trace, everything())
	if err := w.End(trace.Metadata()); err != nil {
		t.Fatal(err)
	}
	if err := w.Feed(rows); err == nil {
		t.Error("a walk that has ended takes a batch")
	}
}

func TestASummaryStaysAsItIsWhileTheWalkGoesOn(t *testing.T) {
	trace := simsched.New(simsched.Config{Events: 100})
	w := walkOver(t, trace, everything())
	if err := w.Feed(wholeOf(t, trace)); err != nil {
		t.Fatal(err)
	}
	before := w.Summary()
	have := *before.Metadata()
	meta := trace.Metadata()
	meta.Lost = have.Lost + 1
	if err := w.End(meta); err != nil {
		t.Fatal(err)
	}
	if now := before.Metadata(); !reflect.DeepEqual(*now, have) || w.Summary().Metadata().Lost != meta.Lost {
		t.Errorf("after the end an earlier summary has %d lost events; before %d", now.Lost, have.Lost)
	}
}
