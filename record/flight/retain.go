package flight

import (
	"cmp"
	"slices"
	"time"
)

// Retention is what stays of the saved traces. Zeros bound nothing.
type Retention struct {
	Count int           // so many
	Bytes int64         // so large together; the latest stays, however large it is
	Age   time.Duration // so old
}

// Kept is a saved trace.
type Kept struct {
	Name  string
	At    time.Time // when its trigger was
	Bytes int64
}

// Drop says which saved traces go, the oldest first.
func (r Retention) Drop(saved []Kept, now time.Time) (drop []Kept) {
	saved = slices.Clone(saved)
	slices.SortFunc(saved, func(a, b Kept) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name)) })
	var bytes int64
	for _, s := range saved {
		bytes += s.Bytes
	}
	for i, s := range saved {
		left := len(saved) - i
		old := r.Age > 0 && now.Sub(s.At) > r.Age
		many := r.Count > 0 && left > r.Count
		large := r.Bytes > 0 && bytes > r.Bytes && left > 1
		if !old && !many && !large {
			break
		}
		drop = append(drop, s)
		bytes -= s.Bytes
	}
	return drop
}
