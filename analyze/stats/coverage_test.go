package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// trial is an experiment that can be made again and again: its numbers of runs a block, and how
// they scatter.
type trial struct {
	name                  string
	blocks, base, head    int
	sdBase, sdHead        float64 // between runs, of the logarithm
	within                float64 // of the statistic within a run, of the logarithm
	shape                 func(*rand.Rand) float64
	leastCover, mostCover float64
}

// draw makes the experiment once; the head is ratio times the base, and blocks differ by more than
// runs.
func (c trial) draw(rng *rand.Rand, ratio float64) []Block {
	if c.shape == nil {
		c.shape = (*rand.Rand).NormFloat64
	}
	blocks := make([]Block, c.blocks)
	for i := range blocks {
		at := 12 + rng.NormFloat64()
		blocks[i].Base = c.drawRuns(rng, c.base, c.sdBase, at)
		blocks[i].Head = c.drawRuns(rng, c.head, c.sdHead, at+math.Log(ratio))
	}
	return blocks
}

func (c trial) drawRuns(rng *rand.Rand, n int, sd, at float64) []Observation {
	runs := make([]Observation, n)
	for i := range runs {
		log := at + sd*c.shape(rng) + c.within*rng.NormFloat64()
		runs[i].Log = log
		if c.within > 0 {
			runs[i].Redraw = func(rng *rand.Rand) float64 { return log + c.within*rng.NormFloat64() }
		}
	}
	return runs
}

// heavyTailed is Student's t distribution with 3 degrees of freedom.
func heavyTailed(rng *rand.Rand) float64 {
	squares := 0.0
	for range 3 {
		x := rng.NormFloat64()
		squares += x * x
	}
	return rng.NormFloat64() / math.Sqrt(squares/3)
}

func skewed(rng *rand.Rand) float64 { return rng.ExpFloat64() - 1 }

// TestIntervalsCoverTheRatio bounds the percentage of the 95% intervals that hold the true ratio;
// 1,200 trials scatter by 0.6.
func TestIntervalsCoverTheRatio(t *testing.T) {
	const trials, ratio = 1200, 1.25
	for _, c := range []trial{
		{name: "6 and 6 in 3 blocks, sd 0.1", leastCover: 93.5, mostCover: 97.5, blocks: 3, base: 2, head: 2,
			sdBase: .1, sdHead: .1},
		{name: "6 and 6 in 3 blocks, sd 0.4", leastCover: 93.5, mostCover: 97.5, blocks: 3, base: 2, head: 2,
			sdBase: .4, sdHead: .4},
		{name: "6 and 6 in one block", leastCover: 93.5, mostCover: 97.5, blocks: 1, base: 6, head: 6, sdBase: .4,
			sdHead: .4},
		{name: "4 and 4 in 2 blocks", leastCover: 93.5, mostCover: 97.5, blocks: 2, base: 2, head: 2, sdBase: .4,
			sdHead: .4},
		{name: "4 and 4 in one block", leastCover: 93.5, mostCover: 97.5, blocks: 1, base: 4, head: 4, sdBase: .1,
			sdHead: .1},
		{name: "10 and 10 in 5 blocks", leastCover: 93, mostCover: 97, blocks: 5, base: 2, head: 2, sdBase: .4,
			sdHead: .4},
		{name: "6 pairs", leastCover: 93.5, mostCover: 97.5, blocks: 6, base: 1, head: 1, sdBase: .4, sdHead: .4},
		{name: "2 pairs", leastCover: 93.5, mostCover: 97.5, blocks: 2, base: 1, head: 1, sdBase: .4, sdHead: .4},
		{name: "3 and 3", leastCover: 93.5, mostCover: 97.5, blocks: 1, base: 3, head: 3, sdBase: .4, sdHead: .4},
		{name: "4 and 10", leastCover: 92, mostCover: 96.5, blocks: 1, base: 4, head: 10, sdBase: .4, sdHead: .4},
		{name: "blocks of 1 and 3", leastCover: 93.5, mostCover: 97.5, blocks: 4, base: 1, head: 3, sdBase: .4,
			sdHead: .4},
		{name: "6 and 6 in 3 blocks, heavy tails", leastCover: 93.5, mostCover: 97.5, blocks: 3, base: 2, head: 2,
			sdBase: .3, sdHead: .3, shape: heavyTailed},
		{name: "10 and 10 in 5 blocks, heavy tails", leastCover: 93, mostCover: 97, blocks: 5, base: 2, head: 2,
			sdBase: .3, sdHead: .3, shape: heavyTailed},
		{name: "6 and 6 in 3 blocks, skewed", leastCover: 93.5, mostCover: 97.5, blocks: 3, base: 2, head: 2,
			sdBase: .3, sdHead: .3, shape: skewed},
		{name: "6 and 6 in 3 blocks, sd 0.1 and 0.4", leastCover: 91.5, mostCover: 96, blocks: 3, base: 2, head: 2,
			sdBase: .1, sdHead: .4},
		{name: "6 and 6 in 3 blocks, half of the scatter within", leastCover: 93, mostCover: 97, blocks: 3, base: 2,
			head: 2, sdBase: .2, sdHead: .2, within: .1},
		{name: "6 and 6 in 3 blocks, all of the scatter within", leastCover: 96.5, mostCover: 99.7, blocks: 3, base: 2,
			head: 2, within: .1},
		{name: "one and 6, scatter unknown", leastCover: 91.5, mostCover: 97, blocks: 1, base: 1, head: 6, sdBase: .4,
			sdHead: .4},
		{name: "2 and 10", leastCover: 87, mostCover: 95, blocks: 1, base: 2, head: 10, sdBase: .4, sdHead: .4},
		{name: "one and one, all of the scatter within", leastCover: 93.5, mostCover: 97.5, blocks: 1, base: 1, head: 1,
			within: .1},
	} {
		rng, covered := rand.New(rand.NewPCG(8, 1)), 0
		for seed := range uint64(trials) {
			got := Compare(c.draw(rng, ratio), CompareOptions{Seed: seed, Resamples: 400, Permutations: 1})
			if got.Bounded && got.Lo <= ratio && ratio <= got.Hi {
				covered++
			}
		}
		cover := 100 * float64(covered) / trials
		t.Logf("%s: %.1f%%", c.name, cover)
		if cover < c.leastCover || cover > c.mostCover {
			t.Errorf("%s: %.1f%% of the intervals hold the ratio, want %v%% to %v%%", c.name, cover, c.leastCover,
				c.mostCover)
		}
	}
}

