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
	beside *Writer // for segments of their own
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
	err = s.writer.end(meta, &segment{Recording: s.id, First: number, Last: number, Final: last, Kept: true})
	return s.writer.file.Offset(), err
}

// Head writes a segment that stands for those up to number, which are gone: its events say how
// things stood after them, with the strings of the recording. The metadata's StartNS is when that
// was.
func (s *Segments) Head(w io.Writer, b *Batch, meta Metadata, number int) (bytes int64, err error) {
	return s.alone(w, b, meta, &segment{Recording: s.id, First: number, Last: number, Head: true, Kept: true})
}

// Tail writes a last segment without events, for its metadata: how the part of the recording ended
// that is kept.
func (s *Segments) Tail(w io.Writer, meta Metadata, number int) (bytes int64, err error) {
	return s.alone(w, new(Batch), meta, &segment{Recording: s.id, First: number, Last: number, Final: true, Kept: true})
}

// alone writes a segment beside the one in the making.
func (s *Segments) alone(w io.Writer, b *Batch, meta Metadata, seg *segment) (int64, error) {
	if s.beside == nil {
		beside, err := NewWriter(discard{}, s.opts)
		if err != nil {
			return 0, err
		}
		beside.useTables(s.writer.tables)
		s.beside = beside
	}
	t := s.beside
	t.last = minTime
	t.pending.Reset()
	t.reset()
	if err := t.begin(w); err != nil {
		return 0, err
	}
	if err := t.Write(b); err != nil {
		return 0, err
	}
	err := t.end(meta, seg)
	return t.file.Offset(), err
}

// IsKept says whether the file at path is a segment of a recording of which only a part is kept.
func IsKept(path string) bool {
	r, err := newReader([]*input{fileInput(path)})
	return err == nil && r.inputs[0].segment != nil && r.inputs[0].segment.Kept
}
