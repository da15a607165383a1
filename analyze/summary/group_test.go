package summary

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// TestGoldens lists what is kept of the traces that other analyzers have worked out by hand.
func TestGoldens(t *testing.T) {
	for _, path := range []string{"../blocking/testdata/chain.trace", "../latency/testdata/groups.trace",
		"../latency/testdata/trouble.trace"} {
		run := of(t, golden.Trace(t, path))
		var b bytes.Buffer
		for i := range run.Groups {
			g := &run.Groups[i]
			fmt.Fprintf(&b, "%s by %s %q %q: %d of %d ns, cut %d of %d ns, broken %d", g.Measure, g.By, g.Name, g.Stack,
				g.Hist.Count(), g.Hist.Sum(), g.Hist.Censored(), g.Hist.CensoredSum(), g.Broken)
			if g.Frame != "" {
				causes, _ := json.Marshal(g.Causes)
				fmt.Fprintf(&b, ", at %s for %s", g.Frame, causes)
			}
			b.WriteByte('\n')
		}
		for _, p := range run.Pairs {
			fmt.Fprintf(&b, "pair %+v\n", p)
		}
		info, err := json.MarshalIndent(List([]*Recording{run}), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(info, '\n'))
		golden.Check(t, "testdata/"+strings.TrimSuffix(filepath.Base(path), ".trace")+".txt", b.Bytes())
	}
}

func lengthsOf(values ...int64) *stats.Histogram {
	h := new(stats.Histogram)
	for _, v := range values {
		h.Add(v)
	}
	return h
}

func TestSitesThatBecomeEqualAreOne(t *testing.T) {
	heavy := []blocking.Shared{{Name: "heavy", NS: 30}, {Kind: blocking.KindRunning, Name: "both", NS: 8},
		{Name: "both", NS: 7}, {Name: "a", NS: 3}, {Name: "b", NS: 2}}
	sites := []blocking.Site{
		{Reason: "select", Stack: "main.f f.go:1;main.g g.go:2", Lengths: lengthsOf(10),
			Causes: []blocking.Shared{{Name: "both", NS: 9}, {Name: "light", NS: 1}}},
		{Reason: "select", Stack: "main.f f.go:1;main.g g.go:3", Lengths: lengthsOf(20, 30), Broken: 1, Causes: heavy},
		{Reason: "select", Stack: "main.f f.go:1", Lengths: lengthsOf(7)},
		{Reason: "GC worker (idle)", Stack: "runtime.gcBgMarkWorker mgc.go:1", System: true, Lengths: lengthsOf(1000)},
	}
	b := builder{}
	if left := b.sites(sites); left != (beyond{}) {
		t.Errorf("left out are %+v", left)
	}
	groups := b.sorted()
	if len(groups) != 2 {
		t.Fatalf("%d groups: %+v", len(groups), groups)
	}
	g := groups[1]
	if g.Stack != "main.f;main.g" || g.Hist.Count() != 3 || g.Hist.Sum() != 60 || g.Broken != 1 ||
		g.Frame != "main.g g.go:3" {
		t.Errorf("the group is %+v", g)
	}
	unknown, running := blocking.KindUnknown.String(), blocking.KindRunning.String()
	same(t, "its causes", g.Causes, []Cause{
		{Kind: unknown, Name: "heavy", NS: 30}, {Kind: unknown, Name: "both", NS: 16}, {Kind: running, Name: "both",
			NS: 8}, {Kind: unknown, Name: "a", NS: 3},
		{Kind: unknown, Name: "b", NS: 2},
	})
}

func TestTheHeaviestSitesAreKept(t *testing.T) {
	var sites []blocking.Site
	for i := range maxSites + 7 {
		sites = append(sites, blocking.Site{Reason: "select", Stack: fmt.Sprintf("main.f%d f.go:1", i),
			Lengths: lengthsOf(int64(i))})
	}
	sites[4].Reason = "sleep"
	sites[5].IdleNS = 2
	sites[6].Reason, sites[6].Syscall = "read", true
	b := builder{}
	if left := b.sites(sites); left != (beyond{sites: 7, mostNS: 6, sumNS: 1 + 2 + 3 + 5 - 2}) {
		t.Errorf("left out are %+v", left)
	}
	if len(b) != maxSites {
		t.Errorf("%d sites are kept", len(b))
	}
}

func TestNamesBeyondTheMostAreOneGroup(t *testing.T) {
	b := builder{}
	for i := range maxNames + 10 {
		b.add(Key{Measure: MeasureRunning, By: ByEntry, Name: fmt.Sprintf("main.f%d", i)}, lengthsOf(int64(i)), 1)
	}
	b.bound()
	g := b[Key{Measure: MeasureRunning, By: ByEntry, Name: other}]
	if len(b) != maxNames || g == nil || g.Hist.Count() != 11 || g.Hist.Max() != 10 || g.Broken != 11 {
		t.Errorf("%d groups, the other one %+v", len(b), g)
	}
}