// TestPIsUniformWithoutAChange compares how often p is at most a level with the number that the
// labelings allow.
func TestPIsUniformWithoutAChange(t *testing.T) {
	const trials = 3000
	for _, c := range []struct {
		trial        trial
		permutations int
	}{
		{trial{name: "6 and 6", blocks: 1, base: 6, head: 6, sdBase: .4, sdHead: .4}, 924},
		{trial{name: "6 and 6 in 3 blocks", blocks: 3, base: 2, head: 2, sdBase: .4, sdHead: .4}, 924},
		{trial{name: "heavy tails, uneven blocks", blocks: 2, base: 2, head: 3, sdBase: .4, sdHead: .4,
			shape: heavyTailed}, 924},
		{trial{name: "10 and 10, 199 drawn", blocks: 2, base: 5, head: 5, sdBase: .4, sdHead: .4}, 199},
	} {
		rng, atMost := rand.New(rand.NewPCG(9, 1)), map[float64]int{.01: 0, .05: 0, .1: 0, .5: 0, .8: 0}
		granularity := 0.0
		for seed := range uint64(trials) {
			got := Compare(c.trial.draw(rng, 1), CompareOptions{Seed: seed, Resamples: -1,
				Permutations: c.permutations})
			granularity = got.LeastP
			for level := range atMost {
				if got.P <= level {
					atMost[level]++
				}
			}
		}
		for level, count := range atMost {
			want := math.Floor(level/granularity+1e-9) * granularity
			if sd := math.Sqrt(want * (1 - want) / trials); math.Abs(float64(count)/trials-want) > 3.5*sd {
				t.Errorf("%s: p ≤ %v in %.4f, want %.4f ± %.4f", c.trial.name, level, float64(count)/trials, want, sd)
			}
		}
	}
}

