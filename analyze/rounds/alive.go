package rounds

import "github.com/gosched/gosched/analyze/stats"

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
		Course: []Moment{}}
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
