package folded_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/folded"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func question(testing.TB, string) ([]replay.Pass, func(*replay.Summary) passtest.Answer) {
	p := folded.New()
	return []replay.Pass{p}, func(sum *replay.Summary) passtest.Answer {
		return passtest.Answer{Result: p.Lines(sum)}
	}
}

func TestCutsChangeNothing(t *testing.T) {
	passtest.Cuts(t, question)
	for seed := range uint64(3) {
		trace := simsched.New(simsched.Config{Seed: seed, Events: 1500, Processes: 1 + int(seed%2)})
		passtest.CheckCuts(t, simsched.Rounds(trace, simsched.Sampling{Seed: seed, Every: 3000}), question, seed)
	}
}

func FuzzCuts(f *testing.F) { passtest.FuzzCuts(f, question) }

// TestFoldedStacks holds the lines of the traces of other analyzers' tests: of moves and of rounds.
func TestFoldedStacks(t *testing.T) {
	for name, pattern := range map[string]string{
		"moves": "../goroutines/testdata/at.trace", "rounds": "../rounds/testdata/store.trace",
	} {
		passtest.Each(t, pattern, func(t *testing.T, _ string, trace *format.Memory) {
			golden.Check(t, "testdata/"+name+".folded", written(t, trace))
		})
	}
}

func written(t *testing.T, trace replay.Source) []byte {
	t.Helper()
	p := folded.New()
	var out bytes.Buffer
	if err := folded.Write(&out, p.Lines(passtest.Replay(t, trace, p))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// folds is what a line is: frames without spaces at their ends, and a number.
var folds = regexp.MustCompile(`^[^;]+(;[^;]+)*;\[(running|runnable|syscall|waiting)(: [^;]+)?\] [1-9][0-9]*$`)

func TestLinesAreWhatFlameGraphsRead(t *testing.T) {
	for seed := range uint64(5) {
		trace := simsched.New(simsched.Config{Seed: seed, Processes: 1 + int(seed%2), GapEvery: 200})
		rounds := simsched.Rounds(trace, simsched.Sampling{Every: 5000, Seed: seed})
		for _, text := range []string{string(written(t, trace)), string(written(t, rounds))} {
			for line := range strings.Lines(text) {
				if !folds.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Fatalf("%q", line)
				}
			}
		}
	}
}

// TestTheLinesAreAllTime: folded stacks leave no time of goroutines out, nor count it twice.
func TestTheLinesAreAllTime(t *testing.T) {
	p, all := folded.New(), &spent{}
	p.System = true
	sum := passtest.Replay(t, simsched.New(simsched.Config{Events: 5000}), p, all)
	var ns int64
	for _, l := range p.Lines(sum) {
		ns += l.NS
	}
	if ns != all.ns || ns == 0 {
		t.Errorf("the lines have %d ns, goroutines %d", ns, all.ns)
	}
}

// spent is the time of all goroutines.
type spent struct{ ns int64 }

func (p *spent) Wants() replay.Wants { return replay.Wants{States: replay.AllStates} }

func (p *spent) Spans(spans []replay.Span) {
	for i := range spans {
		p.ns += spans[i].Len()
	}
}
