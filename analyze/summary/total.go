package summary

import (
	"errors"
	"fmt"
	"math"

	"github.com/gosched/gosched/format/buckets"
)

// totals are the times so far of a recording's groups of one measure and grouping: whoever sums
// them up is to get an int64.
type totals map[totalKey]int64

type totalKey struct {
	run         *Recording
	measure, by string
}

var errTotal = errors.New("its times add up to more than 63 bits")

// sum adds times to those of a measure and grouping.
func (t totals) sum(run *Recording, row *buckets.Row, times ...int64) error {
	sum := t[totalKey{run, row.Measure, row.GroupedBy}]
	for _, ns := range times {
		if ns > math.MaxInt64-sum {
			return errTotal
		}
		sum += ns
	}
	t[totalKey{run, row.Measure, row.GroupedBy}] = sum
	return nil
}

// group checks the exact figures of a group as far as they do not depend on its buckets.
func (t totals) group(run *Recording, row *buckets.Row) error {
	for _, v := range []int64{row.SumNS, row.CensoredSumNS, row.MinNS, row.MaxNS, row.CensoredMaxNS, row.Broken,
		row.IdleNS} {
		if v < 0 {
			return fmt.Errorf("the exact figures of a group have %d", v)
		}
	}
	if err := t.sum(run, row, row.SumNS, row.CensoredSumNS); err != nil {
		return err
	}
	if row.IdleNS > row.SumNS+row.CensoredSumNS {
		return fmt.Errorf("a group of %d ns that was waiting for work for %d ns", row.SumNS+row.CensoredSumNS,
			row.IdleNS)
	}
	return nil
}

func (t totals) pair(run *Recording, row *buckets.Row) error {
	if row.Count < 0 || row.SumNS < 0 {
		return fmt.Errorf("a pair of %d waits of %d ns", row.Count, row.SumNS)
	}
	return t.sum(run, row, row.SumNS)
}
