package cause

import "testing"

func TestStretchesOfHistoryAddUp(t *testing.T) {
	for seed := range int64(50) {
		var h History
		pool := Pool{room: 1 << 20}
		for at := int64(1); at < 5000; at += 1 + (at*seed)%7 {
			h.Add(at, ID((at*31+seed)%40), &pool)
		}
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		for t0 := int64(0); t0 < h.End(); t0 += 97 {
			for t1 := t0 + 1; t1 <= h.End(); t1 += 211 {
				list, _ := h.Between(t0, t1, nil)
				var sum int64
				for _, p := range list {
					sum += p.NS
				}
				if sum != t1-t0 {
					t.Fatalf("seed %d: the stretches between %d and %d are %d ns", seed, t0, t1, sum)
				}
			}
		}
	}
}
