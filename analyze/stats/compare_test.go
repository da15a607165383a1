package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// observed makes observations of values that are logarithms already.
func observed(logs ...float64) []Observation {
	out := make([]Observation, len(logs))
	for i, log := range logs {
		out[i] = Observation{Log: log}
	}
	return out
}

func TestPermutationAgreesWithPublishedExamples(t *testing.T) {
	// Differences in height of 15 pairs of Zea mays, crossed and self-fertilized, in inches: Darwin
	// (1876), tested so by R. A. Fisher, The Design of Experiments (1935), § 21, who counts 863 of
	// 32,768 on either side.
	var darwin []Block
	for _, difference := range []float64{6.125, -8.375, 1, 2, .75, 2.875, 3.5, 5.125, 1.75, 3.625, 7, 3, 9.375, 7.5,
		-6} {
		darwin = append(darwin, Block{observed(20), observed(20 + difference)})
	}
	// The task "Permutation test" of Rosetta Code; the number is scipy 1.17.1's
	// permutation_test((treated, control), lambda a, b, axis: abs(a.mean(axis)-b.mean(axis)),
	// n_resamples=inf, alternative='greater').
	treated := observed(85, 88, 75, 66, 25, 29, 83, 39, 97)
	control := observed(68, 41, 10, 49, 16, 65, 32, 92, 28, 98)
	// The same call's of the mice of B. Efron and R. J. Tibshirani, An Introduction to the
	// Bootstrap (1993), table 2.1.
	mice := Block{observed(10, 27, 30, 40, 46, 51, 52, 104, 146), observed(16, 23, 38, 94, 99, 141, 197)}
	for _, c := range []struct {
		name            string
		blocks          []Block
		extreme, labels int64
	}{
		{"Darwin's pairs", darwin, 2 * 863, 32768},
		{"9 treated, 10 not", []Block{{control, treated}}, 23997, 92378},
		{"mice", []Block{mice}, 3184, 11440},
		// the same call's
		{"6 and 6", []Block{{observed(1.2, 3.4, 2.2, 5, 4.1, .7), observed(2.9, 5.6, 6.1, 4.4, 3.8, 7.3)}}, 42, 924},
		// D. Nettleton, Statistics 401, Iowa State University
		{"a quiz of 2 and 2", []Block{{observed(7, 5), observed(3, 1)}}, 2, 6},
	} {
		got := Compare(c.blocks, CompareOptions{Permutations: 100_000, Resamples: -1})
		if got.P != float64(c.extreme)/float64(c.labels) {
			t.Errorf("%s: p is %v, want %d of %d", c.name, got.P, c.extreme, c.labels)
		}
		drawn := Compare(c.blocks, CompareOptions{Permutations: 5, Seed: 1, Resamples: -1})
		if !isPart(drawn.P, 6) || drawn.P < 1./6 || drawn.LeastP < 1./6 {
			t.Errorf("%s: of 5 drawn, %+v", c.name, drawn)
		}
	}
}

// bruteForce is the p and the log ratio by the definition: the weighted mean of the differences of
// means, for each choice of bits as labels.
func bruteForce(blocks []Block) (p, effect float64) {
	all, weights := []float64{0}, 0.0
	for _, b := range blocks {
		of, weight := differences(b)
		weights += weight
		var sums []float64
		for _, before := range all {
			for _, difference := range of {
				sums = append(sums, before+difference)
			}
		}
		all = sums
	}
	extreme := 0
	for _, sum := range all {
		if math.Abs(sum) >= math.Abs(all[0])-1e-9 {
			extreme++
		}
	}
	return float64(extreme) / float64(len(all)), all[0] / weights
}

// differences are the weighted differences of means of a block by all labelings, the observed one
// first, and the weight.
func differences(b Block) (out []float64, weight float64) {
	runs := append(slices.Clone(b.Base), b.Head...)
	nb, nh := float64(len(b.Base)), float64(len(b.Head))
	weight = nb * nh / (nb + nh)
	observedBits := (1<<len(b.Head) - 1) << len(b.Base)
	for bits := range 1 << len(runs) {
		base, head, heads := 0.0, 0.0, 0
		for i, run := range runs {
			if bits>>i&1 == 1 {
				head += run.Log / nh
				heads++
			} else {
				base += run.Log / nb
			}
		}
		if heads == len(b.Head) {
			out = append(out, weight*(head-base))
			if bits == observedBits {
				out[0], out[len(out)-1] = out[len(out)-1], out[0]
			}
		}
	}
	return out, weight
}

