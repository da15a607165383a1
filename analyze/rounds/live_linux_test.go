package rounds_test

import (
	"bufio"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/rounds"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// trialsEnv says how many times the sampled shares are compared; make sampled sets it.
const trialsEnv = "GOSCHED_SAMPLED_TRIALS"

// shortTrials is how many times they are in an ordinary test: too few to judge an interval, enough
// to find one that is of something else.
const shortTrials = 4

// TestSampledSharesAreThoseOfAllMoves records everything of a program and, at the same time, samples
// it again and again. What a time's moves say has to be in the intervals that its rounds give.
//
// A trap holds up a goroutine between the time that the recording of its move has and the move, for
// as long as it takes to walk the stack: in memory the state before goes on for that time. Where
// goroutines move 100,000 times a second, that is some percent of the time that they run, and states
// are not compared: of the busy server rounds say that 11.2% is running, moves with stacks 9.0%; rounds
// 9.8%, moves without stacks 9.9%.
func TestSampledSharesAreThoseOfAllMoves(t *testing.T) {
	testenv.RequireBPF(t)
	n, err := strconv.Atoi(os.Getenv(trialsEnv))
	if err != nil {
		n = shortTrials
	}
	for _, c := range []struct {
		name, program string
		args          []string
		states        bool // they are compared
	}{
		{"at ease", "shares", nil, true},
		{"busy", "service", []string{"-pingpong=false", "-clients", "2"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: c.program}), c.args...))
			run.Ask(t, "") // it answers when it works
			dir := t.TempDir()
			moves := filepath.Join(dir, "moves.parquet")
			stop := record(t, run.PID(), moves)
			truth := &windows{}
			var results []*rounds.Result
			for trial := range n {
				r := sampled(t, run.PID(), filepath.Join(dir, "rounds.parquet"), trial)
				results = append(results, r.Result)
				truth.list = append(truth.list, window{begin: r.begin, end: r.end, ns: map[string]int64{}})
			}
			stop()
			walk(t, moves, truth)
			compare(t, results, truth.list, c.states)
		})
	}
}

// record records all moves of a process until stop is called.
func record(t *testing.T, pid int, path string) (stop func()) {
	t.Helper()
	var names []string
	for _, class := range []format.Transition{format.TransitionSamples, format.TransitionDescriptors,
		format.TransitionKernel, format.TransitionGC} {
		names = append(names, class.String())
	}
	cmd := exec.Command(testenv.Gosched(t), "record", "-p", strconv.Itoa(pid), "-o", path, "--without",
		strings.Join(names, ","))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "recording since") {
		t.Log(lines.Text())
	}
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			t.Log(lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// timed is a result with the time that it is of.
type timed struct {
	*rounds.Result
	begin, end int64
}

// sampled samples a process for a second.
func sampled(t *testing.T, pid int, path string, seed int) timed {
	t.Helper()
	out, err := exec.Command(testenv.Gosched(t), "record", "--sample", "60/s", "--sample-cpu", "0", "--seed",
		strconv.Itoa(seed+1), "-p", strconv.Itoa(pid), "-d", "1s", "-o", path, "--force").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := rounds.New()
	sum := walk(t, path, p)
	return timed{p.Result(sum), sum.BeginNS, sum.EndNS}
}

func walk(t *testing.T, path string, pass replay.Pass) *replay.Summary {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := replay.Run(t.Context(), trace, pass)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// window is how long goroutines of the program were where during some time, by what rounds call it.
type window struct {
	begin, end int64
	ns         map[string]int64
	total      int64
}

// windows adds the time of spans to the windows that they are in.
type windows struct {
	names *replay.Names
	list  []window
}

func (p *windows) Wants() replay.Wants { return replay.Wants{States: replay.AllStates, Details: true} }

func (p *windows) Begin(names *replay.Names, _ *format.Metadata) { p.names = names }

func (p *windows) Spans(list []replay.Span) {
	for i := range list {
		s := &list[i]
		reason := p.names.Reason(s.Reason)
		entry := p.names.Entry(s.Entry)
		if stack.IsSystem(entry) || replay.ClassOf(reason) == replay.ClassSystem {
			continue
		}
		keys := []string{"state " + s.State.String(), "entry " + entry}
		if s.State == format.StateWaiting {
			keys = append(keys, "reason "+reason, "place "+reason+" "+stack.Culprit(p.names.Stack(s.Stack)))
		}
		for j := range p.list {
			p.list[j].add(s, keys)
		}
	}
}

func (w *window) add(s *replay.Span, keys []string) {
	ns := min(s.End, w.end) - max(s.Begin, w.begin)
	if ns <= 0 {
		return
	}
	w.total += ns
	for _, key := range keys {
		w.ns[key] += ns
	}
}

// compare counts how many shares of rounds have those of the moves in their intervals.
func compare(t *testing.T, results []*rounds.Result, truth []window, states bool) {
	t.Helper()
	held, all := map[string]int{}, map[string]int{}
	for i, r := range results {
		for _, s := range r.Processes[0].Shares {
			what := s.By + " " + s.Name
			if s.By == rounds.ByFunction {
				what = "place " + s.Reason + " " + s.Frame
			}
			ns, known := truth[i].ns[what]
			if !known || s.By == rounds.ByState && !states {
				continue
			}
			all[what]++
			if want := float64(ns) / float64(truth[i].total); s.OfTime.Lo <= want && want <= s.OfTime.Hi {
				held[what]++
			} else {
				t.Logf("trial %d: %s is %.4f [%.4f–%.4f], of all moves %.4f", i, what, s.OfTime.Value, s.OfTime.Lo,
					s.OfTime.Hi, want)
			}
		}
	}
	sum, of := 0, 0
	for _, what := range slices.Sorted(maps.Keys(all)) {
		t.Logf("%-60s %d of %d", what, held[what], all[what])
		sum, of = sum+held[what], of+all[what]
		if len(results) >= 100 && all[what] >= 100 && held[what]*100 < all[what]*95 {
			t.Errorf("%s: %d of %d intervals have the share", what, held[what], all[what])
		}
	}
	t.Logf("%d of %d intervals have the share of all moves", sum, of)
	if of < 10 || sum*100 < of*90 {
		t.Errorf("%d of %d intervals have the share of all moves", sum, of)
	}
}
