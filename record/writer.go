package record

import (
	"sync/atomic"

	"github.com/gosched/gosched/format"
)

// queuedBatches is how many batches wait for the writer at most. When it is slower than the events
// come, the rings fill and the kernel side counts what it loses; the recorder's memory does not
// grow.
const queuedBatches = 32

// writer writes batches on a goroutine of its own, so that the rings are drained while a segment is
// compressed.
type writer struct {
	rec    *format.Recording
	full   chan *format.Batch
	empty  chan *format.Batch
	done   chan struct{}
	failed atomic.Pointer[error]
	size   atomic.Int64
}

func newWriter(rec *format.Recording) *writer {
	w := &writer{
		rec:   rec,
		full:  make(chan *format.Batch, queuedBatches),
		empty: make(chan *format.Batch, queuedBatches+2),
		done:  make(chan struct{}),
	}
	go w.loop()
	return w
}

func (w *writer) loop() {
	defer close(w.done)
	for b := range w.full {
		if w.failed.Load() == nil {
			if err := w.rec.Write(b); err != nil {
				w.failed.Store(&err)
			}
			w.size.Store(w.rec.Bytes())
		}
		b.Reset()
		w.empty <- b
	}
}

// take queues a full batch and gives an empty one.
func (w *writer) take(b *format.Batch) *format.Batch {
	w.full <- b
	select {
	case b = <-w.empty:
		return b
	default:
		return &format.Batch{}
	}
}

// err is what went wrong with writing, if anything did.
func (w *writer) err() error {
	if err := w.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// describe sets the metadata of the segments. It is for before the first batch.
func (w *writer) describe(meta format.Metadata) { w.rec.SetMetadata(meta) }

func (w *writer) bytes() int64 { return w.size.Load() }

// close writes what is left and ends the trace with its final metadata.
func (w *writer) close(meta format.Metadata, last *format.Batch) error {
	if last != nil && last.Len() > 0 {
		w.take(last)
	}
	close(w.full)
	<-w.done
	return w.rec.Close(meta)
}

// discard ends a recording that never began, and leaves nothing behind.
func (w *writer) discard() {
	close(w.full)
	<-w.done
	w.rec.Abort()
}
