package blocking

import (
	"fmt"
	"testing"

	"github.com/gosched/gosched/analyze/internal/simsched"
)

func TestCausesAddUpToTheWaits(t *testing.T) {
	for seed := range uint64(60) {
		cfg := simsched.Config{Seed: seed, Threads: seed%2 == 1, Events: 20000, Goroutines: 1 + int(seed),
			Procs: 1 + int(seed%5), Processes: 1 + int(seed%3), GapEvery: int(seed%4) * 1500}
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			p := audit(t, simsched.New(cfg))
			for _, g := range p.goroutines.All() {
				if err := g.history.Check(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
