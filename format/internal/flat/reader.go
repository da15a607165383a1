package flat

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Decompressor undoes a Compressor. It is not safe for concurrent use.
type Decompressor struct {
	zstd *zstd.Decoder
	read []byte // a page as it is in the file
	body []byte // a page decompressed

	bitmap  []byte
	indices []uint32
	bytes   []byte
	deltas  []int64
}

// NewDecompressor gives a decompressor.
func NewDecompressor() (*Decompressor, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPageBytes))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Decompressor{zstd: dec}, nil
}

// Close frees what the decompressor holds.
func (z *Decompressor) Close() { z.zstd.Close() }

// Page is a data page's place in the file and what is known of its values without reading it.
type Page struct {
	Offset  int64
	Bytes   int
	Row     int // its first row in the row group
	Rows    int
	Nulls   int // -1: unknown
	AllNull bool
	Bounds  Bounds
}

// Pages gives the pages of column i of row group g, in order.
func (f *File) Pages(g, i int) ([]Page, error) {
	offsets, err := f.offsetIndex(g, i)
	if err != nil {
		return nil, err
	}
	bounds, err := f.columnIndex(g, i)
	if err != nil {
		return nil, err
	}
	locations := offsets.PageLocations
	pages := make([]Page, len(locations))
	for p, l := range locations {
		end := f.footer.RowGroups[g].NumRows
		if p+1 < len(locations) {
			end = locations[p+1].FirstRowIndex
		}
		rows := end - l.FirstRowIndex
		if p == 0 && l.FirstRowIndex != 0 || rows <= 0 || rows > MaxPageRows ||
			!f.inside(l.Offset, int64(l.CompressedPageSize)) {
			return nil, fmt.Errorf("%w: page %d has %d rows at offset %d", ErrCorrupt, p, rows, l.Offset)
		}
		pages[p] = Page{Offset: l.Offset, Bytes: int(l.CompressedPageSize), Row: int(l.FirstRowIndex), Rows: int(rows),
			Nulls: -1}
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("%w: no pages", ErrCorrupt)
	}
	return pages, setBounds(pages, bounds)
}

// setBounds fills in what the column index says of pages.
func setBounds(pages []Page, index *format.ColumnIndex) error {
	if index == nil {
		return nil
	}
	n := len(pages)
	if len(index.NullPages) != n || len(index.MinValues) != n || len(index.MaxValues) != n ||
		len(index.NullCounts) != n {
		return fmt.Errorf("%w: column index is not of %d pages", ErrCorrupt, n)
	}
	for p := range pages {
		pages[p].AllNull = index.NullPages[p]
		pages[p].Nulls = int(index.NullCounts[p])
		if !pages[p].AllNull {
			pages[p].Bounds = Bounds{Min: index.MinValues[p], Max: index.MaxValues[p]}
		}
	}
	return nil
}

// Int gives a bound as an integer; ok is false where there is none.
func Int(bound []byte) (v int64, ok bool) {
	switch len(bound) {
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(bound))), true
	case 8:
		return int64(binary.LittleEndian.Uint64(bound)), true
	}
	return 0, false
}

// slack is the number of bytes behind a page's body that may be read, for decoders that take eight
// at a time.
const slack = 8

// load reads and decompresses the page at offset, of at most size bytes with
// its header. What it returns is valid until the next call and has slack bytes behind it.
func (z *Decompressor) load(f *File, offset int64, size int) (format.PageHeader, []byte, error) {
	var header format.PageHeader
	if size > MaxPageBytes || !f.inside(offset, int64(size)) {
		return header, nil, fmt.Errorf("%w: page of %d bytes at %d", ErrCorrupt, size, offset)
	}
	z.read = grow(z.read[:0], size)
	if err := f.readAt(z.read, offset); err != nil {
		return header, nil, err
	}
	reader := protocol.NewReaderFromBytes(z.read)
	if err := thrift.NewDecoder(reader).Decode(&header); err != nil {
		return header, nil, fmt.Errorf("%w: decode page header: %w", ErrCorrupt, err)
	}
	body := z.read[reader.BytesRead():]
	if n := header.CompressedPageSize; n < 0 || int(n) > len(body) {
		return header, nil, fmt.Errorf("%w: page of %d bytes in %d", ErrCorrupt, n, len(body))
	}
	body = body[:header.CompressedPageSize]
	if header.CRC != 0 && crc32.ChecksumIEEE(body) != uint32(header.CRC) {
		return header, nil, fmt.Errorf("%w: checksum of the page at %d is wrong", ErrCorrupt, offset)
	}
	body, err := z.decompress(body, int(header.UncompressedPageSize))
	return header, body, err
}

