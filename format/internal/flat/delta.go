package flat

import (
	"encoding/binary"
	"fmt"
	"math/bits"

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

// appendByteDeltas appends values in DELTA_BINARY_PACKED, and packs each miniblock's differences in as few whole bytes as its largest needs.
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

// appendRawFrame appends b as a zstd frame that stores it as it is, for bytes
// that zstd would only waste time on.
// https://github.com/facebook/zstd/blob/v1.5.7/doc/zstd_compression_format.md
func appendRawFrame(dst, b []byte) []byte {
	const (
		singleSegment4 = 1<<7 | 1<<5 // frame content size in 4 bytes, no window
		maxBlock       = 128 << 10
	)
	dst = binary.LittleEndian.AppendUint32(dst, 0xFD2FB528)
	dst = append(dst, singleSegment4)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	for {
		n := min(len(b), maxBlock)
		header := uint32(n) << 3 // a raw block
		if n == len(b) {
			header |= 1 // the last
		}
		dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
		dst = append(dst, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			return dst
		}
	}
}
