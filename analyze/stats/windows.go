package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Windows are the times in which something was watched, of a longer time, and what each stands for.
// The zero Windows has none. It takes two words a window.
type Windows struct{ list []window }

type window struct{ watched, before float64 }

// End says that a window has ended: for how long was watched in it, and for how long before it was
// not. What is counted next is of the next window.
func (w *Windows) End(watchedNS, beforeNS int64) {
	w.list = append(w.list, window{max(1, float64(watchedNS)), float64(max(0, beforeNS))})
}

// With are the windows with one more that has not ended.
func (w *Windows) With(watchedNS, beforeNS int64) *Windows {
	more := &Windows{list: slices.Clone(w.list)}
	more.End(watchedNS, beforeNS)
	return more
}

func (w *Windows) begun() bool { return w != nil && len(w.list) > 0 }

// standsFor is the time that a window stands for.
func (x *window) standsFor() float64 { return x.watched + x.before }

// factor is what one second watched in the window counts.
func (x *window) factor() float64 { return x.standsFor() / x.watched }

const (
	maxBatches = 64 // of windows, to tell by how much they differ; always fewer than 2 of each size
	cellBits   = 4  // of a fine bucket's number, that a cell of a batch does not have: 8 cells an octave
)

// cell counts the measured values of 16 buckets.
type cell struct {
	number int32
	ended  float64
}

// most is how much of its window a value may take: of longer ones too few are seen whole.
const most = 0.75

// chance is how likely a value of a cell that began in a window also ended in it: it did if it began
// early enough, and windows begin at random.
func (x *window) chance(number int32) float64 {
	lo, _ := Bounds(int(number) << cellBits)
	_, hi := Bounds(int(number)<<cellBits + 1<<cellBits - 1)
	return max((x.watched-(float64(lo)+float64(hi))/2)/x.watched, (1-most)/2)
}

// batch is what some windows in a row have seen, each by its weight.
type batch struct {
	count, time float64
	cells       []cell // ascending
}

func (b *batch) add(number int32, ended float64) {
	i, ok := slices.BinarySearchFunc(b.cells, number, func(c cell, n int32) int { return int(c.number) - int(n) })
	if !ok {
		b.cells = slices.Insert(b.cells, i, cell{number: number})
	}
	b.cells[i].ended += ended
}

func (b *batch) merge(other *batch) {
	b.count += other.count
	b.time += other.time
	for _, c := range other.cells {
		b.add(c.number, c.ended)
	}
}

// weigh adds what a window has seen: all that began in it and the time as what it stands for, and those
// that ended in it as what began like them (D. G. Horvitz and D. J. Thompson, Journal of the American
// Statistical Association 47 (1952) 663). Nothing is supposed of how windows are alike, as the
// Kaplan–Meier curve does.
func (b *batch) weigh(seen *batch, w *window) {
	b.count += float64(w.factor() * seen.count)
	b.time += float64(w.factor() * seen.time)
	for _, c := range seen.cells {
		b.add(c.number, float64(w.factor()*c.ended)/w.chance(c.number))
	}
}

func (b *batch) empty() bool { return b.count == 0 && b.time == 0 && len(b.cells) == 0 }

// Sampled is a Histogram of values that were seen in windows, which keeps apart what batches of
// windows have seen: from how they differ it tells how far off the whole is. Where there are no
// windows it is the Histogram alone. All that are merged are of the same Windows.
type Sampled struct {
	Histogram
	Windows *Windows

	divided bool    // batches and open have all that the Histogram has
	batches []batch // of 1<<shift windows each
	shift   uint8
	open    batch // of the window at openAt, without its weight
	openAt  int
}

// Add counts a measured value.
func (s *Sampled) Add(v int64) {
	if s.Windows.begun() {
		s.note(v, 1, 1)
	}
	s.Histogram.Add(v)
}

// AddCensored counts a value of which is known only that it is at least v.
func (s *Sampled) AddCensored(v int64) {
	if s.Windows.begun() {
		s.note(v, 1, 0)
	}
	s.Histogram.AddCensored(v)
}

// AddFound counts a value that was found going on and lasted at least v more.
func (s *Sampled) AddFound(v int64) {
	if s.Windows.begun() {
		s.note(v, 0, 0)
	}
	s.Histogram.AddFound(v)
}

// note counts a value for the window that is open.
func (s *Sampled) note(v int64, began, ended float64) {
	s.divide()
	if s.openAt != len(s.Windows.list) {
		s.settle()
		s.openAt = len(s.Windows.list)
	}
	v = max(v, 0)
	s.open.count += began
	s.open.time += float64(v)
	if ended > 0 {
		s.open.add(int32(Bucket(v)>>cellBits), ended)
	}
}

// divide makes what the Histogram had when the first window ended what that window has seen.
func (s *Sampled) divide() {
	if s.divided {
		return
	}
	s.divided = true
	s.open = batch{count: float64(s.count + s.censored - s.found), time: float64(s.sum + s.censSum)}
	s.each(func(b int, count, _, _ int64) bool {
		if count > 0 {
			s.open.add(int32(b>>cellBits), float64(count))
		}
		return true
	})
}

