package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// interval is the confidence interval of the ratio; the package comment says how it is made. It is
// not defined where runs were not repeated and their own scatter is not known.
func (d *design) interval(o CompareOptions) (lo, hi float64, bounded bool) {
	base, head, freedom := d.scatters(o)
	if !base.known() || !head.known() {
		return 0, 0, false
	}
	rng := rand.New(rand.NewPCG(o.Seed, streamRuns))
	draws := make([]float64, o.Resamples)
	for i := range draws {
		draws[i] = d.draw(base, head, rng)
	}
	slices.Sort(draws)
	tail := (1 - o.Confidence) / 2
	k := max(int(tail*float64(o.Resamples+1)), 1) // the k-th from either end
	wider, effect := expansion(tail, freedom), d.effect()
	lo = math.Exp(effect + float64(wider*draws[k-1]))
	hi = math.Exp(effect + float64(wider*draws[len(draws)-k]))
	if !isFinite(lo) || !isFinite(hi) {
		return 0, 0, false
	}
	return lo, hi, true
}

// expansion is by how much Student's t distribution reaches farther than the normal one to the same
// tail; 1 for no degrees of freedom, which is when the scatter is not estimated from runs.
func expansion(tail, freedom float64) float64 {
	if freedom <= 0 {
		return 1
	}
	t := distuv.StudentsT{Sigma: 1, Nu: freedom}
	return t.Quantile(1-tail) / distuv.UnitNormal.Quantile(1-tail)
}

// draw is how far the effect is off in one resample of the runs.
func (d *design) draw(base, head *scatter, rng *rand.Rand) float64 {
	off := 0.0
	for i := range d.blocks {
		p := &d.blocks[i]
		bases, heads := float64(p.bases), float64(len(p.values)-p.bases)
		off += float64(head.sum(len(p.values)-p.bases, rng)*bases) / (bases + heads)
		off -= float64(base.sum(p.bases, rng)*heads) / (bases + heads)
	}
	return off / d.weight
}

// scatter is how the runs of a side deviate from what the model says of them.
type scatter struct {
	runs    []float64 // deviations from the model block + side, their variance unbiased; ascending
	freedom float64   // degrees of freedom of the runs
	within  []float64 // deviations of runs that were drawn again from their own durations; ascending
	share   float64   // the factor by which a deviation within a run adds to one between runs
}

func (s *scatter) known() bool { return len(s.runs) > 0 || len(s.within) > 0 }

// sum is the sum of n deviations drawn at random.
func (s *scatter) sum(n int, rng *rand.Rand) float64 {
	sum := 0.0
	for range n {
		if len(s.runs) > 0 {
			sum += s.runs[pick(rng, len(s.runs))]
		}
		if s.share > 0 {
			sum += float64(s.share * s.within[pick(rng, len(s.within))])
		}
	}
	return sum
}

// scatters are the scatters of both sides, and the degrees of freedom of the variance of the
// effect.
func (d *design) scatters(o CompareOptions) (base, head *scatter, freedom float64) {
	base, head = d.residuals()
	freedom = base.freedom + head.freedom
	apart := len(base.runs) >= 2 && len(head.runs) >= 2
	if !apart {
		both := append(base.runs, head.runs...)
		slices.Sort(both)
		base.runs, head.runs = both, both
	}
	d.redraw(base, head, o)
	base.level()
	head.level()
	if apart {
		freedom = d.satterthwaite(base, head)
	}
	return base, head, freedom
}

// residuals are the deviations of each side's runs from the model. Each is divided by the square
// root of 1 − leverage, which makes variances unbiased; a run that the model fits in any case, such
// as the only one of a side, has no deviation.
func (d *design) residuals() (base, head *scatter) {
	base, head = new(scatter), new(scatter)
	effect := d.effect()
	for i := range d.blocks {
		p := &d.blocks[i]
		n := float64(len(p.values))
		bases := float64(p.bases) / n
		base.deviate(p.base(), -float64(effect*(1-bases)), 1/n+(1-bases)*(1-bases)/d.weight)
		head.deviate(p.head(), float64(effect*bases), 1/n+bases*bases/d.weight)
	}
	base.center()
	head.center()
	return base, head
}

func (s *scatter) deviate(values []float64, fitted, leverage float64) {
	left := 1 - leverage
	if left < 1e-9 {
		return
	}
	for _, v := range values {
		s.runs = append(s.runs, (v-fitted)/math.Sqrt(left))
		s.freedom += left
	}
}

// center makes the mean of the deviations zero, which different leverages can have moved.
func (s *scatter) center() {
	if len(s.runs) > 0 {
		slices.Sort(s.runs)
		center(s.runs)
	}
}

// redraw fills the deviations within runs: as many as there are resamples if there is nothing else,
// and otherwise enough for their variance.
func (d *design) redraw(base, head *scatter, o CompareOptions) {
	const forVariance = 100
	draws, all := min(o.Resamples, forVariance), len(base.runs) == 0
	if all {
		draws = o.Resamples
	}
	for i := range d.blocks {
		base.redraw(d.blocks[i].Base, draws, o.Seed^streamBase)
		head.redraw(d.blocks[i].Head, draws, o.Seed^streamHead)
	}
	slices.Sort(base.within)
	slices.Sort(head.within)
}

// redraw draws each run again. The seed is of the run's value, so that the runs' order does not
// matter. A run of which a drawn value is not finite counts as one whose own scatter is not known.
func (s *scatter) redraw(runs []Observation, draws int, seed uint64) {
	for _, run := range runs {
		if run.Redraw == nil || !isFinite(run.Log) {
			continue
		}
		before := len(s.within)
		rng := rand.New(rand.NewPCG(seed, math.Float64bits(run.Log)))
		for range draws {
			off := run.Redraw(rng) - run.Log
			if !isFinite(off) {
				s.within = s.within[:before]
				break
			}
			s.within = append(s.within, off)
		}
	}
}

// level sets the share of the deviations within runs so that the variance of a run is the larger
// one of the variance between runs, which has the scatter within runs in it already, and the
// variance within runs, which few runs that happen to be alike can hide.
func (s *scatter) level() {
	between, within := meanSquare(s.runs), meanSquare(s.within)
	s.share = 0
	if within > between {
		s.share = math.Sqrt(1 - between/within)
	}
}

func meanSquare(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v * v)
	}
	return sum / max(float64(len(values)), 1)
}

// satterthwaite is the effective number of degrees of freedom of the effect's variance, which is a
// sum of two that are estimated apart (F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110).
func (d *design) satterthwaite(base, head *scatter) float64 {
	vb, vh := 0.0, 0.0
	for i := range d.blocks {
		p := &d.blocks[i]
		n, bases := float64(len(p.values)), float64(p.bases)
		heads := n - bases
		vb += float64(bases * (heads / n) * (heads / n))
		vh += float64(heads * (bases / n) * (bases / n))
	}
	vb *= meanSquare(base.runs)
	vh *= meanSquare(head.runs)
	if vb+vh == 0 {
		return base.freedom + head.freedom
	}
	return (vb + vh) * (vb + vh) / (float64(vb*vb)/base.freedom + float64(vh*vh)/head.freedom)
}
