package flat

import "math/bits"

// integer is any type whose values a dictionary may hold.
type integer interface {
	~int32 | ~int64
}

// IntDict numbers distinct integers in order of appearance.
type IntDict[T integer] struct {
	Values []T
	slots  []uint32 // index into Values + 1, 0 = free; a power of two long
	shift  int

	compacted []T
}

// Reset empties the dictionary.
func (d *IntDict[T]) Reset() {
	d.Values = d.Values[:0]
	clear(d.slots)
}

// Index is the number of v, a new one where v is new.
func (d *IntDict[T]) Index(v T) uint32 {
	if len(d.Values)*2 >= len(d.slots) {
		d.rehash()
	}
	mask := len(d.slots) - 1
	for i := d.slot(v); ; i = (i + 1) & mask {
		k := d.slots[i]
		if k == 0 {
			d.Values = append(d.Values, v)
			d.slots[i] = uint32(len(d.Values))
			return uint32(len(d.Values)) - 1
		}
		if d.Values[k-1] == v {
			return k - 1
		}
	}
}

func (d *IntDict[T]) slot(v T) int {
	return int((uint64(v) * 0x9E3779B97F4A7C15) >> d.shift)
}

func (d *IntDict[T]) rehash() {
	size := max(64, 2*len(d.slots))
	d.slots = make([]uint32, size)
	d.shift = 64 - bits.TrailingZeros(uint(size))
	for k, v := range d.Values {
		i := d.slot(v)
		for d.slots[i] != 0 {
			i = (i + 1) & (size - 1)
		}
		d.slots[i] = uint32(k) + 1
	}
}

// CodeDict numbers distinct small codes, such as string ids, in order of appearance.
type CodeDict[T ~uint8 | ~uint32] struct {
	Values []T
	number []uint32 // by code: index into Values + 1, 0 = not in the dictionary
}

// Reset empties the dictionary and makes room for codes below limit.
func (d *CodeDict[T]) Reset(limit int) {
	for _, v := range d.Values {
		d.number[v] = 0
	}
	d.Values = d.Values[:0]
	d.Grow(limit)
}

// Grow makes room for codes below limit.
func (d *CodeDict[T]) Grow(limit int) {
	if limit > len(d.number) {
		d.number = append(d.number, make([]uint32, limit-len(d.number))...)
	}
}

// Index is the number of v, a new one where v is new. v is below the limit that Grow was last told.
func (d *CodeDict[T]) Index(v T) uint32 {
	k := d.number[v]
	if k == 0 {
		d.Values = append(d.Values, v)
		k = uint32(len(d.Values))
		d.number[v] = k
	}
	return k - 1
}

// Encode puts the page of vals into s: its non-null rows and their numbers.
// Values equal to null are null where nullable is set.
func (d *CodeDict[T]) Encode(s *Scratch, vals []T, nullable bool, null T) {
	if nullable {
		held := d.number[null]
		d.number[null] = 1 // any number: what is written for a null is overwritten by the next value
		defer func() { d.number[null] = held }()
	}
	s.reset(len(vals))
	n := 0
	for at := 0; at < len(vals); at += 8 {
		var bitmap byte
		for i, v := range vals[at:min(at+8, len(vals))] {
			k := d.number[v]
			if k == 0 {
				k = d.Index(v) + 1
			}
			s.Indices[n] = k - 1
			present := 1
			if nullable && v == null {
				present = 0
			}
			n += present
			bitmap |= byte(present << i)
		}
		s.Bitmap[at/8] = bitmap
	}
	s.Rows, s.Indices = len(vals), s.Indices[:n]
}

// Encode puts the page of vals into s: its non-null rows and their numbers.
// Values equal to null are null where nullable is set.
func (d *IntDict[T]) Encode(s *Scratch, vals []T, nullable bool, null T) {
	present := d.Compact(s, vals, nullable, null)
	if len(present) == 0 {
		return
	}
	last, number := present[0], d.Index(present[0])
	for i, v := range present {
		if v != last {
			last, number = v, d.Index(v)
		}
		s.Indices[i] = number
	}
}

// Compact gives the non-null values of vals and marks their rows in s, but
// leaves s without indices. It is valid until the next call.
func (d *IntDict[T]) Compact(s *Scratch, vals []T, nullable bool, null T) []T {
	s.reset(len(vals))
	s.Rows = len(vals)
	if !nullable {
		return vals
	}
	if cap(d.compacted) < len(vals) {
		d.compacted = make([]T, len(vals))
	}
	out, n := d.compacted[:len(vals)], 0
	for at := 0; at < len(vals); at += 8 {
		var bitmap byte
		for i, v := range vals[at:min(at+8, len(vals))] {
			out[n] = v
			present := 1
			if v == null {
				present = 0
			}
			n += present
			bitmap |= byte(present << i)
		}
		s.Bitmap[at/8] = bitmap
	}
	s.Indices = s.Indices[:n]
	return out[:n]
}

// Scratch is a page of one column on its way into a chunk, and memory to make it in.
type Scratch struct {
	Rows    int
	Bitmap  []byte   // bit i: row i is not null; unused where no row is
	Indices []uint32 // of the non-null rows
	body    []byte
	packed  []byte
}

func (s *Scratch) reset(rows int) {
	s.Bitmap = grow(s.Bitmap[:0], (rows+7)/8)
	if cap(s.Indices) < rows {
		s.Indices = make([]uint32, rows)
	}
	s.Indices = s.Indices[:rows]
}
