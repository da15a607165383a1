package goroutines_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// beside is the question with a profile.
func beside(prof *profile.Profile) passtest.Question {
	return func(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
		p := goroutines.New()
		return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
			r := p.Result(sum, prof)
			return passtest.Answer{Result: r, Document: func() *report.Document {
				return r.Document(goroutines.View{System: true})
			}}
		}
	}
}

// question is that with the profile beside the trace, if there is one.
func question(tb testing.TB, trace string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	return beside(besides(tb, trace))(tb, trace)
}

func analyze(t testing.TB, trace replay.Source, prof *profile.Profile) *goroutines.Result {
	t.Helper()
	return passtest.Ask(t, trace, beside(prof)).Result.(*goroutines.Result)
}

// besides is the profile beside a trace, if there is one.
func besides(t testing.TB, base string) *profile.Profile {
	t.Helper()
	f, err := os.Open(base + ".profile")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	prof, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return prof
}

func TestTraces(t *testing.T) { passtest.Traces(t, "testdata/groups/*.trace", question) }

func TestCutsChangeNothing(t *testing.T) { passtest.Cuts(t, beside(nil)) }

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, beside(nil)) }

// TestGoroutinesMeanwhileAreThoseOfATraceThatEndsThen asks walks that go on, and others that end at
// the same row, for the groups of goroutines.
func TestGoroutinesMeanwhileAreThoseOfATraceThatEndsThen(t *testing.T) {
	for seed := range uint64(20) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 2000, Processes: 1 + int(seed%2),
			GapEvery: int(seed%3) * 300})
		for b, err := range trace.Batches(t.Context(), format.Selection{}) {
			if err != nil {
				t.Fatal(err)
			}
			part := b.Slice(0, rand.New(rand.NewPCG(seed, 3)).IntN(b.Len()))
			var said [2]string
			for i := range said {
				p := goroutines.New()
				w := replay.NewWalk(p)
				err := w.Begin(trace.Metadata(), trace.Reasons(), trace.Stacks())
				if err = errors.Join(err, w.Feed(&part)); i == 1 {
					err = errors.Join(err, w.End(trace.Metadata()))
				}
				if err != nil {
					t.Fatal(err)
				}
				sum := w.Summary()
				census := p.Census(sum)
				said[i] = fmt.Sprint(groupTexts(p.Result(sum, nil)), census.End != nil)
			}
			if said[0] != said[1] {
				t.Errorf("seed %d, after %d rows: while it goes on\n%s\nand ended\n%s", seed, part.Len(), said[0],
					said[1])
			}
		}
	}
}

// groupTexts says of each group what is known of its goroutines.
func groupTexts(r *goroutines.Result) (out []string) {
	for _, g := range r.Groups {
		g.Here, g.Evidence, g.Verdict = nil, "", "" // those go by what was seen of all waits
		doc, err := json.Marshal(&g)
		out = append(out, fmt.Sprintln(string(doc), err))
	}
	return out
}

// instant asks what stood at an instant.
func instant(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := goroutines.At(1_000_500)
	return []replay.Pass{p}, func(*replay.Summary) passtest.Answer {
		prof, lost := p.Profile()
		return passtest.Answer{Result: []any{prof, lost}}
	}
}

func TestCutsChangeNothingAtAnInstant(t *testing.T) { passtest.Cuts(t, instant) }