// settle puts what is open into its batch if its window has ended.
func (s *Sampled) settle() {
	if s.openAt >= len(s.Windows.list) || s.open.empty() {
		return
	}
	for s.openAt>>s.shift >= maxBatches {
		s.halve()
	}
	at := s.openAt >> s.shift
	for len(s.batches) <= at {
		s.batches = append(s.batches, batch{})
	}
	s.batches[at].weigh(&s.open, &s.Windows.list[s.openAt])
	s.open = batch{}
}

// halve makes batches of twice as many windows.
func (s *Sampled) halve() {
	s.shift++
	half := s.batches[:0]
	for i := 0; i < len(s.batches); i += 2 {
		b := s.batches[i]
		if i+1 < len(s.batches) {
			b.merge(&s.batches[i+1])
		}
		half = append(half, b)
	}
	clear(s.batches[len(half):])
	s.batches = half
}

// Merge adds what another has counted of the same windows.
func (s *Sampled) Merge(other *Sampled) {
	if s.Windows == nil {
		s.Windows = other.Windows
	}
	if s.Windows.begun() {
		o := other.clone()
		for _, x := range []*Sampled{s, o} {
			x.divide()
			x.settle()
		}
		for s.shift < o.shift {
			s.halve()
		}
		for o.shift < s.shift {
			o.halve()
		}
		for i := range o.batches {
			for len(s.batches) <= i {
				s.batches = append(s.batches, batch{})
			}
			s.batches[i].merge(&o.batches[i])
		}
		if !o.open.empty() {
			s.open.merge(&o.open)
			s.openAt = o.openAt
		}
	}
	s.Histogram.Merge(&other.Histogram)
}

// clone is a copy whose batches are its own; the Histogram is the same.
func (s *Sampled) clone() *Sampled {
	c := &Sampled{Histogram: s.Histogram, Windows: s.Windows, divided: s.divided, shift: s.shift, openAt: s.openAt}
	for i := range s.batches {
		c.batches = append(c.batches, s.batches[i].clone())
	}
	c.open = s.open.clone()
	return c
}

func (b *batch) clone() batch { return batch{b.count, b.time, slices.Clone(b.cells)} }

// Whole is the time that windows stand for together, and what else there was.
type Whole struct {
	Windows *Windows // all of them, the last even if it has not ended
	AfterNS int64    // time after the last window that was not watched: the windows stand for it together
	// values that went on through a whole window were not seen in all windows
	Unread bool
}

// Scaling is what can be said of the whole from what was seen in windows.
type Scaling struct {
	seen    *Histogram
	batches []batch // all of one size
	stands  []float64
	before  []float64
	all     batch   // of all windows
	time    float64 // that the windows stand for
	after   float64 // beside it
	horizon int64   // up to which lengths most windows tell something of quantiles
	missed  bool    // values may have gone on through whole windows without being seen
}

// Of is the estimate of what a Sampled has seen of the whole; nil where there are no windows.
func (x Whole) Of(s *Sampled) *Scaling {
	if !x.Windows.begun() {
		return nil
	}
	c := s.clone()
	c.Windows = x.Windows
	c.divide()
	c.settle()
	shift := c.shift
	for (len(x.Windows.list)-1)>>shift >= maxBatches {
		shift++
	}
	for c.shift < shift {
		c.halve()
	}
	e := &Scaling{seen: &s.Histogram, batches: c.batches, after: float64(x.AfterNS)}
	n := (len(x.Windows.list)-1)>>shift + 1
	e.stands, e.before = make([]float64, n), make([]float64, n)
	for len(e.batches) < n {
		e.batches = append(e.batches, batch{})
	}
	watched := 0.0
	for i := range x.Windows.list {
		w := &x.Windows.list[i]
		watched += w.watched
		e.stands[i>>shift] += w.standsFor()
		e.before[i>>shift] += w.before
		e.time += w.standsFor()
	}
	for i := range e.batches {
		e.all.merge(&e.batches[i])
	}
	e.horizon = x.Windows.horizon(e.time)
	e.missed = x.Unread && float64(max(s.max, s.censMax)) > watched/float64(2*len(x.Windows.list))
	return e
}

// horizon is up to which lengths windows tell something of the whole's: those of at least that length
// stand for nearly all of it. What is longer was seen in some windows alone, and the times that others
// stand for may be different.
func (w *Windows) horizon(all float64) int64 {
	const few = 0.02
	sorted := slices.Clone(w.list)
	slices.SortFunc(sorted, func(a, b window) int { return cmp.Compare(a.watched, b.watched) })
	shorter := 0.0
	for i := range sorted {
		if shorter += sorted[i].standsFor(); shorter > few*all {
			return int64(most * sorted[i].watched)
		}
	}
	return math.MaxInt64
}

