package replay_test

import (
	"context"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

func FuzzReplay(f *testing.F) {
	for _, data := range simsched.AnySeeds() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		trace := simsched.Any(data)
		all := everything()
		sum, err := replay.Run(context.Background(), trace, all)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Events != trace.Rows() {
			t.Fatalf("%d events, the trace has %d", sum.Events, trace.Rows())
		}
		end := int64(-1 << 63)
		for _, s := range all.spans {
			if s.End < end || s.End < s.Begin {
				t.Fatalf("%+v ends before its beginning or before the span before it, at %d", s, end)
			}
			end = s.End
			if s.Flags == 0 && s.State == format.StateRunnable && s.Next == format.StateRunning {
				checkDelay(t, &s)
			}
		}
	})
}

// checkDelay fails the test where the parts of a delay are not its length taken apart.
func checkDelay(t *testing.T, s *replay.Span) {
	t.Helper()
	sum := int64(0)
	for p, ns := range s.Delay {
		if sum += ns; ns < 0 {
			t.Fatalf("%+v has less than nothing of %s", *s, replay.Part(p))
		}
	}
	if sum != s.Len() {
		t.Fatalf("%+v lasts %d ns, its parts %d", *s, s.Len(), sum)
	}
}

func TestRunRefusesBatchesThatAreNoEvents(t *testing.T) {
	for name, spoil := range map[string]func(*format.Batch){
		"a state that does not exist": func(b *format.Batch) { b.To[0] = 6 },
		"a kind that does not exist":  func(b *format.Batch) { b.Kind[0] = format.NumKinds },
		"a column that is too short":  func(b *format.Batch) { b.GoID = nil },
	} {
		trace := simsched.Any(make([]byte, 1+simsched.EventBytes))
		spoil(&trace.Events)
		if _, err := replay.Run(context.Background(), spoiled{trace}, everything()); err == nil {
			t.Errorf("%s is replayed", name)
		}
	}
}

func TestRunStopsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := replay.Run(ctx, simsched.Any(make([]byte, 1+simsched.EventBytes)), everything()); err == nil {
		t.Error("a walk goes on after its context has ended")
	}
}