func TestTheHeaviestPairsAreKept(t *testing.T) {
	var wakers []blocking.Waker
	for i := range maxPairs + 5 {
		wakers = append(wakers, blocking.Waker{Reason: "select", Stack: "main.f f.go:1",
			WakerStack: fmt.Sprintf("main.w%04d w.go:1", i), Count: 1, SumNS: int64(2*maxPairs - i)})
	}
	wakers = append(wakers, blocking.Waker{Stack: "main.f f.go:2", WakerReason: "netpoll", Count: 2, SumNS: 1 << 40},
		blocking.Waker{Stack: "main.f f.go:3", WakerReason: "netpoll", Count: 1, SumNS: 5})
	pairs := pairsOf(wakers)
	if len(pairs) != maxPairs || !slices.IsSortedFunc(pairs, func(a, b Pair) int { return comparePairs(&a, &b) }) {
		t.Fatalf("%d pairs, or not in order", len(pairs))
	}
	i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Waker == "<netpoll>" })
	if i < 0 || pairs[i].Count != 3 || pairs[i].NS != 1<<40+5 || pairs[i].Reason != "unknown" {
		t.Errorf("pair %d of %+v", i, pairs[max(0, i)])
	}
}

func TestWarningsAreSaidOnce(t *testing.T) {
	got := mergeWarnings(
		[]report.Warning{{Code: "gaps", Text: "lost: no delay\xff"}},
		[]report.Warning{{Code: "gaps", Text: "lost: no wait"}, {Code: "unknown", Text: "x"}},
	)
	want := []report.Warning{{Code: "gaps", Text: "lost: no delay\uFFFD"}, {Code: "unknown", Text: "x"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTextsThatCannotBeKeptAreMadeSo(t *testing.T) {
	if got := plain("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	cut := format.MarkTruncated.String() + ";"
	long := plain(strings.Repeat("é", maxTextBytes) + "end")
	if len(long) > maxTextBytes+len(cut) || !strings.HasPrefix(long, cut+"é") || !strings.HasSuffix(long, "end") {
		t.Errorf("%d bytes: %.30q", len(long), long)
	}
	if got := functions("main.f[a b;c] f.go:1;main.g g.go:2"); got != "main.f[a b;c];main.g" {
		t.Errorf("%q", got)
	}
}

// TestACSVHasALineARecordingAndNothingWhereNothingIsKnown checks the names too: plots depend on
// them.
func TestACSVHasALineARecordingAndNothingWhereNothingIsKnown(t *testing.T) {
	run := of(t, simsched.New(simsched.Config{Events: 5000, Threads: true}))
	run.Info.Meta.Machine = &format.MachineTime{BusyNS: 6, StealNS: 1, IdleNS: 3}
	var b bytes.Buffer
	if err := WriteCSV(&b, []*Recording{run, new(Recording)}); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	golden.Check(t, "testdata/names.csv", []byte(strings.Join(lines[0], "\n")+"\n"))
	at := func(line int, name string) string { return lines[line][slices.Index(lines[0], name)] }
	for name, want := range map[string]string{"steal_share": "0.1", "start_time": "2023-11-14T22:13:20Z",
		"go_version": "go1.26.8", "events": "5000"} {
		if got := at(1, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"steal_share", "start_time", "delay_p50_ns", "contention_s_per_s", "goroutines",
		"wait_mutex_s_per_s", "delays_per_s", "delay_mean_ns"} {
		if got := at(2, name); got != "" {
			t.Errorf("of nothing, %s is %q", name, got)
		}
	}
}

// TestWhereALeakWouldNotBeFoundThatIsSaid lets only one of the traces be judged: of the others one
// is short, one has lost events, and one does not see exits.
func TestWhereALeakWouldNotBeFoundThatIsSaid(t *testing.T) {
	for name, want := range map[string]string{"verdicts": "10", "gap": "", "short": "", "blind": ""} {
		blind := name == "blind"
		if blind {
			name = "verdicts"
		}
		src := golden.Trace(t, "../goroutines/testdata/groups/"+name+".trace")
		if blind {
			src.Metadata().Processes[0].Coverage = format.CoverAllBut("", format.TransitionExit)
		}
		run := of(t, src)
		var b bytes.Buffer
		if err := WriteCSV(&b, []*Recording{run}); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		got := lines[1][slices.Index(lines[0], "leaked_goroutines")]
		if got != want || run.Info.LeaksJudged != (want != "") {
			t.Errorf("%s: %q leaked goroutines, judged: %v; want %q", name, got, run.Info.LeaksJudged, want)
		}
	}
}

func TestContention(t *testing.T) {
	run := of(t, simsched.New(simsched.Config{Events: 20_000}))
	locks := run.Group(Key{Measure: MeasureWait, By: ByContention})
	same(t, "contention", &locks.Hist, &run.Group(Key{Measure: MeasureWait, By: ByReason,
		Name: "sync.Mutex.Lock"}).Hist)
	if run.Group(Key{Measure: MeasureWait, By: ByReason, Name: "no such"}) != nil {
		t.Error("a group of nothing")
	}
	if run.Info.NetworkWakes != run.Group(Key{Measure: MeasureWait, By: ByClass,
		Name: replay.ClassNetwork.String()}).Hist.Count() {
		t.Logf("%d of the waits for the network were ended by it", run.Info.NetworkWakes)
	}
}
