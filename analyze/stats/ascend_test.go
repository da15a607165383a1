package stats

import (
	"math/rand/v2"
	"testing"
)

// TestPercentilesOfWindowsAscend: what an undefined percentile is at least is no less than a lower one.
func TestPercentilesOfWindowsAscend(t *testing.T) {
	open := 0
	for seed := range uint64(300) {
		for _, list := range [][]Quantile{{P50, P90, P99, P999}, {P999, P50, P99, P90}} {
			by := map[Quantile]Percentile{}
			for i, p := range fewInWindows(seed, list) {
				by[list[i]] = p
			}
			least := int64(0)
			for _, q := range []Quantile{P50, P90, P99, P999} {
				p := by[q]
				v := p.NS
				if v == nil {
					open++
					v = p.AtLeastNS
				}
				if *v < least {
					t.Fatalf("seed %d: %s is (at least) %d, and a lower one %d", seed, q, *v, least)
				}
				least = *v
			}
		}
	}
	if open == 0 {
		t.Error("no percentile was left open")
	}
}

// fewInWindows are percentiles of few values in a few windows, of which many are cut.
func fewInWindows(seed uint64, list []Quantile) []Percentile {
	rng, windows := rand.New(rand.NewPCG(seed, 1)), new(Windows)
	s := Sampled{Windows: windows}
	for range 6 {
		for range 1 + rng.IntN(40) {
			v := int64(1 + rng.ExpFloat64()*rng.ExpFloat64()*1e6)
			if left := int64(rng.Float64() * 20e6); v > left {
				s.AddCensored(left)
			} else {
				s.Add(v)
			}
		}
		windows.End(20e6, int64(rng.Float64()*2e9))
	}
	out, _ := Whole{Windows: windows}.Of(&s).Percentiles(list, 0.95)
	return out
}
