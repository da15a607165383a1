package format

import "fmt"

// Event is one event: a row of a Batch. It is for where events are few; many
// are handled as columns.
type Event struct {
	TimeNS  int64
	EndNS   int64
	Kind    Kind
	PID     int32
	TID     int32
	CPU     int32
	Proc    int32
	GoID    GoID
	From    State
	To      State
	Reason  StringID
	Stack   StringID
	ByGoID  GoID
	ByStack StringID
	Object  int64
	SinceNS int64
	Weight  int32
}

// NoEvent is an event of which nothing is known: the one to start from, for
// the null of some columns is not zero.
var NoEvent = Event{PID: Unknown, TID: Unknown, CPU: Unknown, Proc: Unknown}

// Append appends an event.
func (b *Batch) Append(e Event) {
	b.TimeNS = append(b.TimeNS, e.TimeNS)
	b.EndNS = append(b.EndNS, e.EndNS)
	b.Kind = append(b.Kind, e.Kind)
	b.PID = append(b.PID, e.PID)
	b.TID = append(b.TID, e.TID)
	b.CPU = append(b.CPU, e.CPU)
	b.Proc = append(b.Proc, e.Proc)
	b.GoID = append(b.GoID, e.GoID)
	b.From = append(b.From, e.From)
	b.To = append(b.To, e.To)
	b.Reason = append(b.Reason, e.Reason)
	b.Stack = append(b.Stack, e.Stack)
	b.ByGoID = append(b.ByGoID, e.ByGoID)
	b.ByStack = append(b.ByStack, e.ByStack)
	b.Object = append(b.Object, e.Object)
	b.SinceNS = append(b.SinceNS, e.SinceNS)
	b.Weight = append(b.Weight, e.Weight)
}

// At is event i. Columns that the batch does not have are null.
func (b *Batch) At(i int) Event {
	return Event{
		TimeNS:  b.TimeNS[i],
		EndNS:   at(b.EndNS, i, 0),
		Kind:    at(b.Kind, i, KindGoroutine),
		PID:     at(b.PID, i, Unknown),
		TID:     at(b.TID, i, Unknown),
		CPU:     at(b.CPU, i, Unknown),
		Proc:    at(b.Proc, i, Unknown),
		GoID:    at(b.GoID, i, NoGoroutine),
		From:    at(b.From, i, StateUnknown),
		To:      at(b.To, i, StateUnknown),
		Reason:  at(b.Reason, i, NullString),
		Stack:   at(b.Stack, i, NullString),
		ByGoID:  at(b.ByGoID, i, NoGoroutine),
		ByStack: at(b.ByStack, i, NullString),
		Object:  at(b.Object, i, 0),
		SinceNS: at(b.SinceNS, i, 0),
		Weight:  at(b.Weight, i, 0),
	}
}

func at[T any](column []T, i int, null T) T {
	if i < len(column) {
		return column[i]
	}
	return null
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	for i := range specs {
		specs[i].field.resize(b, 0)
	}
}

// AppendBatch appends events [lo, hi) of src. Columns that src does not have are null.
func (b *Batch) AppendBatch(src *Batch, lo, hi int) {
	rows := b.Len()
	for i := range specs {
		specs[i].field.appendRows(b, rows, src, lo, hi)
	}
}

// Slice gives events [lo, hi) of b, in the same memory.
func (b *Batch) Slice(lo, hi int) Batch {
	var out Batch
	for i := range specs {
		specs[i].field.window(&out, b, lo, hi)
	}
	return out
}

// keep keeps the rows given, ascending, and drops the others.
func (b *Batch) keep(rows []int32) {
	for i := range specs {
		specs[i].field.keep(b, rows)
	}
}

// Round makes the times multiples of a power of two, as a writer with that resolution does: events
// and beginnings earlier, ends later.
func (b *Batch) Round(resolutionNS int64) {
	low := resolutionNS - 1
	if low == 0 {
		return
	}
	for i := range b.TimeNS {
		b.TimeNS[i] &^= low
	}
	for i, end := range b.EndNS {
		b.EndNS[i] = (end + low) &^ low
	}
	for i := range b.SinceNS {
		b.SinceNS[i] &^= low
	}
}

// check says what makes b no batch: columns of unequal length.
func (b *Batch) check() error {
	for i := range specs {
		s := &specs[i]
		if n := s.field.length(b); n != b.Len() && (n != 0 || !s.nullable()) {
			return fmt.Errorf("column %s has %d rows, time_ns has %d", s.name, n, b.Len())
		}
	}
	return nil
}
