package flat

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// KeyValue is an entry of a file's metadata.
type KeyValue struct{ Key, Value string }

// Writer writes a Parquet file, a row group at a time.
type Writer struct {
	w       io.Writer
	offset  int64
	columns []Column
	groups  []format.RowGroup
	indexes []groupIndex
	rows    int64
}

// groupIndex is the page indexes of a row group, a column each.
type groupIndex struct {
	columns []*format.ColumnIndex // nil where the column has none
	offsets []format.OffsetIndex
}

// NewWriter begins a file.
func NewWriter(w io.Writer, columns []Column) (*Writer, error) {
	f := &Writer{w: w, columns: columns}
	return f, f.write([]byte(magic))
}

func (f *Writer) write(b []byte) error {
	n, err := f.w.Write(b)
	f.offset += int64(n)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// Offset is the number of bytes written so far.
func (f *Writer) Offset() int64 { return f.offset }

// Rows is the number of rows written so far.
func (f *Writer) Rows() int64 { return f.rows }

// WriteGroup writes chunks, one a column and all of the same number of rows, as a row group.
func (f *Writer) WriteGroup(z *Compressor, chunks []*Chunk) error {
	group := format.RowGroup{
		NumRows:        int64(chunks[0].rows),
		FileOffset:     f.offset,
		SortingColumns: []format.SortingColumn{{ColumnIdx: 0}},
	}
	var index groupIndex
	for _, c := range chunks {
		meta, offsets, err := f.writeChunk(z, c)
		if err != nil {
			return err
		}
		group.Columns = append(group.Columns, format.ColumnChunk{FileOffset: 0, MetaData: meta})
		group.TotalByteSize += meta.TotalUncompressedSize
		group.TotalCompressedSize += meta.TotalCompressedSize
		index.columns = append(index.columns, c.columnIndex())
		index.offsets = append(index.offsets, offsets)
	}
	f.groups = append(f.groups, group)
	f.indexes = append(f.indexes, index)
	f.rows += group.NumRows
	return nil
}

// writeChunk writes the chunk's dictionary and pages.
func (f *Writer) writeChunk(z *Compressor, c *Chunk) (format.ColumnMetaData, format.OffsetIndex, error) {
	begin := f.offset
	meta := c.metadata()
	if c.entries > 0 {
		dictionary, err := c.dictionaryPage(z)
		if err != nil {
			return meta, format.OffsetIndex{}, err
		}
		if err := f.write(dictionary); err != nil {
			return meta, format.OffsetIndex{}, err
		}
		meta.DictionaryPageOffset = begin
		meta.Encoding = append(meta.Encoding, format.Plain)
	}
	meta.DataPageOffset = f.offset
	offsets := c.offsetIndex(f.offset)
	err := f.write(c.data)
	meta.TotalCompressedSize = f.offset - begin
	meta.TotalUncompressedSize = c.uncompressed
	return meta, offsets, err
}

// metadata is the footer's entry for the chunk, without offsets and sizes.
func (c *Chunk) metadata() format.ColumnMetaData {
	nulls := 0
	for _, p := range c.pages {
		nulls += p.nulls
	}
	return format.ColumnMetaData{
		Type:         physical[c.column.Type],
		Encoding:     append(c.encodings[:len(c.encodings):len(c.encodings)], format.RLE),
		PathInSchema: []string{c.column.Name},
		Codec:        format.Zstd,
		NumValues:    int64(c.rows),
		Statistics: format.Statistics{
			NullCount: int64(nulls),
			MinValue:  c.bounds.Min,
			MaxValue:  c.bounds.Max,
		},
	}
}

func (c *Chunk) offsetIndex(base int64) format.OffsetIndex {
	var index format.OffsetIndex
	row := int64(0)
	for _, p := range c.pages {
		index.PageLocations = append(index.PageLocations, format.PageLocation{
			Offset:             base + p.offset,
			CompressedPageSize: int32(p.size),
			FirstRowIndex:      row,
		})
		row += int64(p.rows)
	}
	return index
}

// columnIndex is the bounds of the chunk's pages, nil where a page has values but no bounds.
func (c *Chunk) columnIndex() *format.ColumnIndex {
	var index format.ColumnIndex
	for _, p := range c.pages {
		null := p.nulls == p.rows
		if !null && p.bounds.Min == nil {
			return nil
		}
		index.NullPages = append(index.NullPages, null)
		index.MinValues = append(index.MinValues, p.bounds.Min)
		index.MaxValues = append(index.MaxValues, p.bounds.Max)
		index.NullCounts = append(index.NullCounts, int64(p.nulls))
	}
	return &index
}

// Close writes the page indexes and the footer. It does not close what is underneath.
func (f *Writer) Close(metadata []KeyValue, createdBy string) error {
	if err := f.writeIndexes(); err != nil {
		return err
	}
	footer := format.FileMetaData{
		Version:   2,
		Schema:    schema(f.columns),
		NumRows:   f.rows,
		RowGroups: f.groups,
		CreatedBy: createdBy,
	}
	if f.groups == nil {
		footer.RowGroups = []format.RowGroup{}
	}
	for i := range footer.RowGroups {
		if len(footer.RowGroups) <= math.MaxInt16 {
			footer.RowGroups[i].Ordinal = int16(i)
		}
	}
	for range f.columns {
		footer.ColumnOrders = append(footer.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	for _, kv := range metadata {
		footer.KeyValueMetadata = append(footer.KeyValueMetadata, format.KeyValue(kv))
	}
	b, err := thrift.Marshal(&protocol, &footer)
	if err != nil {
		return fmt.Errorf("encode footer: %w", err)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	return f.write(append(b, magic...))
}

// writeIndexes writes all column indexes, then all offset indexes.
func (f *Writer) writeIndexes() error {
	for g, index := range f.indexes {
		for i, ci := range index.columns {
			if ci == nil {
				continue
			}
			chunk := &f.groups[g].Columns[i]
			if err := f.writeIndex(ci, &chunk.ColumnIndexOffset, &chunk.ColumnIndexLength); err != nil {
				return err
			}
		}
	}
	for g, index := range f.indexes {
		for i := range index.offsets {
			chunk := &f.groups[g].Columns[i]
			if err := f.writeIndex(&index.offsets[i], &chunk.OffsetIndexOffset, &chunk.OffsetIndexLength); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Writer) writeIndex(index any, offset *int64, length *int32) error {
	b, err := thrift.Marshal(&protocol, index)
	if err != nil {
		return fmt.Errorf("encode page index: %w", err)
	}
	*offset, *length = f.offset, int32(len(b))
	return f.write(b)
}

// CopyGroup appends row group g of src as it is: the bytes are copied, the offsets moved.
// The schemas must be the same.
func (f *Writer) CopyGroup(src *File, g int) error {
	from := &src.footer.RowGroups[g]
	group := *from
	group.Columns = append([]format.ColumnChunk(nil), from.Columns...)
	group.FileOffset = f.offset
	var index groupIndex
	for i := range group.Columns {
		chunk := &group.Columns[i]
		offsets, err := src.offsetIndex(g, i)
		if err != nil {
			return err
		}
		columns, err := src.columnIndex(g, i)
		if err != nil {
			return err
		}
		begin := f.offset
		moved, err := f.copyChunk(src, chunk)
		if err != nil {
			return err
		}
		for p := range offsets.PageLocations {
			offsets.PageLocations[p].Offset += moved
		}
		chunk.FileOffset = 0
		if f.offset-begin != chunk.MetaData.TotalCompressedSize {
			return fmt.Errorf("copy %s: %w", chunk.MetaData.PathInSchema, io.ErrUnexpectedEOF)
		}
		index.columns = append(index.columns, columns)
		index.offsets = append(index.offsets, *offsets)
	}
	f.groups = append(f.groups, group)
	f.indexes = append(f.indexes, index)
	f.rows += group.NumRows
	return nil
}

// copyChunk copies a chunk's bytes and shifts its offsets by what it returns.
func (f *Writer) copyChunk(src *File, chunk *format.ColumnChunk) (moved int64, err error) {
	meta := &chunk.MetaData
	begin := chunkBegin(meta)
	moved = f.offset - begin
	n, err := io.Copy(f.w, io.NewSectionReader(src.r, begin, meta.TotalCompressedSize))
	f.offset += n
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	meta.DataPageOffset += moved
	if meta.DictionaryPageOffset > 0 {
		meta.DictionaryPageOffset += moved
	}
	return moved, nil
}

// chunkBegin is the offset of a chunk's first page.
func chunkBegin(meta *format.ColumnMetaData) int64 {
	if meta.DictionaryPageOffset > 0 {
		return min(meta.DictionaryPageOffset, meta.DataPageOffset)
	}
	return meta.DataPageOffset
}