// TestAChangeIsFound compares the power with that of Student's t test of the same size, whose
// permutation twin this is. For 6 and 6 at a difference of 2 sd it is 0.88 (statsmodels,
// TTestIndPower().power(2, 6, 0.05)).
func TestAChangeIsFound(t *testing.T) {
	const trials = 1000
	for _, c := range []struct {
		ratio       float64
		least, most float64
	}{{math.Exp(.2), .82, .92}, {math.Exp(-.2), .82, .92}, {math.Exp(.4), .99, 1}, {math.Exp(.02), .03, .09}} {
		rng, found, excluded := rand.New(rand.NewPCG(10, 1)), 0, 0
		for seed := range uint64(trials) {
			got := Compare(trial{blocks: 1, base: 6, head: 6, sdBase: .1, sdHead: .1}.draw(rng, c.ratio),
				CompareOptions{Seed: seed, Resamples: 200})
			if got.P <= .05 {
				found++
			}
			if got.Lo > 1 || got.Hi < 1 {
				excluded++
			}
		}
		for name, share := range map[string]float64{"p ≤ 0.05": float64(found) / trials,
			"intervals without 1": float64(excluded) / trials} {
			if share < c.least || share > c.most {
				t.Errorf("ratio %.2f: %s in %.3f, want %v to %v", c.ratio, name, share, c.least, c.most)
			}
		}
	}
}

func TestMoreConfidenceIsWider(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	blocks := trial{blocks: 3, base: 2, head: 2, sdBase: .3, sdHead: .3}.draw(rng, 1)
	narrow, usual, wide := Compare(blocks, CompareOptions{Confidence: .8}), Compare(blocks, CompareOptions{}),
		Compare(blocks, CompareOptions{Confidence: .99})
	if !(wide.Lo < usual.Lo && usual.Lo < narrow.Lo && narrow.Hi < usual.Hi && usual.Hi < wide.Hi) {
		t.Errorf("intervals %+v, %+v, %+v do not widen", narrow, usual, wide)
	}
}

// TestScatterWithinRunsOnlyFillsUp compares intervals of runs whose own scatter is not known, less
// than that between runs, or more.
func TestScatterWithinRunsOnlyFillsUp(t *testing.T) {
	plain := []Block{{observed(1, 1.2, 1.1, 1.4, 1.3), observed(1.5, 1.2, 1.4, 1.3, 1.9)}}
	width := func(within float64) float64 {
		blocks := []Block{{slices.Clone(plain[0].Base), slices.Clone(plain[0].Head)}}
		for _, side := range [][]Observation{blocks[0].Base, blocks[0].Head} {
			for i, run := range side {
				side[i].Redraw = func(rng *rand.Rand) float64 { return run.Log + within*rng.NormFloat64() }
			}
		}
		got := Compare(blocks, CompareOptions{})
		return math.Log(got.Hi / got.Lo)
	}
	unknown := Compare(plain, CompareOptions{})
	if want := math.Log(unknown.Hi / unknown.Lo); width(0) != want || width(0.1) != want {
		t.Errorf("the widths are %v and %v, without redrawing %v", width(0), width(0.1), want)
	}
	// Variances of a run 1, between runs 0.025 and 0.07: degrees of freedom (.025 + .07)²/(.025²/4
	// + .07²/4) = 6.5, t = 2.40.
	if want := 2 * 2.40 * math.Sqrt(2./5); math.Abs(width(1)/want-1) > 0.08 {
		t.Errorf("with a variance of 1 within runs the width is %v, want %v", width(1), want)
	}
}

func benchmarkCompare(b *testing.B, c trial, o CompareOptions) {
	blocks := c.draw(rand.New(rand.NewPCG(12, 1)), 1.1)
	b.ReportAllocs()
	for b.Loop() {
		Compare(blocks, o)
	}
}

func BenchmarkCompare(b *testing.B) {
	blocked := trial{blocks: 3, base: 2, head: 2, sdBase: .3, sdHead: .3, within: .1}
	single := trial{blocks: 1, base: 6, head: 6, sdBase: .3, sdHead: .3, within: .1}
	b.Run("blocks", func(b *testing.B) { benchmarkCompare(b, blocked, CompareOptions{}) })
	b.Run("one_block", func(b *testing.B) { benchmarkCompare(b, single, CompareOptions{}) })
	b.Run("blocks_p_only", func(b *testing.B) { benchmarkCompare(b, blocked, CompareOptions{Resamples: -1}) })
	b.Run("one_block_p_only", func(b *testing.B) { benchmarkCompare(b, single, CompareOptions{Resamples: -1}) })
}
