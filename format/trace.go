package format

import (
	"context"
	"iter"
	"slices"
)

// Trace is a recording to be read: files on a disk, or the text twin in memory.
type Trace interface {
	// Metadata describes the recording.
	Metadata() Metadata
	// Bounds are the times of the first and the last event, zero where there are none.
	Bounds() (firstNS, lastNS int64)
	// Reasons and Stacks are the strings that the batches' numbers mean. They
	// grow while batches are read; a number once given keeps its meaning.
	Reasons() *Strings
	Stacks() *Strings
	// Batches gives the events of a selection in time order. A batch and its
	// slices are valid until the next one is asked for, and may be changed until
	// then. After an error there are no more batches. Ranging over it again
	// reads again; each range may run concurrently with others.
	Batches(ctx context.Context, sel Selection) iter.Seq2[*Batch, error]
}

// Selection says what of a trace to read. The zero value is all of it.
type Selection struct {
	// Columns to fill in, all if zero; the times always. The others are nil in every batch.
	Columns ColumnSet
	// FromNS and UntilNS select the events in [FromNS, UntilNS), and of those
	// before FromNS the ranges and gaps that last beyond it. Zero: no limit.
	FromNS, UntilNS int64
	// Goroutines selects the events whose goid is one of these, and the ranges
	// and gaps that hold for all goroutines. Nil: all events.
	Goroutines []GoID
	// PIDs selects the events of these processes, and the ranges and gaps that hold for all. Nil:
	// all events.
	PIDs []int32
	// Workers is how many goroutines decode ahead, 2 if zero.
	Workers int
}

// filterColumns are the columns that decide whether an event is selected.
var filterColumns = Columns(ColTime, ColKind, ColPID, ColGoID, ColEnd)

// filter is a selection ready for use.
type filter struct {
	sel  Selection
	want ColumnSet // to deliver
	read ColumnSet // to decode
	set  map[GoID]bool
}

func newFilter(sel Selection) *filter {
	f := &filter{sel: sel, want: sel.Columns}
	if f.want == 0 {
		f.want = AllColumns
	}
	f.want |= Columns(ColTime)
	f.read = f.want
	if sel.FromNS != 0 || sel.UntilNS != 0 || sel.Goroutines != nil || sel.PIDs != nil {
		f.read |= filterColumns
	}
	if sel.Goroutines != nil {
		f.set = make(map[GoID]bool, len(sel.Goroutines))
		for _, g := range sel.Goroutines {
			f.set[g] = true
		}
	}
	return f
}

// verdict says what a selection takes of a run of events.
type verdict uint8

const (
	takeAll verdict = iota
	takeSome
	takeNone
)

// judgeTimes judges a run of events by the times of its first and last event
// and the latest end of its ranges and gaps; hasEnds is false where it has none of those.
func (f *filter) judgeTimes(first, last, end int64, hasEnds bool) verdict {
	from, until := f.sel.FromNS, f.sel.UntilNS
	switch {
	case until != 0 && first >= until:
		return takeNone
	case from != 0 && last < from && (!hasEnds || end <= from):
		return takeNone
	case from != 0 && first < from, until != 0 && last >= until, f.set != nil, f.sel.PIDs != nil:
		return takeSome
	}
	return takeAll
}

// apply drops the events of b that are not selected.
func (f *filter) apply(b *Batch, rows []int32) []int32 {
	rows = rows[:0]
	for i, t := range b.TimeNS {
		if f.takes(b, i, t) {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) < b.Len() {
		b.keep(rows)
	}
	return rows
}

func (f *filter) takes(b *Batch, i int, t int64) bool {
	lasts := at(b.Kind, i, KindGoroutine) == KindRange || at(b.Kind, i, KindGoroutine) == KindGap
	if f.sel.UntilNS != 0 && t >= f.sel.UntilNS {
		return false
	}
	if f.sel.FromNS != 0 && t < f.sel.FromNS && !(lasts && at(b.EndNS, i, 0) > f.sel.FromNS) {
		return false
	}
	if pid := at(b.PID, i, Unknown); f.sel.PIDs != nil && !slices.Contains(f.sel.PIDs, pid) &&
		!(lasts && pid == Unknown) {
		return false
	}
	if f.set == nil {
		return true
	}
	g := at(b.GoID, i, NoGoroutine)
	return f.set[g] || lasts && g == NoGoroutine
}

// project drops the columns that were not asked for.
func (f *filter) project(b *Batch) {
	for c := range Column(NumColumns) {
		if !f.want.Has(c) {
			specs[c].field.drop(b)
		}
	}
}
