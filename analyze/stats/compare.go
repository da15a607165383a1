package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Observation is one run's statistic, as a logarithm. A run whose Log is not finite is left out.
type Observation struct {
	Log float64 // natural logarithm
	// the logarithm of the statistic of a run resampled from the run's own durations; nil: the
	// run's own scatter is not known
	Redraw func(*rand.Rand) float64
}

// Block is runs of both sides that were made one right after another; the order inside does not
// matter.
type Block struct{ Base, Head []Observation }

// DefaultPermutations is CompareOptions.Permutations where it is 0.
const DefaultPermutations = 10_000

// CompareOptions say how to compare; the zero value works.
type CompareOptions struct {
	Seed       uint64
	Confidence float64 // 0: 0.95
	// 0: DefaultPermutations; up to this many labelings are enumerated exactly, else that many are
	// drawn
	Permutations int
	Resamples    int // 0: 2,000 of the bootstrap; negative: no interval
}

func (o CompareOptions) withDefaults() CompareOptions {
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	if o.Permutations <= 0 {
		o.Permutations = DefaultPermutations
	}
	if o.Resamples == 0 {
		o.Resamples = 2_000
	}
	return o
}

// Change is head against base. Where no block has runs of both sides, Ratio is 0, which no
// comparison gives, and P is 1.
type Change struct {
	Ratio   float64 // of geometric means, head/base, block effects removed
	Lo, Hi  float64 // its interval; 0 where it is not Bounded
	Bounded bool    // the interval is defined
	P       float64 // two-sided permutation p
	LeastP  float64 // the smallest P these numbers of runs can give
}

// Compare is the change from the base runs to the head runs. A block with runs of one side only
// says nothing and is left out. The result depends neither on the order of the blocks' runs nor on
// anything else than the arguments.
func Compare(blocks []Block, o CompareOptions) Change {
	o = o.withDefaults()
	d := newDesign(blocks)
	if len(d.blocks) == 0 {
		return Change{P: 1, LeastP: 1}
	}
	c := d.permute(o)
	c.Ratio = math.Exp(d.effect())
	if o.Resamples > 0 {
		c.Lo, c.Hi, c.Bounded = d.interval(o)
	}
	return c
}

// design is the runs of a comparison, ready for the test and the interval.
type design struct {
	blocks []plot
	weight float64 // the sum of the blocks' weights
	noise  float64 // an upper bound of rounding errors in sums of the blocks' values
}

// plot is a block with runs of both sides. (The word is Fisher's, of fields.)
type plot struct {
	Block
	values []float64 // logarithms less the block's mean: of the base in ascending order, then of the head
	bases  int       // how many of the values are of the base
}

func (p *plot) base() []float64 { return p.values[:p.bases] }
func (p *plot) head() []float64 { return p.values[p.bases:] }

// weight is nb·nh/(nb+nh), the inverse of the variance of the difference of means, if runs have
// variance 1.
func (p *plot) weight() float64 {
	return float64(p.bases) * float64(len(p.values)-p.bases) / float64(len(p.values))
}

func newDesign(blocks []Block) *design {
	runs := 0
	for _, b := range blocks {
		runs += len(b.Base) + len(b.Head)
	}
	d := &design{blocks: make([]plot, 0, len(blocks))}
	values := make([]float64, 0, runs)
	for _, b := range blocks {
		values = d.plot(b, values[len(values):])
	}
	return d
}

// plot adds a block if it has runs of both sides; its values go into the free space, which is
// returned with them used up.
func (d *design) plot(b Block, free []float64) []float64 {
	values := finite(free, b.Base)
	bases := len(values)
	values = finite(values, b.Head)
	if bases == 0 || bases == len(values) {
		return free
	}
	slices.Sort(values[:bases])
	slices.Sort(values[bases:])
	d.noise += center(values)
	p := plot{Block: b, values: values, bases: bases}
	d.blocks = append(d.blocks, p)
	d.weight += p.weight()
	return values
}

// finite appends the logarithms that are finite.
func finite(values []float64, runs []Observation) []float64 {
	for _, run := range runs {
		if isFinite(run.Log) {
			values = append(values, run.Log)
		}
	}
	return values
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// center subtracts the mean, and returns a bound of the rounding errors of that and of sums of the
// values.
func center(values []float64) (noise float64) {
	sum, size := 0.0, 0.0
	for _, v := range values {
		sum += v
		size += math.Abs(v)
	}
	mean := sum / float64(len(values))
	for i := range values {
		values[i] -= mean
	}
	const perValue = 1e-13 // some hundred times the rounding error of one operation
	return size * perValue
}

// effect is the logarithm of the ratio: the weighted mean over blocks of (mean head − mean base),
// which is the least-squares estimate under logarithm = block + side. With values centered in each
// block the weights cancel, and what is left is the sum of the head's values.
func (d *design) effect() float64 {
	sum := 0.0
	for i := range d.blocks {
		sum += total(d.blocks[i].head())
	}
	return sum / d.weight
}

func total(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}
