package format

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/gosched/gosched/format/internal/flat"
)

// WriterOptions tune a Writer. The zero value is what a recorder wants.
type WriterOptions struct {
	PageRows  int // events a page, 65536 if zero; what a reader decodes at once
	GroupRows int // events a row group, about a million if zero
	Level     int // zstd effort from 1 (fast) to 4 (small), 2 if zero

	// ResolutionNS is a power of two. Times are rounded down to multiples of it
	// and ends up, and the metadata says so: the low bits of a time are most of
	// what an event costs in a file, and noise below a probe's own cost. Exact if zero.
	ResolutionNS int64
}

const (
	defaultPageRows  = 1 << 16
	defaultGroupRows = 1 << 20
	defaultLevel     = 2

	// A row group ends early rather than have a dictionary that readers refuse.
	maxGroupBytes = 32 << 20
)

func (o WriterOptions) withDefaults() WriterOptions {
	if o.PageRows <= 0 || o.PageRows > flat.MaxPageRows {
		o.PageRows = defaultPageRows
	}
	if o.GroupRows <= 0 {
		o.GroupRows = defaultGroupRows
	}
	if o.Level <= 0 {
		o.Level = defaultLevel
	}
	if o.ResolutionNS == 0 {
		o.ResolutionNS = 1
	}
	return o
}

// The keys of a trace's metadata in Parquet.
const (
	keyVersion  = "gosched.schema_version"
	keyMetadata = "gosched.metadata"
	keySegment  = "gosched.segment"

	keySummary = "gosched.summary" // of a summary, which package buckets reads
)

// Writer writes events to one Parquet file. It is not safe for concurrent use.
type Writer struct {
	opts    WriterOptions
	tables  tables
	file    *flat.Writer
	zstd    *flat.Compressor
	scratch flat.Scratch
	columns []encoder
	pending Batch // events of the page in the making
	rows    int   // of the row group's finished pages
	last    int64 // time of the last event
}

// NewWriter begins a trace on w. Strings are numbered by the writer's own tables.
func NewWriter(w io.Writer, opts WriterOptions) (*Writer, error) {
	opts = opts.withDefaults()
	if r := opts.ResolutionNS; r < 1 || r&(r-1) != 0 {
		return nil, fmt.Errorf("time resolution of %d ns is no power of two", r)
	}
	z, err := flat.NewCompressor(opts.Level)
	if err != nil {
		return nil, err
	}
	t := &Writer{opts: opts, zstd: z, last: minTime}
	t.useTables(newTables())
	return t, t.begin(w)
}

// useTables has the writer's strings be numbered by these tables.
func (t *Writer) useTables(tables tables) {
	t.tables, t.columns = tables, nil
	for i, col := range schemaColumns() {
		t.columns = append(t.columns, specs[i].field.encoder(col, tables.of(Column(i))))
	}
}

// minTime is before every event.
const minTime = -1 << 63

// begin begins a file on w; encoders and tables are those of the file before.
func (t *Writer) begin(w io.Writer) (err error) {
	t.file, err = flat.NewWriter(w, schemaColumns())
	return err
}

// Reasons is the table that numbers the reasons of the events written.
func (t *Writer) Reasons() *Strings { return t.tables.reasons }

// Stacks is the table that numbers the stacks of the events written.
func (t *Writer) Stacks() *Strings { return t.tables.stacks }

// Rows is the number of events given to Write so far for this file.
func (t *Writer) Rows() int64 { return t.file.Rows() + int64(t.rows) + int64(t.pending.Len()) }

