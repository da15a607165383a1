package record

import "github.com/gosched/gosched/format"

// Sink takes a recording while it is made. The trace's file is one; Options.Sink is another, such
// as a live view.
//
// Its methods are called one after the other on one goroutine, which is not that of Record. What
// they take, the file has too: the same events in the same order. While a method works, events
// wait; when too many do, the kernel side loses some, and the trace says so. An error ends the
// recording as one of the file does: what was written until then stays readable.
type Sink interface {
	// Begin is called once, before the first events, with what is known of the recording then.
	// Reasons and stacks are what the numbers in events mean; they grow while the recording goes
	// on.
	Begin(meta format.Metadata, reasons, stacks *format.Strings) error
	// Feed takes the next events, or none when only time has passed. The batch is valid during the
	// call only, and must not be changed.
	Feed(b *format.Batch) error
	// A sink that also has SetMetadata(format.Metadata) is given what is known then where processes
	// come and go, before rows of a new one.
	//
	// End is called once, after the last events and after an error too, with the metadata as the
	// trace has it.
	End(meta format.Metadata) error
}

// traceFile is the sink that writes the trace.
type traceFile struct{ *format.Recording }

func (f traceFile) Begin(meta format.Metadata, _, _ *format.Strings) error {
	f.SetMetadata(meta)
	return nil
}

func (f traceFile) Describe(meta format.Metadata, _ int64) { f.SetMetadata(meta) }

func (f traceFile) Feed(b *format.Batch) error { return f.Write(b) }

func (f traceFile) End(meta format.Metadata) error { return f.Close(meta) }
