package record_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
)

// gapRow is a gap of a trace, in time since the recording began.
type gapRow struct {
	from, to time.Duration
	why      format.Reason
}

// wholly says whether nothing was attached in a gap of a reason: in others, of one class or of what was
// lost, there are events.
func wholly(why format.Reason) bool {
	return why.Unwatched() == format.TransitionNone && why != format.ReasonRingFull && why != format.ReasonLate
}

// gapsOf are the gaps in which nothing was attached, and when there are events.
func gapsOf(t *testing.T, path string, startNS int64) (gaps []gapRow, events []time.Duration) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			switch e := b.At(i); e.Kind {
			case format.KindGap:
				why := format.ParseReason(trace.Reasons().Lookup(e.Reason))
				if !wholly(why) {
					continue
				}
				gaps = append(gaps, gapRow{time.Duration(e.TimeNS - startNS), time.Duration(e.EndNS - startNS), why})
			case format.KindGoroutine, format.KindThread, format.KindSample:
				events = append(events, time.Duration(e.TimeNS-startNS))
			}
		}
	}
	return gaps, events
}

// covered is how much of a time lies in gaps of a reason; ReasonNone: of any.
func covered(gaps []gapRow, from, to time.Duration, why format.Reason) (sum time.Duration) {
	for _, g := range gaps {
		if why == format.ReasonNone || g.why == why {
			sum += max(0, min(g.to, to)-max(g.from, from))
		}
	}
	return sum
}

// enoughCPU is how much the program must have had, of some nine seconds, for windows to be expected.
const enoughCPU = 2500 * time.Millisecond

// TestBudgetIsKeptWhenLoadComes records a program that rests, with everything attached; has it work,
// where that would cost far more than it may; and switches everything off for a while.
func TestBudgetIsKeptWhenLoadComes(t *testing.T) {
	testenv.RequireBPF(t)
	const budget = 0.2
	s := startService(t, "-procs=1")
	s.Ask(t, "rest")
	time.Sleep(100 * time.Millisecond)
	path, off := filepath.Join(t.TempDir(), "t.parquet"), filepath.Join(t.TempDir(), "off")
	var mu sync.Mutex
	var said []format.Reason
	var began time.Time
	stop := recordInBackground(t, s.pid(), record.Options{
		Output: path, MaxOverhead: budget, KillSwitch: off, Seed: 1,
		Begun: func(at time.Time) { mu.Lock(); began = at; mu.Unlock() },
		Governed: func(why format.Reason) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, why)
		},
	})
	time.Sleep(1500 * time.Millisecond)
	mu.Lock()
	start := began
	mu.Unlock()
	s.Ask(t, "work")
	worked := time.Since(start)
	time.Sleep(4 * time.Second)
	if err := os.WriteFile(off, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	switched := time.Since(start)
	time.Sleep(1500 * time.Millisecond)
	on := time.Since(start)
	if err := os.Remove(off); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second)
	sum := stop()
	end := time.Since(start)
	gaps, events := gapsOf(t, path, sum.Metadata.StartNS)
	g := sum.Metadata.Governor
	t.Logf("%+v; worked at %v, off at %v to %v, gaps %v", *g, worked, switched, on, gaps)

	if held := covered(gaps, switched+600*time.Millisecond, on, format.ReasonKillSwitch); held < on-
		switched-700*time.Millisecond {
		t.Errorf("while all was switched off, that is said of %v", held)
	}
	for _, at := range events {
		if covered(gaps, at-time.Microsecond, at+time.Microsecond, format.ReasonNone) > 1500 {
			around := slices.DeleteFunc(gaps, func(g gapRow) bool {
				return g.to < at-time.Second || g.from > at+time.Second
			})
			t.Fatalf("there is an event at %v, where nothing was watched: %v", at, around)
		}
	}
	needy := covered(gaps, 0, end, format.ReasonMemoryPressure) + covered(gaps, 0, end, format.ReasonThrottled)
	if g.TargetNS < int64(enoughCPU) || g.Overhead > budget || needy > 0 {
		t.Logf("the machine is too busy to say what can be paid for: the program had %v of a CPU",
			time.Duration(g.TargetNS))
		return
	}
	if before := covered(gaps, 0, worked, format.ReasonNone); before > 0 {
		t.Errorf("while it rested nothing was watched for %v", before)
	}
	late := covered(gaps, worked+time.Second, switched, format.ReasonBudget)
	if late < (switched-worked-time.Second)*6/10 {
		t.Errorf("from a second after it began to work on, probes were off for %v", late)
	}
	if again := covered(gaps, on+time.Second, end, format.ReasonNone); again > (end-on-time.Second)*999/1000 {
		t.Error("nothing was watched after the switch was gone")
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(said, []format.Reason{format.ReasonBudget, format.ReasonKillSwitch}) {
		t.Errorf("it was said: %v", said)
	}
	if g.Windows < 2 || g.TrapNS < 50 || g.DutyCycle < 0.05 || g.DutyCycle > 0.7 {
		t.Errorf("the metadata says %+v", *g)
	}
}
