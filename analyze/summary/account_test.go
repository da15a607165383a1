package summary_test

import (
	"context"
	"testing"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
)

// TestDelaysAreSplitAlike asks that each part of the program's delays is as long as the sum of the
// causes that blocking shows it by.
func TestDelaysAreSplitAlike(t *testing.T) {
	for seed := range uint64(40) {
		trace := simsched.New(simsched.Config{Seed: seed, Threads: seed%3 > 0, Events: 20000, Goroutines: 5 + int(seed),
			Procs: 1 + int(seed%5), Processes: 1 + int(seed%2), GapEvery: int(seed%4) * 1500})
		p, delays := blocking.New(), latency.New()
		sum, err := replay.Run(context.Background(), trace, p, delays)
		if err != nil {
			t.Fatal(err)
		}
		want := delays.Parts(sum)
		if want == nil {
			t.Fatalf("seed %d: the delays have no parts", seed)
		}
		if got := p.Result(sum).DelayParts(); got != *want {
			t.Errorf("seed %d: the causes of delays are %v, the delays %v", seed, got, *want)
		}
	}
}
