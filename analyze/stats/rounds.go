package stats

import (
	"encoding/json"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a value that was estimated from rounds, with its 95% interval. An upper end that the
// rounds cannot bound is +Inf, and null in JSON.
type Estimate struct {
	Value float64
	Lo    float64
	Hi    float64
}

// MarshalJSON gives an object of value, lo and hi.
func (e Estimate) MarshalJSON() ([]byte, error) {
	out := struct {
		Value float64  `json:"value"`
		Lo    float64  `json:"lo"`
		Hi    *float64 `json:"hi"`
	}{e.Value, e.Lo, &e.Hi}
	if math.IsInf(e.Hi, 0) {
		out.Hi = nil
	}
	return json.Marshal(out)
}

// Times is the estimate of something that is so many times as large.
func (e Estimate) Times(factor float64) Estimate {
	return Estimate{e.Value * factor, e.Lo * factor, e.Hi * factor}
}

// Rounds are readings at random instants, in order of time, in blocks of neighbours: how many each
// block has. One that is estimated from them is a sum over each block.
type Rounds []float64

// tail is what is left outside of an interval at either end. Half of 5% would hold for a known
// variance; that of few rounds, or of bursts, is estimated too small half of the time.
const tail = 0.015

// Total is how many rounds there are.
func (r Rounds) Total() float64 { return sum(r) }

// Share estimates part/whole over time: both are what the rounds of each block counted, added up.
// Without anything in whole it is all that is possible.
//
// A round is one observation, however many goroutines it counts: what goroutines do at one time
// depends on each other. The estimate is a ratio of sums; its variance is that of the blocks'
// residuals. The interval is Clopper's and Pearson's for as many independent observations as have
// that variance (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193): it holds for
// small shares, too.
func (r Rounds) Share(part, whole []float64) Estimate {
	p, n := sum(part)/sum(whole), r.Total()
	switch {
	case !(sum(whole) > 0):
		return Estimate{Hi: 1}
	case p <= 0:
		return Estimate{Hi: 1 - math.Pow(tail, 1/n)}
	case p >= 1:
		return Estimate{1, math.Pow(tail, 1/n), 1}
	}
	residuals := make([]float64, len(r))
	for b := range r {
		residuals[b] = (part[b] - p*whole[b]) / sum(whole)
	}
	unseen := min(p, 1-p)
	spread := varianceOf(residuals) + 2*unseen*unseen/(n*n)
	size := p * (1 - p) / spread * r.fewer()
	out := Estimate{p, 0, 1}
	if x := p * size; x > 0 {
		out.Lo = distuv.Beta{Alpha: x, Beta: size - x + 1}.Quantile(tail)
		out.Hi = distuv.Beta{Alpha: x + 1, Beta: size - x}.Quantile(1 - tail)
	}
	return out.sound(1)
}

// sound is the estimate within its interval, whatever was lost in rounding.
func (e Estimate) sound(most float64) Estimate {
	if math.IsNaN(e.Lo) || math.IsNaN(e.Hi) {
		return Estimate{e.Value, 0, most}
	}
	return Estimate{e.Value, min(e.Lo, e.Value), min(most, max(e.Hi, e.Value))}
}

// Mean estimates how many there are at a time: counts are what the rounds of each block counted,
// added up. The interval is that of a Poisson variable of as many events as have this variance (M. P.
// Fay and E. J. Feuer, Statistics in Medicine 16 (1997) 791).
func (r Rounds) Mean(counts []float64) Estimate {
	n := r.Total()
	mean := sum(counts) / n
	switch {
	case !(n > 0):
		return Estimate{Hi: math.Inf(1)}
	case mean <= 0:
		return Estimate{}
	}
	residuals := make([]float64, len(r))
	for b := range r {
		residuals[b] = (counts[b] - mean*r[b]) / n
	}
	events := mean * mean / (varianceOf(residuals) + 2*mean*mean/(n*n)) * r.fewer()
	if events <= 0 {
		return Estimate{Value: mean, Hi: math.Inf(1)}
	}
	out := Estimate{
		mean, mean / events * distuv.Gamma{Alpha: events, Beta: 1}.Quantile(tail),
		mean / events * distuv.Gamma{Alpha: events + 1, Beta: 1}.Quantile(1-tail),
	}
	return out.sound(math.Inf(1))
}

// Slope estimates how much what is counted grows from the first round to the last, by least squares
// over blocks of rounds; false where there are too few. The blocks are long, so that neighbours
// depend little on each other.
func (r Rounds) Slope(counts []float64) (Estimate, bool) {
	const blocks = 16
	if len(r) < 2*blocks {
		return Estimate{}, false
	}
	var xs, ys [blocks]float64
	for i := range blocks {
		from, to := i*len(r)/blocks, (i+1)*len(r)/blocks
		xs[i] = (float64(from+to)/2)/float64(len(r)) - 0.5
		ys[i] = sum(counts[from:to]) / sum(r[from:to])
	}
	var sxx, sxy, mean, rest float64
	for i := range blocks {
		mean += ys[i] / blocks
	}
	for i := range blocks {
		sxx += xs[i] * xs[i]
		sxy += xs[i] * (ys[i] - mean)
	}
	slope := sxy / sxx
	for i := range blocks {
		e := ys[i] - mean - slope*xs[i]
		rest += e * e
	}
	far := student(blocks-2) * math.Sqrt(rest/(blocks-2)/sxx)
	return Estimate{slope, slope - far, slope + far}, true
}

// Alike is how many of the rounds the others are worth that resemble them: as many independent ones
// would estimate part/whole as well where the program goes on as it did. At most as many as there
// are.
func (r Rounds) Alike(part, whole []float64) float64 {
	p := sum(part) / sum(whole)
	residuals := make([]float64, len(r))
	for b := range r {
		residuals[b] = part[b] - p*whole[b]
	}
	if all := varianceOf(residuals); all > 0 {
		return r.Total() * squaresOf(residuals) / all
	}
	return r.Total()
}

// fewer is what to multiply a number of observations with for the variance not being known but
// estimated.
func (r Rounds) fewer() float64 {
	if len(r) < 2 {
		return 0
	}
	ratio := distuv.UnitNormal.Quantile(1-tail) / student(len(r)-1)
	return ratio * ratio
}

func student(freedom int) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: float64(freedom)}.Quantile(1 - tail)
}

// varianceOf is that of the residuals' sum: as if they were independent, which instants of a Poisson
// process make them, or with what neighbours have in common where that is more (W. K. Newey and
// K. D. West, Econometrica 55 (1987) 703): rounds that were late are not quite at random.
func varianceOf(residuals []float64) float64 {
	own := squaresOf(residuals)
	lags := int(math.Cbrt(float64(len(residuals))))
	all := own
	for lag := 1; lag <= lags; lag++ {
		product := 0.0
		for b := lag; b < len(residuals); b++ {
			product += residuals[b] * residuals[b-lag]
		}
		all += 2 * (1 - float64(lag)/float64(lags+1)) * product
	}
	return max(own, all)
}

// squaresOf is the sum of squares, so that its expectation is the variance.
func squaresOf(residuals []float64) (squares float64) {
	for _, e := range residuals {
		squares += e * e
	}
	n := float64(len(residuals))
	return squares * n / max(1, n-1)
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}
