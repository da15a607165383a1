package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRedrawHasTheChancesOfDrawingAllAgain compares with the binomial distribution: the quantile of
// n values drawn with replacement is in the first buckets if at least its rank of them are.
func TestRedrawHasTheChancesOfDrawingAllAgain(t *testing.T) {
	const draws = 20_000
	values := []int64{3, 3, 3, 10, 10, 20, 30, 30, 30, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 200}
	h, n := histogramOf(values), int64(len(values))
	for _, permille := range []int{1, 100, 500, 900, 990} {
		rng, atMost := rand.New(rand.NewPCG(1, 2)), map[int64]int{}
		for range draws {
			got, ok := h.Redrawer(perMille(permille))(rng)
			if !ok || !slices.Contains(values, got) {
				t.Fatalf("%d‰ is %d, %v", permille, got, ok)
			}
			for _, v := range slices.Compact(slices.Clone(values)) {
				if got <= v {
					atMost[v]++
				}
			}
		}
		for i, v := range values {
			if i+1 < len(values) && values[i+1] == v {
				continue
			}
			want := 1 - binomialCDF(n, 1000*(i+1)/len(values), perMille(permille).rank(n)-1)
			if i+1 == len(values) {
				want = 1
			}
			if sd := math.Sqrt(max(want*(1-want), 0) / draws); math.Abs(float64(atMost[v])/draws-want) > 4*sd+1e-6 {
				t.Errorf("%d‰ is at most %d in %.4f, want %.4f ± %.4f", permille, v, float64(atMost[v])/draws, want, sd)
			}
		}
	}
}

// TestRedrawOfCensoredValuesScattersLikeEfronsBootstrap compares with the Kaplan–Meier quantile of
// pairs that are drawn again one by one (B. Efron, Journal of the American Statistical Association
// 76 (1981) 312).
func TestRedrawOfCensoredValuesScattersLikeEfronsBootstrap(t *testing.T) {
	for _, permille := range []int{250, 500, 800} {
		rng := rand.New(rand.NewPCG(3, uint64(permille)))
		durations, cut := cutDurations(rng, 400)
		h := pairs(durations, cut, func(i int) int { return i })
		var fast, slow []float64
		for range 1500 {
			v, ok := h.Redrawer(perMille(permille))(rng)
			again := pairs(durations, cut, func(int) int { return rng.IntN(len(durations)) })
			w, also := again.Quantile(perMille(permille))
			if !ok || !also {
				t.Fatalf("%d‰ is undefined", permille)
			}
			fast, slow = append(fast, math.Log(float64(v))), append(slow, math.Log(float64(w)))
		}
		meanFast, sdFast := meanAndDeviation(fast)
		meanSlow, sdSlow := meanAndDeviation(slow)
		t.Logf("%d‰: %.3f ± %.3f, one by one %.3f ± %.3f", permille, meanFast, sdFast, meanSlow, sdSlow)
		if math.Abs(meanFast-meanSlow) > 0.15*sdSlow || sdFast < 0.88*sdSlow || sdFast > 1.12*sdSlow {
			t.Errorf("%d‰: %.3f ± %.3f, one by one %.3f ± %.3f", permille, meanFast, sdFast, meanSlow, sdSlow)
		}
	}
}

// cutDurations makes lognormal durations, a third of them cut.
func cutDurations(rng *rand.Rand, n int) (durations []int64, cut []bool) {
	for range n {
		end, limit := math.Exp(12+rng.NormFloat64()), math.Exp(12.8+1.2*rng.NormFloat64())
		durations = append(durations, int64(min(end, limit)))
		cut = append(cut, limit < end)
	}
	return durations, cut
}

// pairs is the histogram of the durations that are chosen for each index.
func pairs(durations []int64, cut []bool, choose func(int) int) *Histogram {
	h := new(Histogram)
	for i := range durations {
		j := choose(i)
		if cut[j] {
			h.AddCensored(durations[j])
		} else {
			h.Add(durations[j])
		}
	}
	return h
}

func meanAndDeviation(values []float64) (mean, deviation float64) {
	mean = total(values) / float64(len(values))
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)))
}

func TestEffectiveCountWithoutCutsIsTheCount(t *testing.T) {
	for _, n := range []int{5, 100, 3000} {
		h := histogramOf(makeDurations(uint64(n), n))
		for _, permille := range []int{500, 900, 990} {
			if got := h.effectiveCount(perMille(permille)); got != int64(n) {
				t.Errorf("%d‰ of %d values has an effective number of %d", permille, n, got)
			}
		}
	}
	h := maintained.histogram() // 11 patients, 4 of them cut; by hand, with R's numbers: .491·(1 − .491)/.1642² = 9.27
	if got := h.effectiveCount(perMille(500)); got != 9 {
		t.Errorf("the effective number at 31 weeks is %d, want 9", got)
	}
}

func TestRedrawOfNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	var h Histogram
	if v, ok := h.Redrawer(perMille(500))(rng); ok {
		t.Errorf("nothing is drawn as %d", v)
	}
	h.AddCensored(5)
	if v, ok := h.Redrawer(perMille(500))(rng); ok {
		t.Errorf("a cut value is drawn as %d", v)
	}
	h.Add(3)
	h.AddCensored(7)
	if v, ok := h.Redrawer(perMille(999))(rng); ok { // the curve ends at ⅔
		t.Errorf("999‰ of a value and two cut ones is drawn as %d", v)
	}
}

// huge is a histogram of as many values as fit.
func huge(t testing.TB, censored int64) *Histogram {
	const n = math.MaxInt64 / 8
	h, err := Restore([]Row{{Bucket: 1, Count: n}, {Bucket: 2, Count: n - 1},
		{Bucket: 5, Count: n, Censored: censored}}, Exact{Sum: n + 2*(n-1) + 5*n, CensoredSum: 5 * censored, Min: 1,
		Max: 5, CensoredMax: 5 * min(censored, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRedrawOfHugeCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, censored := range []int64{0, math.MaxInt64 / 20} {
		h := huge(t, censored)
		for permille, want := range map[int]int64{1: 1, 280: 1, 500: 2, 800: 5} {
			if got, ok := h.Redrawer(perMille(permille))(rng); !ok || got != want {
				t.Errorf("%d‰ of 10¹⁸ values, %d cut, is drawn as %d, %v, want %d", permille, censored, got, ok, want)
			}
		}
	}
}

func BenchmarkRedraw(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 1))
	durations, cut := cutDurations(rng, 100_000)
	b.Run("measured", func(b *testing.B) {
		for h := histogramOf(durations); b.Loop(); {
			h.Redrawer(perMille(990))(rng)
		}
	})
	b.Run("censored", func(b *testing.B) {
		for h := pairs(durations, cut, func(i int) int { return i }); b.Loop(); {
			h.Redrawer(perMille(900))(rng)
		}
	})
}
