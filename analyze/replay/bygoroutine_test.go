package replay

import (
	"math/rand/v2"
	"testing"

	"github.com/gosched/gosched/format"
)

// TestByGoroutineAgreesWithAMap puts and drops at random and compares with a Go map.
func TestByGoroutineAgreesWithAMap(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var table ByGoroutine[int]
		want := map[GoroutineID]*int{}
		stride := []format.GoID{1, 7, 1 << 16, 1 << 40}[seed%4]
		for step := range 4000 {
			id := GoroutineID{int32(rng.IntN(3)) - 1, (1 + format.GoID(rng.IntN(100))) * stride}
			have := table.Find(id.PID, id.GoID)
			if have != want[id] {
				t.Fatalf("seed %d, step %d: %v is %v, want %v", seed, step, id, have, want[id])
			}
			if have == nil {
				want[id] = &step
				table.Put(id.PID, id.GoID, &step)
			} else if rng.IntN(2) == 0 {
				delete(want, id)
				table.Drop(id.PID, id.GoID)
			}
		}
		if table.Len() != len(want) || table.Find(0, format.NoGoroutine) != nil {
			t.Fatalf("seed %d: %d goroutines, want %d", seed, table.Len(), len(want))
		}
		for id, value := range table.All() {
			if want[id] != value {
				t.Fatalf("seed %d: %v is %v, want %v", seed, id, value, want[id])
			}
			delete(want, id)
		}
		if len(want) > 0 {
			t.Errorf("seed %d: %v are not listed", seed, want)
		}
	}
}
