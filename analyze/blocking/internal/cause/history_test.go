package cause

import "testing"

func TestStretchesOfHistoryAddUp(t *testing.T) {
	for seed := range int64(50) {
		var h History
		pool := Pool{room: 1 << 20}
		for at := int64(1); at < 5000; at += 1 + (at*seed)%7 {
			h.Add(at, ID((at*31+seed)%40), false, &pool)
		}
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		for t0 := int64(0); t0 < h.End(); t0 += 97 {
			for t1 := t0 + 1; t1 <= h.End(); t1 += 211 {
				list, _ := h.Between(t0, t1, false, nil)
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

func TestEachStretchIsNewOnce(t *testing.T) {
	for seed := range int64(20) {
		var h History
		pool := Pool{room: 1 << 20}
		var want, got uint32
		for at := int64(1); at < 3000; at++ {
			seen := (at*seed)%3 == 1
			h.Add(at, ID(1+at%2), seen, &pool)
			want += unseen(seen)
			if at%(50+seed) == 0 {
				list, _ := h.Between(max(0, at-20*seed), at, true, nil)
				for _, p := range list {
					got += p.New
				}
			}
		}
		for range 2 { // the second time nothing is new
			list, _ := h.Between(0, h.End(), true, nil)
			for _, p := range list {
				got += p.New
			}
		}
		if got != want {
			t.Errorf("seed %d: %d stretches were new once, want %d", seed, got, want)
		}
	}
}
