package format

import (
	"io"
)

// Segments writes the segments of a recording of which only a part is kept: its caller makes the
// files, and decides which stay. [Create] is for recordings that stay whole. It is not safe for
// concurrent use.
type Segments struct {
	id     string
	opts   WriterOptions
	writer *Writer
}

// NewSegments begins a recording, without a file.
func NewSegments(opts WriterOptions) (*Segments, error) {
	w, err := NewWriter(discard{}, opts)
	if err != nil {
		return nil, err
	}
	return &Segments{id: newID(), opts: opts, writer: w}, nil
}

// Reasons is the table that numbers the reasons of the events written.
func (s *Segments) Reasons() *Strings { return s.writer.Reasons() }

// Stacks is the table that numbers the stacks of the events written.
func (s *Segments) Stacks() *Strings { return s.writer.Stacks() }

// Begin begins a segment on w. What was pending of one that was not ended is gone.
func (s *Segments) Begin(w io.Writer) error {
	s.writer.pending.Reset()
	s.writer.reset()
	return s.writer.begin(w)
}

// Write appends the events of b to the segment, as [Writer.Write] does.
func (s *Segments) Write(b *Batch) error { return s.writer.Write(b) }

// Rows is the number of events of the segment in the making.
func (s *Segments) Rows() int64 { return s.writer.Rows() }

// End makes the segment in the making a whole file, of so many bytes. Segments are numbered from 1
// on. The last of a recording says how it ended.
func (s *Segments) End(meta Metadata, number int, last bool) (bytes int64, err error) {
	err = s.writer.end(meta, &segment{Recording: s.id, First: number, Last: number, Final: last})
	return s.writer.file.Offset(), err
}

// Alone writes a segment of its own: one that stands at the beginning or the end of what is kept.
// Its events have the strings of the recording.
func (s *Segments) Alone(w io.Writer, b *Batch, meta Metadata, number int, last bool) (bytes int64, err error) {
	alone, err := NewWriter(discard{}, s.opts)
	if err != nil {
		return 0, err
	}
	alone.useTables(s.writer.tables)
	if err := alone.begin(w); err != nil {
		return 0, err
	}
	if err := alone.Write(b); err != nil {
		return 0, err
	}
	err = alone.end(meta, &segment{Recording: s.id, First: number, Last: number, Final: last})
	return alone.file.Offset(), err
}
