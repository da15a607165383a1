package flat

import (
	"encoding/binary"
	"fmt"
)

// readIndices decodes a page of dictionary indices and looks them up.
func readIndices[T integerOrCode](z *Decompressor, v values, dictionary []T, null T, out []T) error {
	if len(v.body) == 0 || v.body[0] > 32 {
		return fmt.Errorf("%w: page without indices", ErrCorrupt)
	}
	width, body := int(v.body[0]), v.body[1:]
	first, _, err := nextRun(body, width, v.count)
	if err != nil {
		return err
	}
	switch {
	case first.count < v.count:
		return gatherRuns(z, v, width, dictionary, null, out)
	case !first.packed:
		return fill(first.value, v, dictionary, null, out)
	case width == 1 || width == 2 || width == 4:
		z.bytes = spread(z.bytes, first.data, width, v.count)
		return gather8(z.bytes, v, dictionary, null, out)
	case width == 8:
		return gather8(first.data[:v.count], v, dictionary, null, out)
	case width == 16:
		return gather16(first.data[:2*v.count], v, dictionary, null, out)
	case width == 24:
		return gather24(first.data[:3*v.count], v, dictionary, null, out)
	}
	return gatherRuns(z, v, width, dictionary, null, out)
}

// spread makes bytes of count indices of 1, 2 or 4 bits.
func spread(buf, packed []byte, width, count int) []byte {
	per := 8 / width
	buf = grow(buf[:0], (count+per-1)/per*per)
	mask := byte(1)<<width - 1
	switch width {
	case 4:
		for i, b := range packed[:len(buf)/2] {
			buf[2*i], buf[2*i+1] = b&mask, b>>4
		}
	case 2:
		for i, b := range packed[:len(buf)/4] {
			to := buf[4*i : 4*i+4 : 4*i+4]
			to[0], to[1], to[2], to[3] = b&mask, b>>2&mask, b>>4&mask, b>>6
		}
	default:
		for i, b := range packed[:len(buf)/8] {
			to := buf[8*i : 8*i+8 : 8*i+8]
			to[0], to[1], to[2], to[3] = b&mask, b>>1&mask, b>>2&mask, b>>3&mask
			to[4], to[5], to[6], to[7] = b>>4&mask, b>>5&mask, b>>6&mask, b>>7
		}
	}
	return buf[:count]
}

func errIndex[T any](dictionary []T) error {
	return fmt.Errorf("%w: index beyond the dictionary of %d", ErrCorrupt, len(dictionary))
}

// fill sets every row that has a value to the same one.
func fill[T integerOrCode](index uint32, v values, dictionary []T, null T, out []T) error {
	if int(index) >= len(dictionary) {
		return errIndex(dictionary)
	}
	value := dictionary[index]
	for i := range out {
		out[i] = value
	}
	if v.bitmap == nil {
		return nil
	}
	for i := range out {
		if v.bitmap[i/8]>>(i%8)&1 == 0 {
			out[i] = null
		}
	}
	return nil
}

// gather8 looks up indices of a byte each. The table has an entry for every
// byte, and which bytes came is checked once, behind the loop.
func gather8[T integerOrCode](indices []byte, v values, dictionary []T, null T, out []T) error {
	var table [256]T
	n := copy(table[:], dictionary)
	most := byte(0)
	if v.bitmap == nil {
		out = out[:len(indices)]
		for i, k := range indices {
			out[i] = table[k]
			most = max(most, k)
		}
	} else {
		for k := range table {
			table[k] -= null
		}
		most = scatter8(indices, v.bitmap, &table, null, out)
	}
	if int(most) >= n {
		return errIndex(dictionary)
	}
	return nil
}

// scatter8 is gather8 where rows may be null: without a branch on the bitmap,
// which no processor can guess. The table holds differences to null.
func scatter8[T integerOrCode](indices, bitmap []byte, table *[256]T, null T, out []T) (most byte) {
	n, last := 0, len(indices)-1
	for i := range out {
		bit := bitmap[i>>3] >> (i & 7) & 1
		k := indices[min(n, last)]
		most = max(most, k)
		out[i] = null + table[k]&-T(bit)
		n += int(bit)
	}
	return most
}

// gather16 looks up indices of two bytes each.
func gather16[T integerOrCode](indices []byte, v values, dictionary []T, null T, out []T) error {
	if v.bitmap != nil {
		return scatter16(indices, v.bitmap, dictionary, null, out)
	}
	for i := range out {
		k := binary.LittleEndian.Uint16(indices[2*i:])
		if int(k) >= len(dictionary) {
			return errIndex(dictionary)
		}
		out[i] = dictionary[k]
	}
	return nil
}

// scatter16 is gather16 where rows may be null, without a branch on the bitmap.
func scatter16[T integerOrCode](indices, bitmap []byte, dictionary []T, null T, out []T) error {
	n, last := 0, len(indices)-2
	for i := range out {
		bit := bitmap[i>>3] >> (i & 7) & 1
		k := binary.LittleEndian.Uint16(indices[min(n, last):])
		if int(k) >= len(dictionary) {
			return errIndex(dictionary)
		}
		out[i] = null + (dictionary[k]-null)&-T(bit)
		n += 2 * int(bit)
	}
	return nil
}

// gather24 looks up indices of three bytes each.
func gather24[T integerOrCode](indices []byte, v values, dictionary []T, null T, out []T) error {
	for i := range out {
		if v.bitmap != nil && v.bitmap[i>>3]>>(i&7)&1 == 0 {
			out[i] = null
			continue
		}
		k := int(indices[0]) | int(indices[1])<<8 | int(indices[2])<<16
		if k >= len(dictionary) {
			return errIndex(dictionary)
		}
		out[i] = dictionary[k]
		indices = indices[3:]
	}
	return nil
}

// gatherRuns looks up indices in any mixture of runs of any width.
func gatherRuns[T integerOrCode](z *Decompressor, v values, width int, dictionary []T, null T, out []T) error {
	if cap(z.indices) < v.count {
		z.indices = make([]uint32, v.count)
	}
	indices, body := z.indices[:v.count], v.body[1:]
	for at := 0; at < v.count; {
		r, rest, err := nextRun(body, width, v.count-at)
		if err != nil {
			return err
		}
		r.unpack(indices[at:], width)
		at += r.count
		body = rest
	}
	n := 0
	for i := range out {
		if v.bitmap != nil && v.bitmap[i/8]>>(i%8)&1 == 0 {
			out[i] = null
			continue
		}
		k := indices[n]
		if int(k) >= len(dictionary) {
			return errIndex(dictionary)
		}
		out[i] = dictionary[k]
		n++
	}
	return nil
}
