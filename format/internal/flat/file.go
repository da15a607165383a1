package flat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// File is an opened Parquet file. It is safe for concurrent use.
type File struct {
	r      io.ReaderAt
	size   int64
	footer format.FileMetaData
}

// Open reads the footer of a file of size bytes and checks that what it says
// of places and sizes is inside the file.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	b, err := f.footerBytes()
	if err != nil {
		return nil, err
	}
	if err := checkThrift(b); err != nil {
		return nil, err
	}
	reader := protocol.NewReaderFromBytes(b)
	if err := thrift.NewDecoder(reader).Decode(&f.footer); err != nil {
		return nil, fmt.Errorf("%w: decode footer: %w", ErrCorrupt, err)
	}
	for g := range f.footer.RowGroups {
		if err := f.checkGroup(&f.footer.RowGroups[g]); err != nil {
			return nil, fmt.Errorf("row group %d: %w", g, err)
		}
	}
	return f, nil
}

// footerBytes reads the footer, or says why this cannot be a Parquet file.
func (f *File) footerBytes() ([]byte, error) {
	var head [4]byte
	var tail [8]byte
	if f.size < int64(len(head)+len(tail)) {
		return nil, fmt.Errorf("%w: not a Parquet file: only %d bytes", ErrCorrupt, f.size)
	}
	if err := f.readAt(head[:], 0); err != nil {
		return nil, err
	}
	if string(head[:]) != magic {
		return nil, fmt.Errorf("%w: not a Parquet file", ErrCorrupt)
	}
	if err := f.readAt(tail[:], f.size-8); err != nil {
		return nil, err
	}
	if string(tail[4:]) != magic {
		return nil, fmt.Errorf("%w: Parquet file cut off, its footer is missing", ErrCorrupt)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > f.size-12 || n > maxFooterBytes {
		return nil, fmt.Errorf("%w: footer of %d bytes in a file of %d", ErrCorrupt, n, f.size)
	}
	b := make([]byte, n)
	return b, f.readAt(b, f.size-8-n)
}

func (f *File) readAt(b []byte, offset int64) error {
	n, err := f.r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(b), offset, err)
}

// checkGroup checks that the row group's chunks lie inside the file.
func (f *File) checkGroup(g *format.RowGroup) error {
	if len(g.Columns) != len(f.footer.Schema)-1 {
		return fmt.Errorf("%w: %d column chunks for %d columns", ErrCorrupt, len(g.Columns), len(f.footer.Schema)-1)
	}
	for i := range g.Columns {
		c := &g.Columns[i]
		begin := chunkBegin(&c.MetaData)
		switch {
		case c.FilePath != "":
			return fmt.Errorf("%w: column %d is in another file", ErrCorrupt, i)
		case c.MetaData.NumValues != g.NumRows || g.NumRows <= 0:
			return fmt.Errorf("%w: column %d has %d values for %d rows", ErrCorrupt, i, c.MetaData.NumValues, g.NumRows)
		case !f.inside(begin, c.MetaData.TotalCompressedSize):
			return fmt.Errorf("%w: column %d is outside the file", ErrCorrupt, i)
		case c.MetaData.Codec != format.Zstd:
			return fmt.Errorf("%w: column %d is compressed with %v, not zstd", ErrCorrupt, i, c.MetaData.Codec)
		}
	}
	return nil
}

// inside says whether the file has n bytes at offset.
func (f *File) inside(offset, n int64) bool {
	return offset >= int64(len(magic)) && n >= 0 && offset <= f.size && n <= f.size-offset
}

// Rows is the number of rows in the file.
func (f *File) Rows() int64 {
	n := int64(0)
	for i := range f.footer.RowGroups {
		n += f.footer.RowGroups[i].NumRows
	}
	return n
}

// Groups is the number of row groups.
func (f *File) Groups() int { return len(f.footer.RowGroups) }

// GroupRows is the number of rows in row group g.
func (f *File) GroupRows(g int) int { return int(f.footer.RowGroups[g].NumRows) }

// Lookup gives the file's metadata under key.
func (f *File) Lookup(key string) (string, bool) {
	for _, kv := range f.footer.KeyValueMetadata {
		if kv.Key == key {
			return kv.Value, true
		}
	}
	return "", false
}

// Columns is the file's schema. It fails where the file is not flat or has other types than this
// package's.
func (f *File) Columns() ([]Column, error) {
	if len(f.footer.Schema) == 0 || len(f.footer.Schema) > MaxColumns {
		return nil, fmt.Errorf("%w: schema of %d elements", ErrCorrupt, len(f.footer.Schema))
	}
	var columns []Column
	for _, e := range f.footer.Schema[1:] {
		c := Column{Name: e.Name, Optional: e.RepetitionType.V == format.Optional}
		t, ok := typeOf(e.Type)
		if !ok || e.NumChildren.V != 0 || e.RepetitionType.V == format.Repeated {
			return nil, fmt.Errorf("column %q is of a type that no trace has", e.Name)
		}
		c.Type = t
		columns = append(columns, c)
	}
	return columns, nil
}

func typeOf(t thrift.Null[format.Type]) (Type, bool) {
	for ours, theirs := range physical {
		if t.Valid && t.V == theirs {
			return Type(ours), true
		}
	}
	return 0, false
}

// ChunkBounds gives the least and greatest value of column i in row group g, where the file says,
// and its number of nulls.
func (f *File) ChunkBounds(g, i int) (b Bounds, nulls int64) {
	s := &f.footer.RowGroups[g].Columns[i].MetaData.Statistics
	return Bounds{Min: s.MinValue, Max: s.MaxValue}, s.NullCount
}

// DictionaryOnly says whether all values of column i in row group g are in its dictionary.
func (f *File) DictionaryOnly(g, i int) bool {
	for _, e := range f.footer.RowGroups[g].Columns[i].MetaData.Encoding {
		if e == format.DeltaBinaryPacked {
			return false
		}
	}
	return true
}

// ChunkBytes is the number of bytes that column i takes in row group g.
func (f *File) ChunkBytes(g, i int) int64 {
	return f.footer.RowGroups[g].Columns[i].MetaData.TotalCompressedSize
}

func (f *File) offsetIndex(g, i int) (*format.OffsetIndex, error) {
	c := &f.footer.RowGroups[g].Columns[i]
	index := new(format.OffsetIndex)
	if c.OffsetIndexOffset == 0 {
		return nil, fmt.Errorf("%w: no page index, the file was rewritten by another program", ErrCorrupt)
	}
	return index, f.readIndex(c.OffsetIndexOffset, c.OffsetIndexLength, index)
}

// columnIndex is nil where the column has none.
func (f *File) columnIndex(g, i int) (*format.ColumnIndex, error) {
	c := &f.footer.RowGroups[g].Columns[i]
	if c.ColumnIndexOffset == 0 {
		return nil, nil
	}
	index := new(format.ColumnIndex)
	return index, f.readIndex(c.ColumnIndexOffset, c.ColumnIndexLength, index)
}

func (f *File) readIndex(offset int64, length int32, index any) error {
	if !f.inside(offset, int64(length)) || length > MaxPageBytes {
		return fmt.Errorf("%w: page index is outside the file", ErrCorrupt)
	}
	b := make([]byte, length)
	if err := f.readAt(b, offset); err != nil {
		return err
	}
	if err := checkThrift(b); err != nil {
		return err
	}
	if err := thrift.Unmarshal(&protocol, bytes.Clone(b), index); err != nil {
		return fmt.Errorf("%w: decode page index: %w", ErrCorrupt, err)
	}
	return nil
}
