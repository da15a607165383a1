package flat

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// indexWidth is the bit width in which indices into a dictionary of n entries
// are stored: a part of a byte or whole bytes, also where fewer bits would do.
// Parquet allows any width, and indices that straddle bytes leave zstd nothing
// to find.
func indexWidth(n int) int {
	for _, width := range [...]int{1, 2, 4, 8, 16, 24} {
		if n <= 1<<width {
			return width
		}
	}
	return 32
}

// appendIndices appends indices, at least one, in the RLE/bit-packed hybrid: one
// run of repeats where all are equal to the first, else one bit-packed run, for
// zstd to shrink.
func appendIndices(dst []byte, indices []uint32, equal bool, width int) []byte {
	dst = append(dst, byte(width))
	if equal {
		dst = binary.AppendUvarint(dst, uint64(len(indices))<<1)
		return appendBytes(dst, indices[:1], (width+7)/8*8)
	}
	groups := (len(indices) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	end := len(dst) + groups*width
	if width < 8 {
		dst = appendParts(dst, indices, width)
	} else {
		dst = appendBytes(dst, indices, width)
	}
	return append(dst, make([]byte, end-len(dst))...)
}

// appendParts appends indices of 1, 2 or 4 bits, the first in a byte's low bits.
func appendParts(dst []byte, indices []uint32, width int) []byte {
	n := len(dst)
	per := 8 / width
	dst = grow(dst, (len(indices)+per-1)/per)
	out, in := dst[n:], indices
	switch width {
	case 4:
		for ; len(in) >= 2; in, out = in[2:], out[1:] {
			out[0] = byte(in[0] | in[1]<<4)
		}
	case 2:
		for ; len(in) >= 4; in, out = in[4:], out[1:] {
			out[0] = byte(in[0] | in[1]<<2 | in[2]<<4 | in[3]<<6)
		}
	default:
		for ; len(in) >= 8; in, out = in[8:], out[1:] {
			out[0] = byte(in[0] | in[1]<<1 | in[2]<<2 | in[3]<<3 | in[4]<<4 | in[5]<<5 | in[6]<<6 | in[7]<<7)
		}
	}
	if len(in) > 0 {
		out[0] = 0
		for i, x := range in {
			out[0] |= byte(x) << (i * width)
		}
	}
	return dst
}

// appendBytes appends each index as width/8 little-endian bytes.
func appendBytes(dst []byte, indices []uint32, width int) []byte {
	n := len(dst)
	dst = grow(dst, len(indices)*width/8)
	out := dst[n:]
	switch width {
	case 8:
		for i, x := range indices {
			out[i] = byte(x)
		}
	case 16:
		for i, x := range indices {
			binary.LittleEndian.PutUint16(out[2*i:], uint16(x))
		}
	case 24:
		for i, x := range indices {
			out[3*i], out[3*i+1], out[3*i+2] = byte(x), byte(x>>8), byte(x>>16)
		}
	default:
		for i, x := range indices {
			binary.LittleEndian.PutUint32(out[4*i:], x)
		}
	}
	return dst
}

// grow lengthens b by n bytes of any content.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b[:cap(b)], make([]byte, len(b)+n-cap(b)+len(b)/2)...)[:len(b)]
	}
	return b[:len(b)+n]
}

