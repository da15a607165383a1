package summary_test

import (
	"context"
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// recordings are more traces whose accounts have to agree, such as some of large programs.
var recordings = flag.String("recordings", "", "traces whose accounts have to agree too, a glob")

// account is what the commands say of one walk, and what the spans themselves say.
type account struct {
	sum        *replay.Summary
	latency    *latency.Result
	blocking   *blocking.Result
	goroutines *goroutines.Result
	summary    *summary.Recording
	spans      *spanSums
}

// spanSums adds up the spans of goroutines.
type spanSums struct {
	names   *replay.Names
	byState map[format.State]int64
	broken  map[format.State]int64 // of byState, with moves missing
	running map[int32]int64        // by process, without those with moves missing
	delays  replay.Delay           // of the program's goroutines
	waited  int64                  // runnable, of the program's goroutines, seen whole or not
	gone    int64                  // runnable, of goroutines that have ended
	alive   map[replay.GoroutineID]int64
	procs   map[int32]int64 // the most Ps that each process had
}

func (p *spanSums) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Delay: true}
}

func (p *spanSums) Begin(names *replay.Names, meta *format.Metadata) {
	p.names, p.byState, p.broken = names, map[format.State]int64{}, map[format.State]int64{}
	p.running, p.procs = map[int32]int64{}, map[int32]int64{}
	p.alive = map[replay.GoroutineID]int64{}
	for i := range meta.Processes {
		p.procs[meta.Processes[i].PID] = int64(meta.Processes[i].GOMAXPROCS)
	}
}

func (p *spanSums) Limit(l replay.Limit) {
	if l.Name == format.LimitProcs {
		p.procs[l.PID] = max(p.procs[l.PID], int64(l.Value))
	}
}

func (p *spanSums) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		id := replay.GoroutineID{PID: s.PID, GoID: s.GoID}
		p.byState[s.State] += s.Len()
		broken := s.Flags&replay.EndUnseen != 0
		if broken {
			p.broken[s.State] += s.Len()
		}
		switch {
		case s.State == format.StateRunning && !broken:
			p.running[s.PID] += s.Len()
		case s.State == format.StateRunnable:
			p.alive[id] += s.Len()
			if !broken && !stack.IsSystem(p.names.Entry(s.Entry)) {
				p.waited += s.Len()
				p.delays.Add(&s.Delay)
			}
		}
		if s.Next == format.StateNotExist {
			p.gone += p.alive[id]
			delete(p.alive, id)
		}
	}
}

func newAccount(t *testing.T, src replay.Source) *account {
	t.Helper()
	delays, waits, census, spans, kept := latency.New(), blocking.New(), goroutines.New(), new(spanSums), summary.New()
	sum, err := replay.Run(context.Background(), src, append(kept.All(), delays, waits, census, spans)...)
	if err != nil {
		t.Fatal(err)
	}
	return &account{sum, delays.Result(sum), waits.Result(sum), census.Result(sum, nil), kept.Recording(sum), spans}
}

// agree says where two commands give one time differently.
func (a *account) agree(t *testing.T) {
	t.Helper()
	want := a.spans.delays
	if a.latency.Total.Parts == nil { // nothing is known of the parts
		want = replay.Delay{}
	}
	for _, split := range []struct {
		by    string
		parts replay.Delay
	}{
		{"latency", orNone(a.latency.Total.Parts)}, {"the summary", orNone(a.summary.Info.Delay)},
		{"blocking", a.blocking.DelayParts()},
	} {
		if split.parts != want && (split.by != "blocking" || want != replay.Delay{}) {
			t.Errorf("%s splits delays into %v, the spans say %v", split.by, split.parts, want)
		}
	}
	var grouped int64
	for i := range a.goroutines.Groups {
		grouped += a.goroutines.Groups[i].RunnableNS
	}
	runnable := a.spent("runnable")
	for _, same := range []struct {
		name string
		a, b int64
	}{
		{"the program's delays, by latency", a.latency.Total.SumNS + a.latency.Total.CensoredSumNS, a.spans.waited},
		{"the program's delays, by blocking", runnable, a.spans.waited},
		{"runnable, by goroutines, with those that have ended", grouped + a.spans.gone,
			a.spans.byState[format.StateRunnable]},
		{"all states, by blocking", a.spent(""), a.whole()},
		{"the root causes", a.causes(), a.blocking.BlockedNS},
	} {
		if same.a != same.b {
			t.Errorf("%s: %s is not %s", same.name, report.FormatDuration(same.a), report.FormatDuration(same.b))
		}
	}
	a.fits(t)
}

// fits says where goroutines ran for longer than there were Ps to run on.
func (a *account) fits(t *testing.T) {
	t.Helper()
	for pid, ns := range a.spans.running {
		if most := a.spans.procs[pid] * a.sum.DurationOf(pid); most > 0 && ns > most {
			t.Errorf("goroutines of process %d ran for %s, there were Ps for %s", pid, report.FormatDuration(ns),
				report.FormatDuration(most))
		}
	}
}

// spent is the time that blocking shows in a state or a class of waits, or in all and in none.
func (a *account) spent(class string) (ns int64) {
	for i := range a.blocking.Spent {
		s := &a.blocking.Spent[i]
		if s.By == "class" && s.Name == class || class == "" && (s.By == "class" || s.By == "folded") {
			ns += s.SumNS + s.CensoredSumNS
		}
	}
	return ns
}

// whole is all time of goroutines that is known.
func (a *account) whole() (ns int64) {
	for state, sum := range a.spans.byState {
		ns += sum - a.spans.broken[state]
	}
	return ns
}

func (a *account) causes() (ns int64) {
	for i := range a.blocking.Causes {
		ns += a.blocking.Causes[i].BlockedNS
	}
	return ns
}

func orNone(d *replay.Delay) replay.Delay {
	if d == nil {
		return replay.Delay{}
	}
	return *d
}

// TestAccountsOfMadeUpSchedules compares the commands with each other and with the spans.
func TestAccountsOfMadeUpSchedules(t *testing.T) {
	for seed := range uint64(40) {
		newAccount(t, simsched.New(simsched.Config{Seed: seed, Threads: seed%3 > 0, Events: 20000,
			Goroutines: 5 + int(seed), Procs: 1 + int(seed%5), Processes: 1 + int(seed%2),
			GapEvery: int(seed%4) * 1500})).agree(t)
	}
}

// TestAccountsOfRecordings does so with traces of real programs: those that are in the tree, and
// those that the flag names.
func TestAccountsOfRecordings(t *testing.T) {
	paths := []string{"../../cmd/gosched/testdata/tour/trace.parquet"}
	for _, glob := range []string{"../../format/testdata/v*.parquet", *recordings} {
		more, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, more...)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".parquet"), func(t *testing.T) {
			trace, err := format.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			newAccount(t, trace).agree(t)
		})
	}
}
