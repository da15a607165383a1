package latency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

func analyze(t testing.TB, trace replay.Source) *latency.Result {
	t.Helper()
	return passtest.Ask(t, trace, question).Result.(*latency.Result)
}

// TestGroupsByHand repeats the numbers that the comment in groups.trace derives. The median of all
// by Kaplan–Meier: 9 delays, after the cut at 5 there are 8 left, and at 10, 20, 30 and 40 one ends
// each, so 4 of 8 last longer than 40.
func TestGroupsByHand(t *testing.T) {
	r := analyze(t, golden.Trace(t, "testdata/groups.trace"))
	type row struct {
		count, censored, sum, cut, p50 int64
	}
	want := map[string]row{
		"":                           {7, 2, 280, 105, 40},
		"reason/created":             {3, 1, 80, 100, 20},
		"reason/woken: chan receive": {2, 0, 70, 0, 30},
		"reason/woken: IO wait":      {1, 0, 70, 0, 70},
		"reason/preempted":           {1, 0, 60, 0, 60},
		"reason/unknown":             {0, 1, 0, 5, -1},
		"entry/main.main":            {1, 0, 10, 0, 10},
		"entry/main.worker":          {6, 1, 270, 100, 50},
		"entry/unknown":              {0, 1, 0, 5, -1},
	}
	got := map[string]row{}
	for _, e := range append(r.Groups, r.Total) {
		name := strings.Trim(e.By+"/"+e.Name, "/")
		p50 := int64(-1)
		if median := e.Percentiles[0].NS; median != nil {
			p50 = *median
		}
		got[name] = row{e.Count, e.Censored, e.SumNS, e.CensoredSumNS, p50}
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%q: got %+v, want %+v", name, got[name], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got groups %v", got)
	}
}

// direct collects delays by another way than the pass: every span's length in a list.
type direct struct {
	all     []int64
	byEntry map[replay.EntryID][]int64
}

func (d *direct) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable)}
}

func (d *direct) Spans(spans []replay.Span) {
	for _, s := range spans {
		if s.Flags == 0 && s.Next == format.StateRunning {
			d.all = append(d.all, s.Len())
			d.byEntry[s.Entry] = append(d.byEntry[s.Entry], s.Len())
		}
	}
}

func TestAgainstListsOfAllDelays(t *testing.T) {
	trace := simsched.New(simsched.Config{Seed: 3, Events: 60_000, Goroutines: 300, Processes: 2})
	p, d := latency.New(), &direct{byEntry: map[replay.EntryID][]int64{}}
	sum, err := replay.Run(context.Background(), trace, p, d)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Result(sum)
	compare(t, &r.Total, d.all)
	entries := 0
	for id, delays := range d.byEntry {
		for i := range r.Groups {
			if e := &r.Groups[i]; e.By == "entry" && e.Name == sum.Names().Entry(id) {
				compare(t, e, delays)
				entries++
			}
		}
	}
	if entries != len(simsched.Kinds) {
		t.Errorf("%d of %d entries compared", entries, len(simsched.Kinds))
	}
}

func compare(t *testing.T, e *latency.Row, delays []int64) {
	t.Helper()
	slices.Sort(delays)
	var sum int64
	for _, v := range delays {
		sum += v
	}
	if e.Count != int64(len(delays)) || e.SumNS != sum || *e.MaxNS != delays[len(delays)-1] || *e.MinNS != delays[0] {
		t.Errorf("%s: count %d, sum %d, max %d; the list has %d, %d, %d", e.Name, e.Count, e.SumNS, *e.MaxNS,
			len(delays), sum, delays[len(delays)-1])
	}
	exact, _ := stats.NearestRank(delays, stats.P50)
	if median := *e.Percentiles[0].NS; e.Censored == 0 && (median < exact || median > exact+exact/128) {
		t.Errorf("%s: p50 %d, by nearest rank %d", e.Name, median, exact)
	}
}

func TestGroupsAddUpToTheTotal(t *testing.T) {
	for seed := range uint64(20) {
		r := analyze(t, simsched.New(simsched.Config{Seed: seed, Events: 4000, GapEvery: int(seed%3) * 300,
			Processes: 1 + int(seed%2)}))
		for _, by := range []string{"reason", "entry"} {
			var sum latency.Row
			for _, e := range r.Groups {
				if e.By == by {
					sum.Count += e.Count
					sum.Censored += e.Censored
					sum.Broken += e.Broken
					sum.SumNS += e.SumNS
					sum.CensoredSumNS += e.CensoredSumNS
					sum.Share += e.Share
				}
			}
			if sum.Count != r.Total.Count || sum.Censored != r.Total.Censored || sum.SumNS != r.Total.SumNS ||
				sum.CensoredSumNS != r.Total.CensoredSumNS {
				t.Errorf("seed %d: groups by %s add up to %+v, the total is %+v", seed, by, sum, r.Total)
			}
			if sum.Share < 0.999999 || sum.Share > 1.000001 {
				t.Errorf("seed %d: shares by %s add up to %v", seed, by, sum.Share)
			}
		}
		var rows int64
		for _, row := range r.Histogram {
			rows += row.Count
		}
		if rows != r.Total.Count {
			t.Errorf("seed %d: the histogram holds %d delays of %d", seed, rows, r.Total.Count)
		}
	}
}

func TestTheSameTraceGivesTheSameBytes(t *testing.T) {
	var first []byte
	for range 3 {
		doc, err := json.Marshal(analyze(t, simsched.New(simsched.Config{Seed: 5, Events: 5000, GapEvery: 700})))
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