func (z *Decompressor) decompress(b []byte, size int) ([]byte, error) {
	if size < 0 || size > MaxPageBytes {
		return nil, fmt.Errorf("%w: page of %d bytes", ErrCorrupt, size)
	}
	var frame zstd.Header
	if err := frame.Decode(b); err != nil || frame.HasFCS && frame.FrameContentSize != uint64(size) {
		return nil, fmt.Errorf("%w: page is not %d bytes of zstd", ErrCorrupt, size)
	}
	out, err := z.zstd.DecodeAll(b, z.body[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: decompress page: %w", ErrCorrupt, err)
	}
	if len(out) != size {
		return nil, fmt.Errorf("%w: page of %d bytes where %d were announced", ErrCorrupt, len(out), size)
	}
	z.body = append(out, make([]byte, slack)...)
	return z.body[:size], nil
}

// dictionary reads the dictionary page of column i of row group g. It is nil where the chunk has
// none.
func (z *Decompressor) dictionary(f *File, g, i int) (body []byte, entries int, err error) {
	meta := &f.footer.RowGroups[g].Columns[i].MetaData
	if meta.DictionaryPageOffset == 0 {
		return nil, 0, nil
	}
	size := meta.DataPageOffset - meta.DictionaryPageOffset
	if size <= 0 || size > MaxPageBytes {
		return nil, 0, fmt.Errorf("%w: dictionary of %d bytes", ErrCorrupt, size)
	}
	header, body, err := z.load(f, meta.DictionaryPageOffset, int(size))
	if err != nil {
		return nil, 0, err
	}
	d := header.DictionaryPageHeader
	if header.Type != format.DictionaryPage || !d.Valid || d.V.NumValues < 0 || d.V.Encoding != format.Plain {
		return nil, 0, fmt.Errorf("%w: dictionary page expected at %d", ErrCorrupt, meta.DictionaryPageOffset)
	}
	return body, int(d.V.NumValues), nil
}

// IntDictionary reads the dictionary of column i of row group g, nil where the chunk has none.
func IntDictionary[T integer](z *Decompressor, f *File, g, i int) ([]T, error) {
	body, entries, err := z.dictionary(f, g, i)
	if err != nil {
		return nil, err
	}
	width := 8
	if is32[T]() {
		width = 4
	}
	if len(body) != entries*width {
		return nil, fmt.Errorf("%w: dictionary of %d integers has %d bytes", ErrCorrupt, entries, len(body))
	}
	values := make([]T, entries)
	for k := range values {
		if width == 4 {
			values[k] = T(int32(binary.LittleEndian.Uint32(body[4*k:])))
		} else {
			values[k] = T(binary.LittleEndian.Uint64(body[8*k:]))
		}
	}
	return values, nil
}

// StringDictionary calls each with the dictionary's strings of column i of row group g, in order of
// their indices, and gives their number. The bytes are valid during the call only.
func (z *Decompressor) StringDictionary(f *File, g, i int, each func(k int, s []byte) error) (int, error) {
	body, entries, err := z.dictionary(f, g, i)
	if err != nil {
		return 0, err
	}
	if entries > len(body)/4 {
		return 0, fmt.Errorf("%w: dictionary of %d strings has %d bytes", ErrCorrupt, entries, len(body))
	}
	for k := range entries {
		if len(body) < 4 {
			return 0, fmt.Errorf("%w: dictionary cut off", ErrCorrupt)
		}
		n := binary.LittleEndian.Uint32(body)
		if uint64(n) > uint64(len(body)-4) {
			return 0, fmt.Errorf("%w: dictionary cut off", ErrCorrupt)
		}
		if err := each(k, body[4:4+n]); err != nil {
			return 0, err
		}
		body = body[4+n:]
	}
	return entries, nil
}

// values is a data page's body with the levels taken off.
type values struct {
	encoding format.Encoding
	bitmap   []byte // nil: no row is null
	count    int    // of values that are not null
	body     []byte
}

// dataPage reads a data page.
func (z *Decompressor) dataPage(f *File, p Page, optional bool) (values, error) {
	header, body, err := z.load(f, p.Offset, p.Bytes)
	if err != nil {
		return values{}, err
	}
	d := header.DataPageHeader
	if header.Type != format.DataPage || !d.Valid || int(d.V.NumValues) != p.Rows {
		return values{}, fmt.Errorf("%w: data page of %d rows expected at %d", ErrCorrupt, p.Rows, p.Offset)
	}
	v := values{encoding: d.V.Encoding, count: p.Rows, body: body}
	if !optional {
		return v, nil
	}
	z.bitmap, v.count, v.body, err = presence(z.bitmap, body, p.Rows)
	if v.count < p.Rows {
		v.bitmap = z.bitmap
	}
	return v, err
}

// integerOrCode is what a column may be decoded to.
type integerOrCode interface {
	~int32 | ~int64 | ~uint8 | ~uint32
}

// ReadPage decodes a page of a column into out, which has p.Rows elements:
// where the page has dictionary indices, those are looked up in dictionary.
// Rows without a value become null.
func ReadPage[T integerOrCode](z *Decompressor, f *File, p Page, optional bool, dictionary []T, null T, out []T) error {
	v, err := z.dataPage(f, p, optional)
	if err != nil {
		return err
	}
	switch {
	case v.count == 0:
		for i := range out {
			out[i] = null
		}
		return nil
	case v.encoding == format.RLEDictionary:
		return readIndices(z, v, dictionary, null, out)
	case v.encoding == format.DeltaBinaryPacked:
		return readDeltas(z, v, null, out)
	}
	return fmt.Errorf("%w: page in %v, which no trace uses", ErrCorrupt, v.encoding)
}
