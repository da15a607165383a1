package ab

import (
	"fmt"
	"strconv"
	"time"
)

// Side is one of the two commands, and what belongs to it.
type Side string

// The sides, in the order in which they are spoken of.
const (
	Base Side = "base"
	Head Side = "head"
)

// order is the order in which n recordings of each side are made. What drifts, as a machine's
// temperature and its neighbours do, then meets both sides alike: each block of four has two of
// each around one middle, blocks begin with either side in turn, and an odd n ends with a pair.
func order(n int) []Side {
	order := make([]Side, 0, 2*n)
	first, second := Base, Head
	for len(order) < 2*n {
		order = append(order, first, second, second, first)
		first, second = second, first
	}
	return order[:2*n]
}

// run is one run of a command.
type run struct {
	side   Side
	warmUp bool // not recorded
	number int  // from 1, among the warm-ups or the recordings
	of     int
}

// planOf is all runs in their order: so many warm-ups of each side, then the recordings.
func planOf(warmUps, recordings int) []run {
	var plan []run
	for i := range 2 * warmUps {
		s := Base
		if i%2 == 1 {
			s = Head
		}
		plan = append(plan, run{side: s, warmUp: true, number: i + 1, of: 2 * warmUps})
	}
	for i, s := range order(recordings) {
		plan = append(plan, run{side: s, number: i + 1, of: 2 * recordings})
	}
	return plan
}

// name is what the run is called to people.
func (r run) name() string {
	if r.warmUp {
		return fmt.Sprintf("warm-up %d of %d", r.number, r.of)
	}
	return fmt.Sprintf("run %d of %d", r.number, r.of)
}

// digits is the run's number as file names have it: of one length, so that names sort like runs.
func (r run) digits() string {
	return fmt.Sprintf("%0*d", max(2, len(strconv.Itoa(r.of))), r.number)
}

// file is the name of the run's log, without what tells its kind.
func (r run) file() string {
	if r.warmUp {
		return "warm-up-" + r.digits() + "-" + string(r.side)
	}
	return r.digits() + "-" + string(r.side)
}

// alike says how runs may be alike, the most alike first: the time that a run takes is foretold by
// the most alike that there was.
var alike = []func(a, b run) bool{
	func(a, b run) bool { return a.warmUp == b.warmUp && a.side == b.side },
	func(a, b run) bool { return a.warmUp == b.warmUp },
	func(a, b run) bool { return a.side == b.side },
	func(a, b run) bool { return true },
}

// timeLeft foretells how long the rest of a plan takes, given how long each of its first runs took.
// It is not known before one has.
func timeLeft(plan []run, took []time.Duration) (left time.Duration, known bool) {
	if len(took) == 0 {
		return 0, false
	}
	for _, run := range plan[len(took):] {
		left += expected(run, plan[:len(took)], took)
	}
	return left, true
}

func expected(run run, done []run, took []time.Duration) time.Duration {
	for _, like := range alike {
		sum, n := time.Duration(0), 0
		for i, d := range done {
			if like(run, d) {
				sum, n = sum+took[i], n+1
			}
		}
		if n > 0 {
			return sum / time.Duration(n)
		}
	}
	return 0
}

// clockText is a time left, as minutes and seconds.
func clockText(d time.Duration) string {
	s := int64(max(0, d).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
