package flat

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Compressor makes pages smaller. It is not safe for concurrent use.
type Compressor struct {
	zstd *zstd.Encoder
	fast *zstd.Encoder // for times: half the time of zstd for some percent more
}

// NewCompressor gives a compressor of a zstd level as klauspost/compress counts them, from 1
// (fastest) to 4.
func NewCompressor(level int) (*Compressor, error) {
	const fastest = 1
	slow, err := newEncoder(level)
	if err != nil {
		return nil, err
	}
	fast, err := newEncoder(fastest)
	return &Compressor{zstd: slow, fast: fast}, err
}

func newEncoder(level int) (*zstd.Encoder, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.EncoderLevel(level)),
		zstd.WithEncoderConcurrency(1),
		zstd.WithAllLitEntropyCompression(true), // packed bits repeat nowhere, but are skewed
		zstd.WithEncoderCRC(false),              // the page header has one
	)
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	return enc, nil
}

// Bounds are the least and greatest of the values of a page or of a chunk, in
// Parquet's plain encoding without length. Nil where there is no value or nobody asked.
type Bounds struct {
	Min, Max []byte
}

// IntBounds gives the bounds of the values that are not null, and how many are.
func IntBounds[T integer](vals []T, nullable bool, null T) (Bounds, int) {
	if len(vals) == 0 {
		return Bounds{}, 0
	}
	if !nullable {
		return Bounds{Min: plainInt(slices.Min(vals)), Max: plainInt(slices.Max(vals))}, 0
	}
	nulls := CountNulls(vals, null)
	if nulls == len(vals) {
		return Bounds{}, nulls
	}
	first := vals[0]
	for i := 0; first == null; i++ {
		first = vals[i]
	}
	least, most := first, first
	for _, v := range vals {
		if v == null {
			v = first
		}
		least, most = min(least, v), max(most, v)
	}
	return Bounds{Min: plainInt(least), Max: plainInt(most)}, nulls
}

// Join gives the bounds of integers that hold for what a holds for and for what b holds for.
func Join(a, b Bounds) Bounds {
	if a.Min == nil {
		return b
	}
	if b.Min == nil {
		return a
	}
	if less(b.Min, a.Min) {
		a.Min = b.Min
	}
	if less(a.Max, b.Max) {
		a.Max = b.Max
	}
	return a
}

func less(a, b []byte) bool {
	x, _ := Int(a)
	y, _ := Int(b)
	return x < y
}

func plainInt[T integer](v T) []byte {
	if is32[T]() {
		return binary.LittleEndian.AppendUint32(nil, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(v))
}

func is32[T integer]() bool {
	one := T(1)
	return one<<31<<1 == 0
}

// page is where a data page is within its chunk.
type page struct {
	offset, size int64 // in Chunk.data, header included
	rows, nulls  int
	bounds       Bounds
}

// Chunk is a column of a row group in the making: finished pages, held compressed.
type Chunk struct {
	column Column
	data   []byte
	pages  []page
	rows   int

	wideWidth    int // of indices that need two bytes; 0: not tried yet
	uncompressed int64
	encodings    []format.Encoding
	dictionary   []byte // the dictionary's values in plain encoding
	entries      int
	bounds       Bounds // of the whole chunk
}

// NewChunk gives an empty chunk of a column.
func NewChunk(column Column) *Chunk { return &Chunk{column: column} }

// Reset empties the chunk, for the next row group.
func (c *Chunk) Reset() {
	*c = Chunk{column: c.column, data: c.data[:0], pages: c.pages[:0], dictionary: c.dictionary[:0]}
}

// Size is the number of bytes the pages take so far.
func (c *Chunk) Size() int { return len(c.data) }

// AddIndices appends the page in s: indices into a dictionary that has so far entries values.
func (c *Chunk) AddIndices(z *Compressor, s *Scratch, entries int, bounds Bounds) error {
	s.body = c.appendLevels(s.body[:0], s)
	if len(s.Indices) == 0 { // no dictionary needed, so that a chunk of nulls has none
		return c.addPage(z.zstd, s, format.Plain, bounds)
	}
	width := indexWidth(entries)
	if width != 16 || s.Same {
		s.body = appendIndices(s.body, s.Indices, s.Same, width)
		return c.addPage(z.zstd, s, format.RLEDictionary, bounds)
	}
	if c.wideWidth == 0 {
		c.wideWidth = c.tryWidths(z, s)
	}
	s.body = appendIndices(s.body, s.Indices, false, c.wideWidth)
	return c.addPage(z.zstd, s, format.RLEDictionary, bounds)
}

// tryWidths says whether zstd makes less of indices of two bytes or of three,
// whose zeros make what recurs long enough for it to see. It depends on the
// program, so it is asked once a row group.
func (c *Chunk) tryWidths(z *Compressor, s *Scratch) int {
	best, least := 0, math.MaxInt
	levels := len(s.body)
	for _, width := range []int{16, 24} {
		s.body = appendIndices(s.body[:levels], s.Indices, false, width)
		s.packed = z.zstd.EncodeAll(s.body, s.packed[:0])
		if len(s.packed) < least {
			best, least = width, len(s.packed)
		}
	}
	s.body = s.body[:levels]
	return best
}

// AddDelta appends a page of vals that are not null, as differences; s has been filled from the
// same values.
func (c *Chunk) AddDelta(z *Compressor, s *Scratch, vals []int64, bounds Bounds) error {
	s.body = c.appendLevels(s.body[:0], s)
	var err error
	if s.body, err = appendDeltas(s.body, vals); err != nil {
		return fmt.Errorf("encode %s: %w", c.column.Name, err)
	}
	return c.addPage(z.fast, s, format.DeltaBinaryPacked, bounds)
}

func (c *Chunk) appendLevels(dst []byte, s *Scratch) []byte {
	if !c.column.Optional {
		return dst
	}
	return appendPresence(dst, s.Bitmap, s.Rows, len(s.Indices))
}

// addPage compresses the body in s and appends it as a data page.
func (c *Chunk) addPage(z *zstd.Encoder, s *Scratch, encoding format.Encoding, bounds Bounds) error {
	s.packed = z.EncodeAll(s.body, s.packed[:0])
	header := format.PageHeader{
		Type:                 format.DataPage,
		UncompressedPageSize: int32(len(s.body)),
		CompressedPageSize:   int32(len(s.packed)),
		CRC:                  int32(crc32.ChecksumIEEE(s.packed)),
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues:               int32(s.Rows),
			Encoding:                encoding,
			DefinitionLevelEncoding: format.RLE,
			RepetitionLevelEncoding: format.RLE,
		}),
	}
	offset := int64(len(c.data))
	if err := c.appendPage(&header, len(s.body), s.packed); err != nil {
		return err
	}
	c.pages = append(c.pages, page{
		offset: offset, size: int64(len(c.data)) - offset,
		rows: s.Rows, nulls: s.Rows - len(s.Indices), bounds: bounds,
	})
	c.rows += s.Rows
	c.use(encoding)
	return nil
}

