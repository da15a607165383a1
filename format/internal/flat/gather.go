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
	if first.count < v.count || first.packed && width != 8 && width != 16 {
		return gatherRuns(z, v, width, dictionary, null, out)
	}
	switch {
	case !first.packed:
		return fill(first.value, v, dictionary, null, out)
	case width == 8:
		return gather8(first.data[:v.count], v, dictionary, null, out)
	default:
		return gather16(first.data[:2*v.count], v, dictionary, null, out)
	}
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
	n := 0
	for i := range out {
		if v.bitmap != nil && v.bitmap[i>>3]>>(i&7)&1 == 0 {
			out[i] = null
			continue
		}
		k := int(binary.LittleEndian.Uint16(indices[2*n:]))
		if k >= len(dictionary) {
			return errIndex(dictionary)
		}
		out[i] = dictionary[k]
		n++
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
