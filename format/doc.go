// Package format is the trace: its vocabulary, its Parquet schema, the writer,
// the reader and the text twin. It knows nothing of how events are recorded or
// what is asked of them.
//
// A trace is a table of events, one row each, ascending in time. Everything
// that is said of its columns is said once, in the table of spec.go: schema,
// writer, reader, text twin, validation and FORMAT.md are made from it.
//
// # Writing
//
// A recorder makes a [Recording] with [Create], names its strings with
// Reasons().Intern and Stacks().Intern, gives it events with Write, a [Batch]
// at a time, and ends it with Close:
//
//	rec, err := format.Create("trace.parquet", meta, format.RecordingOptions{})
//	park := rec.Reasons().Intern("chan receive") // once a distinct string
//	batch.Append(format.Event{TimeNS: t, GoID: 7, From: …, To: …, Reason: park})
//	err = rec.Write(&batch)
//	err = rec.Close(final)
//
// [Writer] writes one Parquet file to any io.Writer.
//
// # Reading
//
// [Open] reads files, folders of segments and globs; [ParseText] reads the text
// twin. Both give a [Trace], whose Batches are ranged over:
//
//	trace, err := format.Open("trace.parquet")
//	sel := format.Selection{Columns: format.Columns(format.ColTime, format.ColGoID)}
//	for batch, err := range trace.Batches(ctx, sel) {
//		…
//	}
//
// Strings are numbers ([StringID]) everywhere; the trace's Reasons and Stacks
// tables turn them into text.
//
// # Size
//
// Writer, segments, reader and text twin all follow the one table of columns, and share how a
// column is kept in memory. What knows nothing of events is in packages below: Parquet itself in
// internal/flat.
package format