// Write appends the events of b, which must not be earlier than those before.
// Columns that are nil are null. The writer keeps nothing of b.
func (t *Writer) Write(b *Batch) error {
	if err := b.check(); err != nil {
		return err
	}
	if err := t.checkTimes(b.TimeNS); err != nil {
		return err
	}
	for lo := 0; lo < b.Len(); {
		hi := min(b.Len(), lo+t.opts.PageRows-t.pending.Len())
		t.pending.AppendBatch(b, lo, hi)
		lo = hi
		if t.pending.Len() == t.opts.PageRows {
			if err := t.flushPage(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Writer) checkTimes(times []int64) error {
	last := t.last
	for i, v := range times {
		if v < last {
			return fmt.Errorf("event %d of the batch is %d ns earlier than the one before", i, last-v)
		}
		last = v
	}
	t.last = last
	return nil
}

// flushPage encodes the pending events as a page of each column.
func (t *Writer) flushPage() error {
	t.pending.Round(t.opts.ResolutionNS)
	if err := t.addPage(&t.pending); err != nil {
		return err
	}
	t.pending.Reset()
	if t.rows >= t.opts.GroupRows || t.memory() > maxGroupBytes {
		return t.flushGroup()
	}
	return nil
}

// addPage encodes the events of b as a page of each column; as several pages
// and row groups where one's dictionary would have more strings than a reader takes.
func (t *Writer) addPage(b *Batch) error {
	switch {
	case !t.tooLarge(b):
	case t.rows > 0:
		if err := t.writeGroup(); err != nil {
			return err
		}
		return t.addPage(b)
	case b.Len() > 1:
		lo, hi := b.Slice(0, b.Len()/2), b.Slice(b.Len()/2, b.Len())
		if err := t.addPage(&lo); err != nil {
			return err
		}
		return t.addPage(&hi)
	}
	for i, c := range t.columns {
		if err := c.encode(t.zstd, &t.scratch, b); err != nil {
			return fmt.Errorf("encode %s: %w", specs[i].name, err)
		}
	}
	t.rows += b.Len()
	return nil
}

// tooLarge says whether the strings of b do not fit into the row group's
// dictionaries. While all the strings there are would fit, nobody counts.
func (t *Writer) tooLarge(b *Batch) bool {
	return t.tables.bytes() > maxGroupBytes &&
		(t.memory()+t.tables.reasons.size(b.Reason) > maxGroupBytes ||
			t.memory()+t.tables.stacks.size(b.Stack) > maxGroupBytes ||
			t.memory()+t.tables.stacks.size(b.ByStack) > maxGroupBytes)
}

// memory is the size of the largest chunk in the making.
func (t *Writer) memory() int {
	n := 0
	for _, c := range t.columns {
		n = max(n, c.memory())
	}
	return n
}

// flushGroup writes the row group with what is pending.
func (t *Writer) flushGroup() error {
	if t.pending.Len() > 0 {
		t.pending.Round(t.opts.ResolutionNS)
		if err := t.addPage(&t.pending); err != nil {
			return err
		}
		t.pending.Reset()
	}
	return t.writeGroup()
}

// writeGroup writes the row group's finished pages.
func (t *Writer) writeGroup() error {
	if t.rows == 0 {
		return nil
	}
	chunks := make([]*flat.Chunk, len(t.columns))
	for i, c := range t.columns {
		chunks[i] = c.finish()
	}
	err := t.file.WriteGroup(t.zstd, chunks)
	t.reset()
	return err
}

// reset forgets the row group in the making.
func (t *Writer) reset() {
	for _, c := range t.columns {
		c.reset()
	}
	t.rows = 0
}

// Close writes what is pending and the footer with the trace's metadata, whose
// schema version it fills in. It does not close the io.Writer.
func (t *Writer) Close(meta Metadata) error { return t.end(meta, nil) }

// end is Close for a segment, or for a whole trace if seg is nil.
func (t *Writer) end(meta Metadata, seg *segment) error {
	if err := t.flushGroup(); err != nil {
		return err
	}
	meta.TimeResolutionNS = t.opts.ResolutionNS
	if t.opts.ResolutionNS == 1 {
		meta.TimeResolutionNS = 0
	}
	kv, err := keyValues(meta, seg)
	if err != nil {
		return err
	}
	return t.file.Close(kv, createdBy(meta))
}

// createdBy names the program that wrote the file, for other Parquet readers.
func createdBy(meta Metadata) string {
	if meta.Recorder == "" {
		return "gosched"
	}
	return meta.Recorder
}

// keyValues is the metadata as Parquet holds it.
func keyValues(meta Metadata, seg *segment) ([]flat.KeyValue, error) {
	meta.SchemaVersion = SchemaVersion
	kv := []flat.KeyValue{{Key: keyVersion, Value: strconv.Itoa(SchemaVersion)}}
	add := func(key string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode %s: %w", key, err)
		}
		kv = append(kv, flat.KeyValue{Key: key, Value: string(b)})
		return nil
	}
	if err := add(keyMetadata, meta); err != nil {
		return nil, err
	}
	if seg != nil {
		if err := add(keySegment, seg); err != nil {
			return nil, err
		}
	}
	return kv, nil
}