// appendPresence appends definition levels: rows of which bit i of present
// says whether row i has a value. A nil present means that every row has one.
func appendPresence(dst []byte, present []byte, rows, values int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	switch values {
	case rows:
		dst = append(binary.AppendUvarint(dst, uint64(rows)<<1), 1)
	case 0:
		dst = append(binary.AppendUvarint(dst, uint64(rows)<<1), 0)
	default:
		groups := (rows + 7) / 8
		dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
		dst = append(dst, present[:groups]...)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// run is one run of the RLE/bit-packed hybrid: count times value, or count packed values in data.
type run struct {
	count  int
	value  uint32
	packed bool
	data   []byte
}

// nextRun takes the first run of at most max values from src.
func nextRun(src []byte, width, max int) (run, []byte, error) {
	header, n := binary.Uvarint(src)
	if n <= 0 {
		return run{}, nil, fmt.Errorf("%w: run header cut off", ErrCorrupt)
	}
	src = src[n:]
	if header&1 == 0 {
		return repeatRun(src, header>>1, width, max)
	}
	groups := header >> 1
	if groups == 0 || groups > MaxPageRows/8+1 {
		return run{}, nil, fmt.Errorf("%w: run of %d groups", ErrCorrupt, groups)
	}
	size := min(int(groups)*width, len(src))
	count := min(int(groups)*8, max)
	if size < (count*width+7)/8 {
		return run{}, nil, fmt.Errorf("%w: packed run cut off", ErrCorrupt)
	}
	return run{count: count, packed: true, data: src[:size]}, src[size:], nil
}

func repeatRun(src []byte, count uint64, width, max int) (run, []byte, error) {
	size := (width + 7) / 8
	if count == 0 || count > uint64(max) || size > len(src) {
		return run{}, nil, fmt.Errorf("%w: run of %d values where %d are left", ErrCorrupt, count, max)
	}
	var value uint32
	for i := range size {
		value |= uint32(src[i]) << (8 * i)
	}
	return run{count: int(count), value: value}, src[size:], nil
}

// unpack writes the run's values to out, which has room for count.
func (r run) unpack(out []uint32, width int) {
	if !r.packed {
		for i := range out[:r.count] {
			out[i] = r.value
		}
		return
	}
	var (
		acc  uint64
		have int
		next int
		mask = uint64(1)<<width - 1
	)
	for i := range out[:r.count] {
		for have < width {
			acc |= uint64(r.data[next]) << have
			next++
			have += 8
		}
		out[i] = uint32(acc & mask)
		acc >>= width
		have -= width
	}
}

// presence decodes the definition levels of rows rows from src into a bitmap
// in buf, and gives the number of values and what follows the levels. The
// bitmap is of no use where all rows are null, or none.
func presence(buf, src []byte, rows int) (bitmap []byte, values int, rest []byte, err error) {
	if len(src) < 4 {
		return nil, 0, nil, fmt.Errorf("%w: definition levels cut off", ErrCorrupt)
	}
	size := binary.LittleEndian.Uint32(src)
	if uint64(size) > uint64(len(src)-4) {
		return nil, 0, nil, fmt.Errorf("%w: definition levels cut off", ErrCorrupt)
	}
	levels, rest := src[4:4+size], src[4+size:]
	if first, _, err := nextRun(levels, 1, rows); err == nil && !first.packed && first.count == rows {
		return buf[:0], rows * int(first.value&1), rest, nil
	}
	bitmap = grow(buf[:0], (rows+7)/8)
	clear(bitmap)
	for at := 0; at < rows; {
		var r run
		if r, levels, err = nextRun(levels, 1, rows-at); err != nil {
			return nil, 0, nil, err
		}
		r.mark(bitmap, at)
		at += r.count
	}
	for _, b := range bitmap {
		values += bits.OnesCount8(b)
	}
	return bitmap, values, rest, nil
}

// mark sets the bits of the run, whose first value is row at.
func (r run) mark(bitmap []byte, at int) {
	if r.packed && at%8 == 0 {
		n := copy(bitmap[at/8:], r.data[:(r.count+7)/8])
		if tail := r.count % 8; tail != 0 {
			bitmap[at/8+n-1] &= 1<<tail - 1
		}
		return
	}
	for i := range r.count {
		bit := r.value & 1
		if r.packed {
			bit = uint32(r.data[i/8]>>(i%8)) & 1
		}
		bitmap[(at+i)/8] |= byte(bit << ((at + i) % 8))
	}
}