// variance is that of the sum over batches of a figure, as an estimate of the whole. What is not
// known of a batch is what happened before its windows; how far its windows are off that is told by
// how far neighbours are from each other. So what drifts slowly, with the load and the number of
// windows, is no error.
func (e *Scaling) variance(of func(i int) float64) float64 {
	n := len(e.batches)
	if n < 2 {
		return math.Inf(1)
	}
	sum, last := 0.0, of(0)/e.stands[0]
	for i := 1; i < n; i++ {
		rate := of(i) / e.stands[i]
		weight := float64(e.before[i]*e.stands[i]) + float64(e.before[i-1]*e.stands[i-1])
		sum += float64(weight * (rate - last) * (rate - last))
		last = rate
	}
	// each batch is in two differences but the first and the last, and a difference has two errors
	return sum / 4 * float64(n) / float64(n-1) * (1 + e.after/e.time)
}

// freedom is the number of degrees of freedom of variance: successive differences are worth two
// thirds of independent ones.
func (e *Scaling) freedom() float64 { return max(1, float64(2*(len(e.batches)-1))/3) }

// wider is how much wider intervals are than the scatter of windows alone makes them: what is seldom
// in windows is seldom in their scatter, too. In trials, intervals that are no wider held the whole in
// 91 to 97 of 100.
const wider = 1.25

// reach is how many standard errors an interval goes to each side.
func (e *Scaling) reach(confidence float64) float64 {
	return wider * distuv.StudentsT{Sigma: 1, Nu: e.freedom()}.Quantile(1-(1-confidence)/2)
}

// Scaled are a number and a sum of durations as they were in the whole time, estimated from windows,
// with their confidence intervals. An end that is not known is nil.
type Scaled struct {
	Count         int64     `json:"count"` // of durations that began
	CountInterval [2]*int64 `json:"count_interval"`
	NS            int64     `json:"ns"`
	NSInterval    [2]*int64 `json:"interval_ns"`
	// NS is too small by an unknown amount: some were as long as windows, and in windows in which
	// goroutines were not read from memory those are not seen that go on through all of it
	AtLeast bool `json:"at_least,omitempty"`
}

// Scaled is the estimate of the whole's number and sum.
func (e *Scaling) Scaled(confidence float64) *Scaled {
	up := 1 + e.after/e.time
	out := &Scaled{Count: round(e.all.count * up), NS: round(e.all.time * up)}
	h, unseen := e.seen, e.unseen()
	began := float64(h.count + h.censored - h.found)
	counts := e.variance(func(i int) float64 { return e.batches[i].count }) / square(e.all.count)
	times := e.variance(func(i int) float64 { return e.batches[i].time }) / square(e.all.time)
	out.CountInterval = e.around(float64(out.Count), max(counts, unseen/began), began, confidence)
	out.NSInterval = e.around(float64(out.NS), max(times, float64(unseen*h.concentration())),
		float64(h.sum+h.censSum), confidence)
	if e.missed {
		out.NSInterval[1], out.AtLeast = nil, true
	}
	return out
}

// UpTo makes the intervals reach as far as if all of the other were of this, which may be so.
func (s *Scaled) UpTo(other *Scaled) {
	s.CountInterval[1] = sumOf(s.CountInterval[1], other.CountInterval[1])
	s.NSInterval[1] = sumOf(s.NSInterval[1], other.NSInterval[1])
	s.AtLeast = s.AtLeast || other.AtLeast
}

func sumOf(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	sum := *a + *b
	return &sum
}

func square(x float64) float64 { return x * x }

func round(x float64) int64 { return int64(math.Round(min(x, math.MaxInt64/2))) }

// unseen is the share of the whole that was not watched.
func (e *Scaling) unseen() float64 {
	sum := e.after
	for _, ns := range e.before {
		sum += ns
	}
	return sum / (e.time + e.after)
}

// concentration is the relative variance of a sum of so many independent durations as there are.
func (h *Histogram) concentration() float64 {
	sum, squares := 0.0, 0.0
	h.each(func(b int, count, censored, _ int64) bool {
		lo, hi := Bounds(b)
		middle, n := float64(lo)/2+float64(hi)/2, float64(count+censored)
		sum += float64(n * middle)
		squares += float64(n * middle * middle)
		return true
	})
	return squares / square(sum)
}

// around is the interval around a positive estimate with this relative variance: that of a sum of
// 1/variance rare things, which cannot be less than what was seen.
func (e *Scaling) around(estimate, variance, seen, confidence float64) (ends [2]*int64) {
	if !isFinite(variance) || estimate <= 0 {
		return ends
	}
	tail := (1 - confidence) / 2
	beyond := e.reach(confidence) / distuv.UnitNormal.Quantile(1-tail)
	n := 1 / max(float64(variance*beyond*beyond), 1e-9)
	lo := estimate * gamma(n, tail) / n
	hi := estimate * gamma(n+1, 1-tail) / n
	a, b := round(math.Floor(max(min(lo, estimate), min(seen, estimate)))), round(math.Ceil(max(hi, estimate)))
	return [2]*int64{&a, &b}
}

// gamma is a quantile of the gamma distribution of this shape.
func gamma(shape, p float64) float64 { return distuv.Gamma{Alpha: shape, Beta: 1}.Quantile(p) }