// TestVerdictsByHand repeats what the comment in verdicts.trace says.
func TestVerdictsByHand(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/groups/verdicts.trace"), nil)
	want := map[string]string{
		"main.query": goroutines.Leaked, "main.ask": goroutines.Leaked, "main.slow": goroutines.Slow,
		"main.work": goroutines.Busy, "main.fill": goroutines.Stuck,
		"main.locked": goroutines.Stuck, "main.pool": goroutines.Idle, "main.tick": goroutines.Idle,
		"main.main": goroutines.Idle, "main.serve": goroutines.Idle,
		"runtime.bgsweep": goroutines.Idle, "main.cold": "", "main.drain": goroutines.Bottleneck,
	}
	got := map[string]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		entry := strings.Replace(g.Entry, "runtime.main", "main.main", 1)
		got[entry] = true
		if verdict, ok := want[entry]; !ok || g.Verdict != verdict {
			t.Errorf("%s is %q (%s), want %q", entry, g.Verdict, g.Evidence, verdict)
		}
		if entry == "main.fill" && g.Behind != 13 {
			t.Errorf("main.fill is stuck behind %d, want 13", g.Behind)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

// TestQueuesByHand repeats what the comment in bottleneck.trace says.
func TestQueuesByHand(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/groups/bottleneck.trace"), nil)
	want := map[string]string{
		"main.logger": goroutines.Bottleneck, "main.answer": goroutines.Bottleneck,
		"main.handle": goroutines.Queued, "main.client": goroutines.Queued, "main.relay": goroutines.Queued,
		"main.ask": goroutines.Queued, "main.push": goroutines.Stuck, "main.serve": goroutines.Idle,
		"main.console": goroutines.Idle, "main.pool": goroutines.Idle, "main.feed": goroutines.Idle,
		"runtime.main": goroutines.Idle,
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		if verdict, ok := want[g.Entry]; !ok || g.Verdict != verdict {
			t.Errorf("%s is %q (%s), want %q", g.Entry, g.Verdict, g.Evidence, verdict)
		}
		if g.Entry == "main.handle" && g.Behind != 10 {
			t.Errorf("main.handle is queued behind %d, want 10", g.Behind)
		}
		if g.Entry == "main.logger" && g.Awaited.Now != 7 {
			t.Errorf("%d wait for the logger, want 7", g.Awaited.Now)
		}
	}
	if len(r.Groups) != len(want) {
		t.Errorf("there are %d groups", len(r.Groups))
	}
}

func TestWaitsThatNothingCanEnd(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/groups/forever.trace"), nil)
	got := map[string]string{}
	for i := range r.Groups {
		got[r.Groups[i].Entry] = r.Groups[i].Verdict
	}
	want := map[string]string{
		"main.main": goroutines.Idle, "main.serve": goroutines.Idle, "main.query": goroutines.Leaked,
		"main.report": goroutines.Leaked, "main.imported": "",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the verdicts are %v, want %v", got, want)
	}
}

func TestNoLeakIsCalledSoAcrossAGapOrInAShortTrace(t *testing.T) {
	for _, name := range []string{"gap", "short"} {
		for _, g := range analyze(t, golden.Trace(t, "testdata/groups/"+name+".trace"), nil).Groups {
			if g.Verdict == goroutines.Leaked {
				t.Errorf("%s: %s is called leaked: %s", name, g.Entry, g.Evidence)
			}
		}
	}
}

const besideVerdicts = `goroutine 3 [chan receive (leaked), 2 minutes]:
main.cold(...)
	/m.go:30
created by main.main in goroutine 1
	/m.go:30

goroutine 20 [chan send]:
main.query(...)
	/m.go:99

goroutine 21 [chan send]:
main.other(...)
	/m.go:61

goroutine 900 [sleep]:
main.later(...)
	/m.go:1
`

func TestAProfileIsJoinedByIDsWhereItHasThem(t *testing.T) {
	prof, err := profile.Parse(strings.NewReader(besideVerdicts))
	if err != nil {
		t.Fatal(err)
	}
	r := analyze(t, golden.Trace(t, "testdata/groups/verdicts.trace"), prof)
	if p := r.Profile; p.JoinedBy != "goid" || p.Matched != 2 || p.SamePlace != 1 || p.Strangers != 1 ||
		len(p.Missing) != 2 {
		t.Errorf("got %+v", *p)
	}
	for _, g := range r.Groups {
		if g.Entry == "main.cold" && (g.Verdict != goroutines.Leaked || g.Profile.WaitMinutes != 2) {
			t.Errorf("what the collector found leaked is called %q: %s", g.Verdict, g.Evidence)
		}
		if g.Entry == "main.query" && (g.Profile.Count != 1 || g.Profile.SamePlace != 0) {
			t.Errorf("main.query: %+v", *g.Profile)
		}
	}
}

func TestAProfileWithoutIDsIsJoinedByStacks(t *testing.T) {
	prof, err := profile.Parse(strings.NewReader("goroutine profile: total 5\n4 @ 0x1\n# labels: " +
		"{\"job\":\"q\"}\n#\t0x1\tmain.query+0x1\t/m.go:61\n\n1 @ 0x2\n#\t0x2\tmain.gone+0x1\t/m.go:1\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := analyze(t, golden.Trace(t, "testdata/groups/verdicts.trace"), prof)
	if p := r.Profile; p.JoinedBy != "stack" || p.Matched != 4 || len(p.Missing) != 1 {
		t.Errorf("got %+v", *p)
	}
	for _, g := range r.Groups {
		if g.Entry == "main.query" && g.Profile.How != "by stack: the profile has 4 at this stack, the trace 6" {
			t.Errorf("got %q", g.Profile.How)
		}
	}
}

// TestEveryInstantIsWrittenAndReadAgain compares what stood at instants of simulated schedules with
// the groups at the end, and with its own text.
func TestEveryInstantIsWrittenAndReadAgain(t *testing.T) {
	for seed := range uint64(10) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 3000, Processes: 1})
		r := analyze(t, trace, nil)
		var inGroups int64
		for i := range r.Groups {
			inGroups += r.Groups[i].Count
		}
		if inGroups != r.Goroutines {
			t.Errorf("seed %d: %d goroutines are in groups, of %d", seed, inGroups, r.Goroutines)
		}
		p := goroutines.At(last(t, trace))
		if _, err := replay.Run(context.Background(), trace, p); err != nil {
			t.Fatal(err)
		}
		prof, lost := p.Profile()
		if prof.Total() != r.Goroutines || lost != 0 {
			t.Errorf("seed %d: %d goroutines stood at the end and %d were lost, of %d", seed, prof.Total(), lost,
				r.Goroutines)
		}
		var text bytes.Buffer
		if err := profile.WriteDump(&text, prof); err != nil {
			t.Fatal(err)
		}
		again, err := profile.Parse(&text)
		if err != nil || again.Total() != prof.Total() {
			t.Errorf("seed %d: %d of %d are read again: %v", seed, again.Total(), prof.Total(), err)
		}
	}
}

// last is when a trace's recording ends.
func last(t *testing.T, trace replay.Source) int64 {
	t.Helper()
	sum, err := replay.Run(context.Background(), trace, goroutines.New())
	if err != nil {
		t.Fatal(err)
	}
	return sum.EndNS
}

func TestTheSameTraceGivesTheSameBytes(t *testing.T) {
	var first []byte
	for range 3 {
		doc,
			err := json.Marshal(analyze(t, simsched.New(simsched.Config{Seed: 5, Events: 5000, GapEvery: 700,
			Processes: 2}), nil))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = doc
		}
		if !bytes.Equal(doc, first) {
			t.Fatalf("another run gave\n%s\nthe first\n%s", doc, first)
		}
	}
}
