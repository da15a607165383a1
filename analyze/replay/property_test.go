package replay_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// collector keeps every span.
type collector struct {
	states      replay.States
	delay       bool
	spans       []replay.Span
	ranges      []replay.Range
	limits      []replay.Limit
	descriptors []replay.Descriptor
	suspensions []replay.Suspension
	windows     []replay.Window
}

func (c *collector) Wants() replay.Wants {
	return replay.Wants{States: c.states, Details: true, Delay: c.delay}
}
func (c *collector) Spans(spans []replay.Span)      { c.spans = append(c.spans, spans...) }
func (c *collector) Range(r replay.Range)           { c.ranges = append(c.ranges, r) }
func (c *collector) Descriptor(d replay.Descriptor) { c.descriptors = append(c.descriptors, d) }
func (c *collector) Limit(l replay.Limit)           { c.limits = append(c.limits, l) }
func (c *collector) Window(w replay.Window)         { c.windows = append(c.windows, w) }
func (c *collector) Suspension(s replay.Suspension) { c.suspensions = append(c.suspensions, s) }
func everything() *collector                        { return &collector{states: replay.AllStates, delay: true} }

type identity struct {
	pid  int32
	goid format.GoID
}

// tile fails the test where the spans of a goroutine overlap or leave a hole.
func tile(t *testing.T, spans []replay.Span) {
	t.Helper()
	last := map[identity]replay.Span{}
	ends := map[int32]int64{}
	for _, s := range spans {
		id := identity{s.PID, s.GoID}
		end, handedOut := ends[s.PID]
		before, ok := last[id]
		switch {
		case handedOut && s.End < end:
			t.Fatalf("%+v is handed out after a span that ended later, at %d", s, end)
		case s.End < s.Begin:
			t.Fatalf("%+v ends before it begins", s)
		case !ok:
		case before.Flags&replay.CensoredRight != 0:
			if s.Begin < before.End || s.Flags&replay.CensoredLeft == 0 && s.Why != replay.WhyCreated {
				t.Fatalf("%+v follows a gap after %+v", s, before)
			}
		case s.Begin != before.End:
			t.Fatalf("%+v does not begin where %+v ended", s, before)
		case before.Next != s.State && before.Flags&replay.EndUnseen == 0:
			t.Fatalf("%+v is not the state that %+v went to", s, before)
		}
		last[id], ends[s.PID] = s, s.End
	}
}

func TestSpansTileEveryGoroutinesLife(t *testing.T) {
	for seed := range uint64(60) {
		cfg := simsched.Config{Seed: seed, Threads: seed%2 == 1, Events: 3000, Goroutines: 1 + int(seed),
			Procs: 1 + int(seed%5), Processes: 1 + int(seed%3), GapEvery: int(seed%4) * 150}
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			trace := simsched.New(cfg)
			all := everything()
			sum, err := replay.Run(context.Background(), trace, all)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Counts.Total() != 0 {
				t.Fatalf("problems in a legal trace: %v %+v", sum.Counts, sum.Problems)
			}
			tile(t, all.spans)
			onePerProc(t, all.spans)
			lives(t, all.spans, sum)
			delays(t, all.spans, cfg.Threads)
		})
	}
}

// onePerProc fails the test where two running spans on one P overlap.
func onePerProc(t *testing.T, spans []replay.Span) {
	t.Helper()
	until := map[[2]int32]int64{}
	for _, s := range spans {
		if s.State != format.StateRunning || s.Proc == format.Unknown || s.Flags&replay.CensoredLeft != 0 {
			continue
		}
		key := [2]int32{s.PID, s.Proc}
		if s.Begin < until[key] {
			t.Fatalf("%+v begins while another goroutine runs on its P until %d", s, until[key])
		}
		until[key] = s.End
	}
}

// lives checks that the states' totals are the sum of the goroutines' lives, counted another way.
func lives(t *testing.T, spans []replay.Span, sum *replay.Summary) {
	t.Helper()
	var total int64
	first, last := map[identity]int64{}, map[identity]int64{}
	var apart int64 // time between the spans of a goroutine
	for _, s := range spans {
		id := identity{s.PID, s.GoID}
		if end, ok := last[id]; ok {
			apart += s.Begin - end
		} else {
			first[id] = s.Begin
		}
		last[id] = s.End
		total += s.Len()
		if s.Begin < sum.BeginNS || s.End > sum.EndNS {
			t.Fatalf("%+v lies outside of [%d, %d]", s, sum.BeginNS, sum.EndNS)
		}
	}
	var life int64
	for id := range first {
		life += last[id] - first[id]
	}
	if life-apart != total {
		t.Fatalf("states last %d ns together, lives %d", total, life-apart)
	}
	if int64(len(first)) > sum.Goroutines {
		t.Fatalf("%d goroutines have spans, the summary knows %d", len(first), sum.Goroutines)
	}
}

// delays checks that the parts of every delay add up, and that with threads most are taken apart.
func delays(t *testing.T, spans []replay.Span, threads bool) {
	t.Helper()
	var n, known int
	for i := range spans {
		s := &spans[i]
		if s.State != format.StateRunnable || s.Flags != 0 || s.Next != format.StateRunning {
			continue
		}
		checkDelay(t, s)
		n++
		if s.Delay[replay.PartUnknown] == 0 {
			known++
		}
	}
	if threads && known*2 < n {
		t.Errorf("%d of %d delays are taken apart", known, n)
	}
}

func TestRunAllocatesNothingPerEvent(t *testing.T) {
	trace := simsched.New(simsched.Config{Events: 400_000, Goroutines: 500, GapEvery: 50_000})
	walk := func(tr *simsched.Trace) float64 {
		return testing.AllocsPerRun(2, func() {
			if _, err := replay.Run(context.Background(), tr, &sink{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	short, long := walk(trace.Half()), walk(trace)
	if long > short+50 {
		t.Errorf("%v allocations for half of the trace, %v for all of it: memory grows with the trace", short, long)
	}
}

// sink takes all spans and keeps their total length.
type sink struct{ total int64 }

func (s *sink) Wants() replay.Wants { return replay.Wants{States: replay.AllStates} }

func (s *sink) Spans(spans []replay.Span) {
	for i := range spans {
		s.total += spans[i].Len()
	}
}

func BenchmarkReplay(b *testing.B) {
	for _, goroutines := range []int{20, 10_000} {
		trace := simsched.New(simsched.Config{Events: 2_000_000, Goroutines: goroutines})
		for name, want := range map[string]replay.Wants{
			"runnable":       {States: replay.StatesOf(format.StateRunnable)},
			"runnable+delay": {States: replay.StatesOf(format.StateRunnable), Delay: true},
			"all":            {States: replay.AllStates, Details: true, Delay: true},
		} {
			b.Run(fmt.Sprintf("%d goroutines/%s", goroutines, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := replay.Run(context.Background(), trace, &counter{want: want}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(trace.Len())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
			})
		}
	}
}

type counter struct {
	want replay.Wants
	n    int
}

func (c *counter) Wants() replay.Wants       { return c.want }
func (c *counter) Spans(spans []replay.Span) { c.n += len(spans) }
