package replay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// threadCollector keeps the spans of goroutines and threads apart.
type threadCollector struct{ goroutines, threads []replay.Span }

func (c *threadCollector) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Threads: true}
}

func (c *threadCollector) Spans(spans []replay.Span) {
	for _, s := range spans {
		if s.Thread {
			c.threads = append(c.threads, s)
		} else {
			c.goroutines = append(c.goroutines, s)
		}
	}
}

func TestThreadSpansTileAndLeaveGoroutinesAlone(t *testing.T) {
	for seed := range uint64(20) {
		cfg := simsched.Config{Seed: seed, Threads: true, Events: 3000, Processes: 1 + int(seed%3),
			GapEvery: int(seed%4) * 150}
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			both, alone := &threadCollector{}, &collector{states: replay.AllStates}
			if _, err := replay.Run(context.Background(), simsched.New(cfg), both, alone); err != nil {
				t.Fatal(err)
			}
			if len(both.threads) == 0 {
				t.Fatal("no thread spans")
			}
			tileThreads(t, both.threads)
			if !slices.Equal(both.goroutines, alone.spans) {
				t.Error("the spans of goroutines are not those of a pass without threads")
			}
		})
	}
}

func tileThreads(t *testing.T, spans []replay.Span) {
	t.Helper()
	last := map[[2]int32]replay.Span{}
	for _, s := range spans {
		key := [2]int32{s.PID, s.TID}
		before, ok := last[key]
		switch {
		case s.End < s.Begin:
			t.Fatalf("%+v ends before it begins", s)
		case !ok || before.Flags&replay.CensoredRight != 0:
		case s.Begin != before.End:
			t.Fatalf("%+v does not begin where %+v ended", s, before)
		case before.Next != s.State:
			t.Fatalf("%+v is not the state that %+v went to", s, before)
		}
		last[key] = s
	}
}

func TestClassesHaveNames(t *testing.T) {
	for reason, want := range map[string]string{
		"chan send": "channel", "IO wait": "network", "network": "network", "sync": "sync",
		"sync.RWMutex.RLock": "mutex", "sleep": "timer",
		"GC assist wait": "GC", "finalizer wait": "runtime idle", "select (no cases)": "forever", "": "other",
		"something new": "other",
	} {
		if got := replay.ClassOf(reason).String(); got != want {
			t.Errorf("ClassOf(%q) = %s; want %s", reason, got, want)
		}
	}
}

// TestThreadSpansByHand is a thread that is preempted, comes back, sleeps and is woken.
func TestThreadSpansByHand(t *testing.T) {
	c := &threadCollector{}
	sum, err := replay.Run(context.Background(), threadTrace(t), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.threads {
		got = append(got, fmt.Sprintf("%d-%d %s %s g%d", s.Begin-sum.BeginNS, s.End-sum.BeginNS, s.State,
			sum.Names().Reason(s.Reason), s.GoID))
	}
	want := []string{"0-10 running  g1", "10-25 runnable stress g1", "25-40 running  g1", "40-60 waiting sleeping g0",
		"60-61 runnable  g0", "61-70 running  g0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func threadTrace(t *testing.T) *format.Memory {
	t.Helper()
	m := format.NewMemory(format.Metadata{SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, StartNS: 1000,
		EndNS: 1070})
	reasons := m.Reasons()
	row := func(at int64, from, to format.State, reason string, goid format.GoID) {
		e := format.NoEvent
		e.TimeNS, e.Kind, e.PID, e.TID, e.From, e.To, e.GoID = 1000+at, format.KindThread, 7, 8, from, to, goid
		if reason != "" {
			e.Reason = reasons.Intern(reason)
		}
		m.Append(e)
	}
	row(0, format.StateRunnable, format.StateRunning, "", 1)
	row(10, format.StateRunning, format.StateRunnable, "stress", 1)
	row(25, format.StateRunnable, format.StateRunning, "", 1)
	row(40, format.StateRunning, format.StateWaiting, "sleeping", 1)
	row(60, format.StateWaiting, format.StateRunnable, "", 0)
	row(61, format.StateRunnable, format.StateRunning, "", 0)
	return m
}
