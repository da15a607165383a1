package rounds_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/rounds"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func question(v rounds.View) passtest.Question {
	return func(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
		p := rounds.New()
		return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
			r := p.Result(sum)
			return passtest.Answer{Result: r, Document: func() *report.Document { return r.Document(v) }}
		}
	}
}

func TestCutsChangeNothing(t *testing.T) {
	passtest.Cuts(t, question(rounds.View{}))
	for seed := range uint64(4) {
		cfg := simsched.Config{Seed: seed, Events: 1500, Processes: 1 + int(seed%2), Churn: 2 + int(seed)*5}
		trace := simsched.Rounds(simsched.New(cfg), simsched.Sampling{Seed: seed, Every: 3000, Nth: int32(seed % 3)})
		passtest.CheckCuts(t, trace, question(rounds.View{}), seed)
	}
}

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question(rounds.View{})) }

// spent is how long the goroutines of a schedule were where, by what rounds call it.
type spent struct {
	names *replay.Names
	ns    map[string]int64
	total int64
}

func (p *spent) Wants() replay.Wants { return replay.Wants{States: replay.AllStates, Details: true} }

func (p *spent) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

func (p *spent) Spans(list []replay.Span) {
	for i := range list {
		s := &list[i]
		reason := s.State.String()
		if s.State == format.StateWaiting {
			reason = p.names.Reason(s.Reason)
		}
		p.total += s.Len()
		p.ns["state "+s.State.String()] += s.Len()
		p.ns["reason "+reason] += s.Len()
		p.ns["entry "+p.names.Entry(s.Entry)] += s.Len()
	}
}

// TestSharesOfASchedule samples simulated schedules again and again: nearly all shares of the
// schedules have to be in their intervals.
func TestSharesOfASchedule(t *testing.T) {
	for _, c := range []struct {
		name string
		simsched.Config
		simsched.Sampling
	}{
		{"many that come and go", simsched.Config{Goroutines: 60, Churn: 3}, simsched.Sampling{Every: 2000}},
		{"rounds that read every third", simsched.Config{Goroutines: 60}, simsched.Sampling{Every: 2000, Nth: 3}},
		{"few rounds", simsched.Config{Goroutines: 20}, simsched.Sampling{Every: 10_000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			held, all := map[string]int{}, map[string]int{}
			for trial := range uint64(trials) {
				c.Config.Seed, c.Sampling.Seed, c.Events = trial/10, trial, 4000
				check(t, simsched.New(c.Config), c.Sampling, held, all)
			}
			for what, n := range all {
				if n > trials/2 && held[what]*100 < n*95 {
					t.Errorf("%s: %d of %d intervals have the share of the schedule", what, held[what], n)
				}
			}
			if len(all) < 10 {
				t.Errorf("only %d shares are compared", len(all))
			}
		})
	}
}

const trials = 100

// check samples a schedule and counts which of its shares are in their intervals.
func check(t *testing.T, schedule *simsched.Trace, s simsched.Sampling, held, all map[string]int) {
	t.Helper()
	truth := &spent{ns: map[string]int64{}}
	full, err := replay.Run(context.Background(), schedule, truth)
	if err != nil {
		t.Fatal(err)
	}
	p := rounds.New()
	sum, err := replay.Run(context.Background(), simsched.Rounds(schedule, s), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range p.Result(sum).Processes[0].Shares {
		what := fmt.Sprint(share.By, " ", share.Name)
		ns, ok := truth.ns[what]
		if !ok {
			continue
		}
		all[what]++
		if want := float64(ns) / float64(truth.total); share.OfTime.Lo <= want && want <= share.OfTime.Hi {
			held[what]++
		}
		all["time of "+what]++
		if share.NS.Lo <= ns && ns <= share.NS.Hi {
			held["time of "+what]++
		}
	}
	alive := p.Result(sum).Processes[0].Alive.Average
	all["alive"]++
	if want := float64(truth.total) / float64(full.DurationNS()); alive.Lo <= want && want <= alive.Hi {
		held["alive"]++
	}
}

func TestTraces(t *testing.T) {
	passtest.Traces(t, "testdata/*.trace", question(rounds.View{}))
}

func TestGoroutinesOfTraces(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, base string, trace *format.Memory) {
		answer := passtest.Ask(t, trace, question(rounds.View{Goroutines: true}))
		var text bytes.Buffer
		if err := report.WriteText(&text, answer.Document(), report.Options{Width: 110, All: true}); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, base+".goroutines.txt", text.Bytes())
	})
}

