package format

import (
	"context"
	"iter"
)

// memoryBatch is how many events a Memory gives at a time: few, so that what
// reads traces is tested across batches.
const memoryBatch = 1024

// Memory is a trace in memory: what ParseText gives, and what tests make event by event.
type Memory struct {
	Meta   Metadata
	Events Batch
	tables tables
}

// NewMemory gives a trace without events.
func NewMemory(meta Metadata) *Memory { return &Memory{Meta: meta, tables: newTables()} }

// Metadata describes the recording.
func (m *Memory) Metadata() Metadata { return m.Meta }

// Rows is the number of events.
func (m *Memory) Rows() int64 { return int64(m.Events.Len()) }

// Bounds are the times of the first and the last event, zero where there are none.
func (m *Memory) Bounds() (firstNS, lastNS int64) {
	if m.Events.Len() == 0 {
		return 0, 0
	}
	return m.Events.TimeNS[0], m.Events.TimeNS[m.Events.Len()-1]
}

// Reasons is the table of the events' reasons.
func (m *Memory) Reasons() *Strings { return m.tables.reasons }

// Stacks is the table of the events' stacks.
func (m *Memory) Stacks() *Strings { return m.tables.stacks }

// Append appends an event, whose strings are numbered by the trace's tables.
func (m *Memory) Append(e Event) { m.Events.Append(e) }

// Batches gives the events of a selection.
func (m *Memory) Batches(ctx context.Context, sel Selection) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		f := newFilter(sel)
		for lo := 0; lo < m.Events.Len(); lo += memoryBatch {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			b := new(Batch)
			b.AppendBatch(&m.Events, lo, min(lo+memoryBatch, m.Events.Len()))
			f.apply(b, nil)
			f.project(b)
			if b.Len() > 0 && !yield(b, nil) {
				return
			}
		}
	}
}

var _ Trace = (*Memory)(nil)
