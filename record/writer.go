package record

import (
	"errors"
	"sync/atomic"

	"github.com/gosched/gosched/format"
)

// queuedBatches is how many batches wait for the writer at most. When it is slower than the events
// come, the rings fill and the kernel side counts what it loses; the recorder's memory does not
// grow.
const queuedBatches = 32

// spareBatches is how many empty batches are kept at most, with the memory of their columns: what a
// backlog took beyond them is given back.
const spareBatches = 4

// writer feeds the sinks on a goroutine of its own, so that the rings are drained while a segment
// is compressed.
type writer struct {
	rec    trace
	sinks  []Sink // the trace first
	full   chan feed
	empty  chan *format.Batch
	done   chan struct{}
	next   feed                  // what goes with the next batch
	failed atomic.Pointer[error] // what went wrong first
	size   atomic.Int64
	final  format.Metadata // once full is closed
	ending error           // once done is closed: what went wrong with each sink
}

// trace is what a recording's events are written into.
type trace interface {
	Sink
	Reasons() *format.Strings
	Stacks() *format.Strings
	Bytes() int64
	// Describe says what is known of the recording now, and up to when all of its rows were fed.
	Describe(meta format.Metadata, upToNS int64)
	Abort()
}

// feed is what the writer is given: rows, or metadata that hold from here on.
type feed struct {
	batch  *format.Batch
	meta   *format.Metadata
	known  *format.Metadata // with rows: what is known by now, for the trace alone; nil: as before
	upToNS int64            // with known: of these rows and what came before, on the clock of rows
}

// newWriter makes a writer for a trace and another sink, if there is one.
func newWriter(rec trace, other Sink) *writer {
	w := &writer{
		rec:   rec,
		sinks: []Sink{rec},
		full:  make(chan feed, queuedBatches),
		empty: make(chan *format.Batch, spareBatches),
		done:  make(chan struct{}),
	}
	if other != nil {
		w.sinks = append(w.sinks, other)
	}
	return w
}

// begin starts writing, with the metadata as it is when the recording begins.
func (w *writer) begin(meta format.Metadata) { go w.loop(meta) }

func (w *writer) loop(meta format.Metadata) {
	defer close(w.done)
	failed := make([]error, len(w.sinks))
	each := func(do func(Sink) error) {
		for i, sink := range w.sinks {
			if failed[i] != nil {
				continue
			}
			if err := do(sink); err != nil {
				failed[i] = err
				w.failed.CompareAndSwap(nil, &err)
			}
		}
	}
	each(func(s Sink) error { return s.Begin(meta, w.rec.Reasons(), w.rec.Stacks()) })
	for next := range w.full {
		if next.meta != nil {
			each(func(s Sink) error { return update(s, *next.meta) })
			continue
		}
		b := next.batch
		if next.known != nil {
			w.rec.Describe(*next.known, next.upToNS)
		}
		if len(w.sinks) > 1 { // the file rounds by itself
			b.Round(timeResolutionNS)
		}
		each(func(s Sink) error { return s.Feed(b) })
		w.size.Store(w.rec.Bytes())
		b.Reset()
		select {
		case w.empty <- b:
		default:
		}
	}
	w.ending = w.end(failed)
}

// end ends every sink and says what went wrong with each, while it ended or before.
func (w *writer) end(failed []error) error {
	var all []error
	for i, sink := range w.sinks {
		err := sink.End(w.final)
		if err == nil {
			err = failed[i]
		}
		if err != nil {
			all = append(all, err)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// take queues a full batch and gives an empty one.
func (w *writer) take(b *format.Batch) *format.Batch {
	w.next.batch = b
	w.full <- w.next
	w.next = feed{}
	select {
	case b = <-w.empty:
		return b
	default:
		return &format.Batch{}
	}
}

// tell gives the sinks that want it the metadata as it is for the rows from here on.
func (w *writer) tell(meta format.Metadata) { w.full <- feed{meta: &meta} }

// update gives a sink metadata, if it takes any while the recording goes on.
func update(s Sink, meta format.Metadata) error {
	if u, ok := s.(interface{ SetMetadata(format.Metadata) }); ok {
		u.SetMetadata(meta)
	}
	return nil
}

// describe says what is known of the recording once the next batch has been taken.
func (w *writer) describe(meta format.Metadata, upToNS int64) {
	w.next.known, w.next.upToNS = &meta, upToNS
}

// err is what went wrong with writing, if anything did.
func (w *writer) err() error {
	if err := w.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *writer) bytes() int64 { return w.size.Load() }

// close writes what is left and ends the trace with its final metadata. It is for after begin.
func (w *writer) close(meta format.Metadata, last *format.Batch) error {
	if last != nil && last.Len() > 0 {
		w.take(last)
	}
	w.final = meta
	close(w.full)
	<-w.done
	return w.ending
}

// discard ends a recording that never began, and leaves nothing behind.
func (w *writer) discard() { w.rec.Abort() }