// appendPage appends header and compressed to the chunk's data.
func (c *Chunk) appendPage(header *format.PageHeader, uncompressed int, compressed []byte) error {
	b, err := thrift.Marshal(&protocol, header)
	if err != nil {
		return fmt.Errorf("encode page header of %s: %w", c.column.Name, err)
	}
	c.data = append(append(c.data, b...), compressed...)
	c.uncompressed += int64(len(b) + uncompressed)
	return nil
}

func (c *Chunk) use(encoding format.Encoding) {
	for _, e := range c.encodings {
		if e == encoding {
			return
		}
	}
	c.encodings = append(c.encodings, encoding)
}

// SetIntDictionary gives the chunk its dictionary of integers.
func SetIntDictionary[T integer](c *Chunk, values []T) {
	c.dictionary = c.dictionary[:0]
	for _, v := range values {
		if is32[T]() {
			c.dictionary = binary.LittleEndian.AppendUint32(c.dictionary, uint32(v))
		} else {
			c.dictionary = binary.LittleEndian.AppendUint64(c.dictionary, uint64(v))
		}
	}
	c.entries = len(values)
}

// SetStringDictionary gives the chunk its dictionary of strings, in the order of their indices.
func (c *Chunk) SetStringDictionary(n int, value func(i int) string) {
	c.dictionary = c.dictionary[:0]
	for i := range n {
		v := value(i)
		c.dictionary = binary.LittleEndian.AppendUint32(c.dictionary, uint32(len(v)))
		c.dictionary = append(c.dictionary, v...)
	}
	c.entries = n
}

// SetBounds gives the bounds of the whole chunk.
func (c *Chunk) SetBounds(b Bounds) { c.bounds = b }

// dictionaryPage is the compressed dictionary page with its header.
func (c *Chunk) dictionaryPage(z *Compressor) ([]byte, error) {
	encoder := z.zstd
	if c.column.Type == Int64 {
		encoder = z.fast // finds a run of ids where the others get lost
	}
	compressed := encoder.EncodeAll(c.dictionary, nil)
	header := format.PageHeader{
		Type:                 format.DictionaryPage,
		UncompressedPageSize: int32(len(c.dictionary)),
		CompressedPageSize:   int32(len(compressed)),
		CRC:                  int32(crc32.ChecksumIEEE(compressed)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(c.entries),
			Encoding:  format.Plain,
		}),
	}
	b, err := thrift.Marshal(&protocol, &header)
	if err != nil {
		return nil, fmt.Errorf("encode dictionary header of %s: %w", c.column.Name, err)
	}
	c.uncompressed += int64(len(b) + len(c.dictionary))
	return append(b, compressed...), nil
}
