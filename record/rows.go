package record

import "github.com/gosched/gosched/format"

// batchRows is how many rows are handed to the writer at once.
const batchRows = 16 << 10

// rows gathers the trace's rows and hands them on in batches.
type rows struct {
	offset int64 // Unix time minus CLOCK_MONOTONIC
	batch  *format.Batch
	full   func(*format.Batch) *format.Batch // takes a full batch, gives an empty one
	last   int64                             // time of the latest row, so that times never go back
}

// add takes a row whose times are on CLOCK_MONOTONIC.
func (r *rows) add(e *format.Event) {
	r.last = max(r.last, e.TimeNS)
	row := *e
	row.TimeNS = r.last + r.offset
	if row.EndNS != 0 {
		row.EndNS = max(row.EndNS, r.last) + r.offset
	}
	r.batch.Append(row)
	if r.batch.Len() >= batchRows {
		r.flush()
	}
}

// flush hands on what there is, also nothing: the writer's segments end by time too.
func (r *rows) flush() { r.batch = r.full(r.batch) }
