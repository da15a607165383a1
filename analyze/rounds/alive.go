package rounds

import (
	"cmp"

	"github.com/gosched/gosched/analyze/stats"
)

// Alive is how many goroutines there were, the runtime's own among them.
type Alive struct {
	Average stats.Estimate `json:"average"`
	Least   int64          `json:"least"` // that a round found
	Most    int64          `json:"most"`
	First   int64          `json:"first"` // that the first round found
	Last    int64          `json:"last"`
	// How many more there are at the end than at the beginning, by a line through all rounds; nil
	// where there are too few.
	Growth *stats.Estimate `json:"growth"`
	Grows  bool            `json:"grows"` // more than by chance, and by a tenth
	Course []Moment        `json:"course"`
	// The goroutines of one go statement and function that become more the fastest; nil where none do
	// by more than chance.
	Fastest *Growing `json:"fastest"`
}

// Growing is goroutines that become more: those of one go statement.
type Growing struct {
	Entry     string         `json:"entry"`
	CreatedBy string         `json:"created_by,omitempty"`
	Place     string         `json:"place"` // the frame where the most of them are
	Average   stats.Estimate `json:"average"`
	Growth    stats.Estimate `json:"growth"`

	function string // at Place
}

// Fewer than these are no growth worth a word, nor is a smaller part of the average.
const (
	leastGrown = 10
	growsFrom  = 0.02
)

// grown is by how much what was counted by block grew; nil where that is not more than chance.
func (v *view) grown(counts []float64) *stats.Estimate {
	growth, ok := v.rounds.Slope(counts)
	if !ok || growth.Lo <= 0 || growth.Value < max(leastGrown, growsFrom*v.rounds.Mean(counts).Value) {
		return nil
	}
	return &growth
}

// fastest are the program's goroutines that become more the fastest.
func (v *view) fastest() (out *Growing) {
	places := map[origin][]int{}
	for i := range v.facts {
		if f := &v.facts[i]; !f.system && i != beyond {
			at := origin{f.createdAt, f.entry}
			places[at] = append(places[at], i)
		}
	}
	counts := make([]float64, len(v.rounds))
	for _, list := range places {
		clear(counts)
		for _, i := range list {
			v.tally.into(i, counts)
		}
		growth := v.grown(counts)
		if growth == nil {
			continue
		}
		f := &v.facts[v.fullest(list)]
		g := &Growing{f.entryName, f.createdBy, f.frame(), v.rounds.Mean(counts), *growth, f.function()}
		if out == nil || g.before(out) {
			out = g
		}
	}
	return out
}

func (g *Growing) before(other *Growing) bool {
	return cmp.Or(cmp.Compare(other.Growth.Value, g.Growth.Value), cmp.Compare(g.CreatedBy, other.CreatedBy),
		cmp.Compare(g.Entry, other.Entry)) < 0
}

// fullest is the place of some at which rounds found the most goroutines.
func (v *view) fullest(places []int) int {
	best, most := places[0], int64(-1)
	for _, i := range places {
		var n int64
		if i < len(v.tally.cells) {
			for _, c := range v.tally.cells[i] {
				n += c.n
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	return best
}

// Moment is the average of some consecutive rounds.
type Moment struct {
	Rounds  int64   `json:"rounds"`
	Average float64 `json:"average"`
}

// maxCourse is how many moments a course has at most.
const maxCourse = 20

// growthShare is the part of the average by which a number must have grown to be called growing.
const growthShare = 0.1

func (v *view) alive() Alive {
	counts := make([]float64, len(v.rounds))
	for i := range v.facts {
		v.tally.into(i, counts)
	}
	a := Alive{Average: v.rounds.Mean(counts), Least: v.least, Most: v.most, First: v.first, Last: v.last,
		Course: []Moment{}, Fastest: v.fastest()}
	if growth, ok := v.rounds.Slope(counts); ok {
		a.Growth = &growth
		a.Grows = growth.Lo > 0 && growth.Value > growthShare*a.Average.Value
	}
	n := min(maxCourse, len(counts))
	for i := range n {
		from, to := i*len(counts)/n, (i+1)*len(counts)/n
		var found, rounds float64
		for b := from; b < to; b++ {
			found, rounds = found+counts[b], rounds+v.rounds[b]
		}
		a.Course = append(a.Course, Moment{int64(rounds), found / rounds})
	}
	return a
}
