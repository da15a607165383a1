package replay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// sampling lists the spans and samples of a walk in the order in which they come.
type sampling struct {
	names *replay.Names
	got   []string
}

func (s *sampling) Wants() replay.Wants                           { return replay.Wants{States: replay.AllStates} }
func (s *sampling) Begin(names *replay.Names, _ *format.Metadata) { s.names = names }

func (s *sampling) Spans(spans []replay.Span) {
	for i := range spans {
		s.got = append(s.got, fmt.Sprintf("g%d was %s until %d", spans[i].GoID, spans[i].State, spans[i].End))
	}
}

func (s *sampling) Samples(samples []replay.Sample) {
	for _, x := range samples {
		s.got = append(s.got, fmt.Sprintf("sample at %d of %d ns: t%d c%d p%d g%d %s %q %s", x.TimeNS, x.PeriodNS,
			x.TID, x.CPU, x.Proc, x.GoID, x.State, x.Where, s.names.Stack(x.Stack)))
	}
}

func TestSamplesComeInTheirPlaceAndMoveNothing(t *testing.T) {
	trace, err := format.ParseText(strings.NewReader(`gosched text trace 1
metadata {"source":"ebpf","start_ns":1,"end_ns":100,"sample_period_ns":7,"processes":[{"pid":1}]}
covered all
1 g5 notexist->runnable pid=1 tid=2 stack="main.f f.go:1"
2 sample pid=1 tid=3 cpu=0 reason="in the kernel"
3 g5 runnable->running pid=1 tid=2 cpu=1 proc=1
4 sample g5 pid=1 tid=2 cpu=1 proc=1 stack="main.f f.go:2"
5 sample g9 pid=1 tid=4 reason="system stack"
6 g5 running->notexist pid=1 tid=2 cpu=1 proc=1
7 sample g5 pid=1 tid=2 cpu=1 reason=swapper
`))
	if err != nil {
		t.Fatal(err)
	}
	pass := new(sampling)
	sum, err := replay.Run(context.Background(), trace, pass)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`sample at 2 of 7 ns: t3 c0 p-1 g0 unknown "in the kernel" `,
		"g5 was runnable until 3",
		`sample at 4 of 7 ns: t2 c1 p1 g5 running "" main.f f.go:2`,
		`sample at 5 of 7 ns: t4 c-1 p-1 g9 unknown "system stack" `,
		"g5 was running until 6",
		`sample at 7 of 7 ns: t2 c1 p-1 g5 unknown "swapper" `,
	}
	if !slices.Equal(pass.got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(pass.got, "\n"), strings.Join(want, "\n"))
	}
	if sum.Counts.Total() != 0 || sum.Goroutines != 1 || sum.ByKind[format.KindSample] != 4 {
		t.Errorf("%d problems, %d goroutines, %d samples", sum.Counts.Total(), sum.Goroutines,
			sum.ByKind[format.KindSample])
	}
}