// TestRoundsInGapsAreOfThatTime: where moves are recorded too, rounds tell of the gaps that have some.
func TestRoundsInGapsAreOfThatTime(t *testing.T) {
	trace := format.NewMemory(format.Metadata{StartNS: 1000, EndNS: 10_000, Processes: []format.Process{
		{PID: 7, Coverage: format.FullCoverage()}}})
	add := func(kind format.Kind, at, end int64, id format.GoID) {
		e := format.NoEvent
		e.Kind, e.TimeNS, e.EndNS, e.PID, e.GoID = kind, at, end, 7, id
		if kind == format.KindSnapshot {
			e.To, e.Stack = format.StateWaiting, trace.Stacks().Intern("main.f /f.go:1")
		}
		trace.Append(e)
	}
	add(format.KindSnapshot, 1000, 0, 1) // of a window: in no round
	add(format.KindGap, 2000, 4000, 0)   // without rounds
	add(format.KindGap, 5000, 8000, 0)
	add(format.KindRound, 6000, 6010, 0)
	add(format.KindSnapshot, 6005, 0, 1)
	add(format.KindSnapshot, 6006, 0, 2)
	add(format.KindGap, 7000, 8500, 0) // it goes on
	add(format.KindRound, 8200, 8210, 0)
	add(format.KindSnapshot, 8205, 0, 1)
	p := rounds.New()
	r := p.Result(passtest.Replay(t, trace, p))
	if got := r.Processes[0]; got.Rounds != 2 || got.Rows != 3 || got.SampledNS != 3500 || got.Alive.Most != 2 {
		t.Errorf("got %+v", got)
	}
}

// TestWhoBecomesMoreIsNamed: goroutines that look as if they waited for work, and of which there are
// more in each round, are not called idle, and the first lines name their go statement. Each that was
// read stands for two.
func TestWhoBecomesMoreIsNamed(t *testing.T) {
	trace := format.NewMemory(format.Metadata{EndNS: 40_000_000_000, GoroutineSampling: &format.GoroutineSampling{},
		Processes: []format.Process{{PID: 7}}})
	wait := trace.Reasons().Intern("chan receive")
	place := map[bool][2]format.StringID{}
	for grows, name := range map[bool]string{true: "waitAck", false: "serve"} {
		place[grows] = [2]format.StringID{trace.Stacks().Intern("main." + name + " /f.go:7"),
			trace.Stacks().Intern("main.begin" + name + " /f.go:6")}
	}
	for round := range int64(40) {
		e := format.NoEvent
		e.Kind, e.TimeNS, e.EndNS, e.PID = format.KindRound, round*1_000_000_000, round*1_000_000_000+500, 7
		trace.Append(e)
		for id := range 20 + round {
			at := place[id >= 20]
			s := format.NoEvent
			s.Kind, s.TimeNS, s.PID, s.GoID, s.Weight = format.KindSnapshot, e.TimeNS+id, 7, format.GoID(id+1), 2
			s.To, s.Reason, s.Stack, s.ByGoID, s.ByStack = format.StateWaiting, wait, at[0], 1, at[1]
			trace.Append(s)
		}
	}
	p := rounds.New()
	r := p.Result(passtest.Replay(t, trace, p))
	for _, g := range r.Processes[0].Groups {
		want := rounds.Idle
		if strings.Contains(g.Stack, "waitAck") {
			want = rounds.Grows
		}
		if g.Verdict != want {
			t.Errorf("%s is called %q; want %q", g.Stack, g.Verdict, want)
		}
	}
	var text bytes.Buffer
	doc := r.Document(rounds.View{Goroutines: true})
	if err := report.WriteText(&text, doc, report.Options{Width: 1000}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"from ~40 to ~118 in a round",
		"the fastest: those in main.waitAck (f.go:7), created by main.beginwaitAck (f.go:6), by 80.0", "~78 "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, text.String())
		}
	}
}
