package stats

import (
	"math"
	"math/rand/v2"
)

// LeastP is the smallest two-sided p that a permutation test of blocks with these numbers of base
// and head runs can give. Where every block has as many of the one as of the other, exchanging all
// labels mirrors the statistic, so that each extreme comes twice; otherwise there are values for
// which one labeling alone is the most extreme.
func LeastP(sizes [][2]int) float64 {
	labelings, mirrored := 1.0, true
	for _, s := range sizes {
		if s[0] > 0 && s[1] > 0 {
			labelings *= choose(s[0]+s[1], s[0])
			mirrored = mirrored && s[0] == s[1]
		}
	}
	if mirrored {
		return min(1, 2/labelings)
	}
	return 1 / labelings
}

// choose is the number of ways to choose k of n: exact below 2⁵³, +Inf where it is beyond a
// float64.
func choose(n, k int) float64 {
	ways := 1.0
	for i := 1; i <= min(k, n-k) && !math.IsInf(ways, 1); i++ {
		ways = ways * float64(n-i+1) / float64(i)
	}
	return ways
}

// permute is the test: how often labels that are exchanged within blocks give a statistic as far
// from zero as the observed one.
func (d *design) permute(o CompareOptions) Change {
	sizes, labelings := make([][2]int, len(d.blocks)), 1.0
	for i := range d.blocks {
		p := &d.blocks[i]
		sizes[i] = [2]int{p.bases, len(p.values) - p.bases}
		labelings *= choose(len(p.values), p.bases)
	}
	c := Change{LeastP: LeastP(sizes)}
	extreme := d.extreme()
	if labelings <= float64(o.Permutations) {
		c.P = float64(countSums(d.sums(), 0, extreme)) / labelings
		return c
	}
	c.P = float64(d.drawSums(o, extreme)+1) / float64(o.Permutations+1)
	c.LeastP = max(c.LeastP, 1/float64(o.Permutations+1))
	return c
}

// extreme is the size from which on the sum of the head's values counts as no smaller than the
// observed one. What is smaller by a rounding error only is a tie, on whatever machine.
func (d *design) extreme() float64 {
	observed := math.Abs(float64(d.effect() * d.weight))
	return observed - float64(observed*1e-9) - d.noise
}

// fewer is the number of runs of the side that has fewer of them. The sum of either side's values
// says the same, as both sides' sums add to zero; its sign is the head's.
func (p *plot) fewer() (runs int, sign float64) {
	heads := len(p.values) - p.bases
	if p.bases < heads {
		return p.bases, -1
	}
	return heads, 1
}

// sums are each block's sums of the head's values, by all labelings of the block.
func (d *design) sums() [][]float64 {
	out := make([][]float64, len(d.blocks))
	for i := range d.blocks {
		p := &d.blocks[i]
		runs, sign := p.fewer()
		labelings := make([]float64, 0, int(choose(len(p.values), runs)))
		out[i] = appendSums(labelings, p.values, runs, 0, sign)
	}
	return out
}

// appendSums appends sign times the sum of each choice of k of the values, at least one, and of
// what was chosen before.
func appendSums(out, values []float64, k int, before, sign float64) []float64 {
	if k == 1 {
		for _, v := range values {
			out = append(out, sign*(before+v))
		}
		return out
	}
	for i := range len(values) - k + 1 {
		out = appendSums(out, values[i+1:], k-1, before+values[i], sign)
	}
	return out
}

// countSums counts the choices of one sum of each block that, with what was chosen before, are
// extreme.
func countSums(sums [][]float64, before, extreme float64) (count int64) {
	if len(sums) > 1 {
		for _, s := range sums[0] {
			count += countSums(sums[1:], before+s, extreme)
		}
		return count
	}
	for _, s := range sums[0] {
		if math.Abs(before+s) >= extreme {
			count++
		}
	}
	return count
}

// drawSums counts the extreme ones of o.Permutations labelings drawn at random.
func (d *design) drawSums(o CompareOptions, extreme float64) (count int64) {
	rng := rand.New(rand.NewPCG(o.Seed, streamLabels))
	shuffled := make([]plot, len(d.blocks))
	for i, p := range d.blocks {
		shuffled[i] = plot{values: append([]float64(nil), p.values...), bases: p.bases}
	}
	for range o.Permutations {
		sum := 0.0
		for i := range shuffled {
			sum += shuffled[i].drawSum(rng)
		}
		if math.Abs(sum) >= extreme {
			count++
		}
	}
	return count
}

// Second halves of the seeds of the random numbers, one a purpose.
const (
	streamLabels = iota + 1
	streamRuns
	streamBase
	streamHead
)

// drawSum is the sum of the head's values after labels were exchanged at random. It shuffles the
// values.
func (p *plot) drawSum(rng *rand.Rand) float64 {
	runs, sign := p.fewer()
	sum := 0.0
	for i := range runs {
		j := i + pick(rng, len(p.values)-i)
		p.values[i], p.values[j] = p.values[j], p.values[i]
		sum += p.values[i]
	}
	return sign * sum
}

// pick is a number below n, the same on machines of any word size.
func pick(rng *rand.Rand, n int) int { return int(rng.Uint32N(uint32(n))) }
