package flat

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/parquet-go/parquet-go/encoding/delta"
)

// Blocks of DELTA_BINARY_PACKED as this package writes them.
const (
	deltaBlock      = 128
	deltaMiniblocks = 4
	deltaMiniblock  = deltaBlock / deltaMiniblocks
)

// coarseBits is the number of low bits that all differences must have clear
// for whole bytes to be the better packing.
const coarseBits = 3

// appendDeltas appends values in DELTA_BINARY_PACKED, in the packing that suits them.
func appendDeltas(dst []byte, values []int64) ([]byte, error) {
	if len(values) > 1 && coarse(values) {
		return appendByteDeltas(dst, values), nil
	}
	return appendBitDeltas(dst, values)
}

// appendBitDeltas appends values in DELTA_BINARY_PACKED, as tightly as can be.
func appendBitDeltas(dst []byte, values []int64) ([]byte, error) {
	var encoding delta.BinaryPackedEncoding
	packed, err := encoding.EncodeInt64(dst[len(dst):], values)
	if err != nil {
		return nil, fmt.Errorf("encode differences: %w", err)
	}
	return append(dst, packed...), nil
}

// coarse says whether all differences are multiples of a power of two. Such are
// best packed in whole bytes, so that zstd sees the bits that are always clear.
func coarse(values []int64) bool {
	var or int64
	for i := 1; i < len(values); i++ {
		or |= values[i] - values[i-1]
	}
	return or&(1<<coarseBits-1) == 0
}

// appendByteDeltas appends values in DELTA_BINARY_PACKED, and packs each miniblock's differences in
// as few whole bytes as its largest needs.
func appendByteDeltas(dst []byte, values []int64) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaMiniblocks)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	dst = binary.AppendVarint(dst, values[0])
	for i := 1; i < len(values); i += deltaBlock {
		var block [deltaBlock]uint64
		end := min(len(values), i+deltaBlock)
		least := int64(0) // ascending times give the same header in every block
		for k := i; k < end; k++ {
			least = min(least, values[k]-values[k-1])
		}
		for k := i; k < end; k++ {
			block[k-i] = uint64(values[k] - values[k-1] - least)
		}
		dst = binary.AppendVarint(dst, least)
		dst = appendMiniblocks(dst, &block)
	}
	return dst
}

func appendMiniblocks(dst []byte, block *[deltaBlock]uint64) []byte {
	var bytes [deltaMiniblocks]int
	for m := range bytes {
		var or uint64
		for _, v := range block[m*deltaMiniblock : (m+1)*deltaMiniblock] {
			or |= v
		}
		bytes[m] = (bits.Len64(or) + 7) / 8
		dst = append(dst, byte(8*bytes[m]))
	}
	for m, n := range bytes {
		at := len(dst)
		dst = grow(dst, n*deltaMiniblock+8)
		for k, v := range block[m*deltaMiniblock : (m+1)*deltaMiniblock] {
			binary.LittleEndian.PutUint64(dst[at+k*n:], v) // the next one overwrites what is too much
		}
		dst = dst[:at+n*deltaMiniblock]
	}
	return dst
}

// readDeltas decodes a page of differences, with slack behind its body.
func readDeltas[T integerOrCode](z *Decompressor, v values, null T, out []T) error {
	if v.bitmap == nil {
		if wide, ok := asInt64(out); ok {
			return decodeDeltas(wide, v.body)
		}
	}
	z.deltas = slices.Grow(z.deltas[:0], v.count)[:v.count]
	if err := decodeDeltas(z.deltas, v.body); err != nil {
		return err
	}
	n := 0
	for i := range out {
		if v.bitmap != nil && v.bitmap[i/8]>>(i%8)&1 == 0 {
			out[i] = null
			continue
		}
		out[i] = T(z.deltas[n])
		n++
	}
	return nil
}

// asInt64 is s as what it is in memory, where its elements are int64 by another name.
func asInt64[T integerOrCode](s []T) ([]int64, bool) {
	var zero T
	if unsafe.Sizeof(zero) != 8 || len(s) == 0 {
		return nil, false
	}
	return unsafe.Slice((*int64)(unsafe.Pointer(&s[0])), len(s)), true
}

// deltaHeader is what a page of differences begins with.
type deltaHeader struct {
	perMiniblock, miniblocks int
	count                    int
	first                    int64
}

func readDeltaHeader(b []byte) (h deltaHeader, rest []byte, err error) {
	var field [3]uint64
	for i := range field {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > MaxPageRows {
			return h, nil, fmt.Errorf("%w: header of differences", ErrCorrupt)
		}
		field[i], b = v, b[n:]
	}
	block, miniblocks := field[0], field[1]
	if block == 0 || block%128 != 0 || miniblocks == 0 || block%miniblocks != 0 || block/miniblocks%32 != 0 {
		return h, nil, fmt.Errorf("%w: %d differences in %d blocks", ErrCorrupt, block, miniblocks)
	}
	first, n := binary.Varint(b)
	if n <= 0 {
		return h, nil, fmt.Errorf("%w: header of differences", ErrCorrupt)
	}
	return deltaHeader{int(block / miniblocks), int(miniblocks), int(field[2]), first}, b[n:], nil
}

// decodeDeltas decodes exactly len(out) values, at least one. There are slack bytes behind b.
func decodeDeltas(out []int64, b []byte) error {
	h, b, err := readDeltaHeader(b)
	if err != nil {
		return err
	}
	if h.count != len(out) {
		return fmt.Errorf("%w: page of %d values where %d were announced", ErrCorrupt, h.count, len(out))
	}
	out[0] = h.first
	for at := 1; at < len(out); {
		least, n := binary.Varint(b)
		if n <= 0 || len(b)-n < h.miniblocks {
			return fmt.Errorf("%w: differences cut off", ErrCorrupt)
		}
		widths := b[n : n+h.miniblocks]
		b = b[n+h.miniblocks:]
		for _, width := range widths {
			size := h.perMiniblock / 8 * int(width)
			if width > 64 || size > len(b) {
				return fmt.Errorf("%w: differences cut off", ErrCorrupt)
			}
			end := min(at+h.perMiniblock, len(out))
			unpackDeltas(out[at:end], b[:size+slack], int(width), least, out[at-1])
			b = b[size:]
			if at = end; at == len(out) {
				break
			}
		}
	}
	return nil
}

// unpackDeltas adds up differences of width bits each, beginning with last.
// There are slack bytes in b that are not theirs.
func unpackDeltas(out []int64, b []byte, width int, least, last int64) {
	switch {
	case width == 0:
		for i := range out {
			last += least
			out[i] = last
		}
	case width == 16:
		for i := range out {
			last += least + int64(binary.LittleEndian.Uint16(b[2*i:]))
			out[i] = last
		}
	case width <= 56:
		mask := uint64(1)<<width - 1
		for i := range out {
			bit := i * width
			last += least + int64(binary.LittleEndian.Uint64(b[bit>>3:])>>(bit&7)&mask)
			out[i] = last
		}
	default:
		mask := ^uint64(0) >> (64 - width)
		for i := range out {
			bit := i * width
			v := binary.LittleEndian.Uint64(b[bit>>3:]) >> (bit & 7)
			if bit&7 > 0 {
				v |= uint64(b[bit>>3+8]) << (64 - bit&7)
			}
			last += least + int64(v&mask)
			out[i] = last
		}
	}
}