// randomBlocks makes up to 3 blocks of 1 to 3 runs a side, whole numbers so that there are ties.
func randomBlocks(rng *rand.Rand, redraw bool) []Block {
	blocks := make([]Block, 1+rng.IntN(3))
	for i := range blocks {
		for _, side := range []*[]Observation{&blocks[i].Base, &blocks[i].Head} {
			for range 1 + rng.IntN(3) {
				run := Observation{Log: float64(rng.IntN(8)) / 10}
				if redraw {
					run.Redraw = func(rng *rand.Rand) float64 { return run.Log + 0.1*rng.NormFloat64() }
				}
				*side = append(*side, run)
			}
		}
	}
	return blocks
}

func TestPermutationAgreesWithBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		blocks := randomBlocks(rng, false)
		p, effect := bruteForce(blocks)
		got := Compare(append(blocks, Block{Base: observed(5)}, Block{Head: observed(math.NaN())}),
			CompareOptions{Resamples: -1})
		if math.Abs(got.P-p) > 1e-12 || math.Abs(math.Log(got.Ratio)-effect) > 1e-12 || got.Bounded {
			t.Fatalf("%+v: %+v, want p %v and effect %v", blocks, got, p, effect)
		}
	}
}

func TestDrawnLabelingsAgreeWithAllOfThem(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for seed := range uint64(50) {
		blocks := []Block{{observed(noise(rng, 5)...), observed(noise(rng, 4)...)}, {observed(noise(rng, 2)...),
			observed(noise(rng, 3)...)}}
		exact := Compare(blocks, CompareOptions{Resamples: -1})
		drawn := Compare(blocks, CompareOptions{Resamples: -1, Permutations: 1000, Seed: seed})
		if !isPart(exact.P, 1260) || !isPart(drawn.P, 1001) {
			t.Fatalf("%+v and %+v: want a p of 1260 labelings, and of 1000 drawn and the observed one", exact, drawn)
		}
		if sd := math.Sqrt(exact.P * (1 - exact.P) / 1000); math.Abs(drawn.P-exact.P) > 4.5*sd+1e-3 {
			t.Errorf("p is %v, drawn %v", exact.P, drawn.P)
		}
	}
}

// isPart says whether p is a whole number of so many parts.
func isPart(p float64, of int) bool {
	parts := p * float64(of)
	return math.Abs(parts-math.Round(parts)) < 1e-9
}

func noise(rng *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = rng.NormFloat64()
	}
	return out
}

// TestLeastPIsReachedAndNeverUndercut tries values that differ by powers of a large number, of
// which a side's sum is as extreme as can be.
func TestLeastPIsReachedAndNeverUndercut(t *testing.T) {
	for _, c := range []struct {
		sizes [][2]int
		want  float64
	}{
		{nil, 1}, {[][2]int{{0, 5}, {3, 0}}, 1}, {[][2]int{{1, 1}}, 1}, {[][2]int{{1, 2}}, 1. / 3},
		{[][2]int{{2, 2}}, 2. / 6}, {[][2]int{{6, 6}}, 2. / 924},
		{[][2]int{{2, 2}, {2, 2}, {2, 2}}, 2. / 216}, {[][2]int{{2, 2}, {2, 1}}, 1. / 18}, {[][2]int{{1, 2}, {2, 1}},
			1. / 9}, {[][2]int{{5, 5}}, 2. / 252}, {[][2]int{{4, 4}}, 2. / 70},
	} {
		if got := LeastP(c.sizes); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("least p of %v is %v, want %v", c.sizes, got, c.want)
		}
		if least := leastFound(c.sizes); math.Abs(least-c.want) > 1e-12 {
			t.Errorf("of %v, the least p that was found is %v, want %v", c.sizes, least, c.want)
		}
	}
	if got := LeastP([][2]int{{5000, 5000}}); got != 0 {
		t.Errorf("least p of 5,000 and 5,000 is %v, want 0, as it is too small for a float64", got)
	}
}

// leastFound is the smallest p among values of which either side has the largest.
func leastFound(sizes [][2]int) float64 {
	least := 1.0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var blocks []Block
		for _, s := range sizes {
			values := noise(rng, s[0]+s[1])
			for i := range values {
				values[i] *= math.Exp(4 * values[i])
			}
			slices.Sort(values)
			if seed%2 == 1 && s[0] > s[1] || seed%4 > 1 {
				slices.Reverse(values)
			}
			blocks = append(blocks, Block{observed(values[:s[0]]...), observed(values[s[0]:]...)})
		}
		least = min(least, Compare(blocks, CompareOptions{Resamples: -1}).P)
	}
	return least
}

func TestOrderOfRunsDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for seed := range uint64(100) {
		blocks := randomBlocks(rng, seed%2 == 1)
		want := Compare(blocks, CompareOptions{Seed: seed, Resamples: 200})
		for _, b := range blocks {
			rng.Shuffle(len(b.Base), func(i, j int) { b.Base[i], b.Base[j] = b.Base[j], b.Base[i] })
			rng.Shuffle(len(b.Head), func(i, j int) { b.Head[i], b.Head[j] = b.Head[j], b.Head[i] })
		}
		if got := Compare(blocks, CompareOptions{Seed: seed, Resamples: 200}); got != want {
			t.Fatalf("%+v in another order is %+v", want, got)
		}
	}
}

func TestSwappedSidesInvertTheRatio(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for seed := range uint64(100) {
		blocks := randomBlocks(rng, true)
		a, b := Compare(blocks, CompareOptions{}), Compare(swapped(blocks), CompareOptions{})
		if math.Abs(a.Ratio*b.Ratio-1) > 1e-12 || a.P != b.P || a.LeastP != b.LeastP || a.Bounded != b.Bounded {
			t.Fatalf("seed %d: %+v swapped is %+v", seed, a, b)
		}
	}
}

func TestSwappedSidesMirrorTheInterval(t *testing.T) {
	for _, within := range []float64{0, 0.2, 2} {
		rng := rand.New(rand.NewPCG(6, 1))
		for range 20 {
			blocks := trial{blocks: 3, base: 2, head: 3, sdBase: 0.2, sdHead: 0.2, within: within}.draw(rng, 1)
			a, b := Compare(blocks, CompareOptions{Resamples: 4000}),
				Compare(swapped(blocks), CompareOptions{Resamples: 4000})
			width := math.Log(a.Hi / a.Lo)
			if off := max(math.Abs(math.Log(a.Lo*b.Hi)), math.Abs(math.Log(a.Hi*b.Lo))); off > 0.08*width ||
				width == 0 {
				t.Errorf("interval [%v, %v], swapped [%v, %v]", a.Lo, a.Hi, b.Lo, b.Hi)
			}
		}
	}
}

func swapped(blocks []Block) []Block {
	out := slices.Clone(blocks)
	for i, b := range blocks {
		out[i] = Block{Base: b.Head, Head: b.Base}
	}
	return out
}

func TestWhatCannotBeBoundedIsNot(t *testing.T) {
	scattered := func(log float64) []Observation {
		return []Observation{{log, func(rng *rand.Rand) float64 { return log + 0.1*rng.NormFloat64() }}}
	}
	// now and then −Inf
	undefined := []Observation{{1, func(rng *rand.Rand) float64 { return math.Log(float64(rng.IntN(100))) }}}
	for _, c := range []struct {
		name    string
		blocks  []Block
		bounded bool
	}{
		{"no block", nil, false},
		{"runs of one side", []Block{{Base: observed(1, 2, 3)}}, false},
		{"one run each of unknown scatter", []Block{{observed(1), observed(2)}}, false},
		{"one run each, one of unknown scatter", []Block{{observed(1), scattered(2)}}, false},
		{"one run each, one that cannot always be drawn again", []Block{{undefined, scattered(2)}}, false},
		{"one run each of known scatter", []Block{{scattered(1), scattered(2)}}, true},
		{"two pairs", []Block{{observed(1), observed(2)}, {observed(1), observed(2.5)}}, true},
		{"one against two", []Block{{observed(1), observed(2, 2.5)}}, true},
		{"one against two, one that cannot always be drawn again", []Block{{undefined, observed(2, 2.5)}}, true},
	} {
		got := Compare(c.blocks, CompareOptions{})
		if got.Bounded != c.bounded || c.bounded != (got.Lo > 0 && got.Lo < got.Ratio && got.Ratio < got.Hi) ||
			!c.bounded && (got.Lo != 0 || got.Hi != 0) {
			t.Errorf("%s: %+v, want bounded %v", c.name, got, c.bounded)
		}
		if got.P < got.LeastP || got.P > 1 || got.LeastP <= 0 {
			t.Errorf("%s: p %v, least %v", c.name, got.P, got.LeastP)
		}
	}
}

func TestEqualRunsAreNoChange(t *testing.T) {
	third := math.Log(1e9 / 3)
	got := Compare([]Block{{observed(third, third, third), observed(third, third, third, third)}}, CompareOptions{})
	if got.P != 1 || math.Abs(got.Ratio-1) > 1e-12 || !got.Bounded || math.Abs(got.Hi-got.Lo) > 1e-12 {
		t.Errorf("equal runs give %+v", got)
	}
}
