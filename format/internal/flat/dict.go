package flat

import (
	"math/bits"
	"slices"
)

// integer is any type whose values a dictionary may hold.
type integer interface {
	~int32 | ~int64
}

// IntDict numbers distinct integers, page by page. Make it with NewIntDict.
type IntDict[T integer] struct {
	Values []T
	slots  []slot[T] // a power of two long, at least twice as many as values
	shift  int

	recent  [recentSlots]slot[T] // by the value's low bits, what was looked up last
	present []T
}

const recentSlots = 256

// slot is a place in a dictionary's hash table.
type slot[T integer] struct {
	value  T
	number uint32 // index into Values + 1, 0 = free
}

const minSlots = 256

// NewIntDict gives an empty dictionary.
func NewIntDict[T integer]() *IntDict[T] {
	d := new(IntDict[T])
	d.resize(minSlots)
	d.forget()
	return d
}

// forget makes every recent slot hold a value that would not be there.
func (d *IntDict[T]) forget() {
	for i := range d.recent {
		d.recent[i] = slot[T]{value: T(i + 1)}
	}
}

// Reset empties the dictionary.
func (d *IntDict[T]) Reset() {
	d.Values = d.Values[:0]
	clear(d.slots)
	d.forget()
}

func (d *IntDict[T]) resize(size int) {
	d.slots = make([]slot[T], size)
	d.shift = 64 - bits.TrailingZeros(uint(size))
}

func (d *IntDict[T]) hash(v T) int {
	return int((uint64(v) * 0x9E3779B97F4A7C15) >> d.shift)
}

// Index is the number of v, a new one where v is new.
func (d *IntDict[T]) Index(v T) uint32 {
	s := d.find(v)
	if s.number == 0 {
		return d.insert(v, s)
	}
	return s.number - 1
}

// find gives the slot of v, a free one where v is new.
func (d *IntDict[T]) find(v T) *slot[T] {
	mask := len(d.slots) - 1
	for i := d.hash(v); ; i = (i + 1) & mask {
		if s := &d.slots[i]; s.value == v || s.number == 0 {
			return s
		}
	}
}

// insert gives v a number, in a free slot.
func (d *IntDict[T]) insert(v T, s *slot[T]) uint32 {
	d.Values = append(d.Values, v)
	*s = slot[T]{v, uint32(len(d.Values))}
	if 2*len(d.Values) > len(d.slots) {
		d.rehash()
	}
	return uint32(len(d.Values)) - 1
}

func (d *IntDict[T]) rehash() {
	d.resize(2 * len(d.slots))
	for k, v := range d.Values {
		i := d.hash(v)
		for d.slots[i].number != 0 {
			i = (i + 1) & (len(d.slots) - 1)
		}
		d.slots[i] = slot[T]{v, uint32(k) + 1}
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

// insert gives v a number. v is below the limit that Grow was last told.
func (d *CodeDict[T]) insert(v T) uint32 {
	d.Values = append(d.Values, v)
	d.number[v] = uint32(len(d.Values))
	return uint32(len(d.Values))
}

// Encode puts the page of vals, of which nulls are null, into s: its non-null
// rows and their numbers.
func (d *CodeDict[T]) Encode(s *Scratch, vals []T, nulls int, null T) {
	s.reset(len(vals), len(vals)-nulls)
	switch {
	case nulls == len(vals):
	case nulls > 0:
		d.encodeSparse(s, vals, null)
	case same(vals):
		s.Same = true
		d.encodeDense(s.Indices[:1], vals[:1])
	default:
		d.encodeDense(s.Indices, vals)
	}
}

func (d *CodeDict[T]) encodeDense(indices []uint32, vals []T) {
	indices = indices[:len(vals)]
	for i, v := range vals {
		k := d.number[v]
		if k == 0 {
			k = d.insert(v)
		}
		indices[i] = k - 1
	}
}

// encodeSparse is Encode where some are null. It has no branch on which,
// because no processor can guess it: what is written for a null is overwritten
// by the next value.
func (d *CodeDict[T]) encodeSparse(s *Scratch, vals []T, null T) {
	held := d.number[null]
	d.number[null] = 1 // any number
	indices, n := s.Indices[:len(vals)], 0
	for at := 0; at < len(vals); at += 8 {
		var bitmap byte
		for i, v := range vals[at:min(at+8, len(vals))] {
			k := d.number[v]
			if k == 0 {
				k = d.insert(v)
			}
			indices[n] = k - 1
			present := 1
			if v == null {
				present = 0
			}
			n += present
			bitmap |= byte(present << i)
		}
		s.Bitmap[at/8] = bitmap
	}
	d.number[null] = held
}

// Encode puts the page of vals, of which nulls are null, into s: its non-null
// rows and their numbers.
func (d *IntDict[T]) Encode(s *Scratch, vals []T, nulls int, null T) {
	present := d.Compact(s, vals, nulls, null)
	indices := s.Indices[:len(present)]
	if len(present) > 0 && same(present) {
		s.Same = true
		indices[0] = d.Index(present[0])
		return
	}
	known := len(d.Values)
	for i, v := range present {
		r := &d.recent[uint8(v)]
		if r.value != v {
			*r = slot[T]{v, d.Index(v)}
		}
		indices[i] = r.number
	}
	d.sortNew(known, indices)
}

// sortNew numbers the values from known on, which are those new in a page, in
// ascending order instead of that of appearance, in indices too. The ids of
// goroutines then follow each other in the dictionary, which halves it in zstd.
func (d *IntDict[T]) sortNew(known int, indices []uint32) {
	values := d.Values[known:]
	if slices.IsSorted(values) {
		return
	}
	appeared := slices.Clone(values)
	slices.Sort(values)
	for k, v := range values {
		d.find(v).number = uint32(known+k) + 1
	}
	number := make([]uint32, len(appeared))
	for k, v := range appeared {
		number[k] = d.find(v).number - 1
	}
	for i, k := range indices {
		if int(k) >= known {
			indices[i] = number[int(k)-known]
		}
	}
	d.forget()
}

// same says whether all of v, at least one, are equal.
func same[T integerOrCode](v []T) bool {
	for _, x := range v {
		if x != v[0] {
			return false
		}
	}
	return true
}

// Compact gives the values of vals that are not null, as nulls are, and marks
// their rows in s, but leaves s without indices. It is valid until the next call.
func (d *IntDict[T]) Compact(s *Scratch, vals []T, nulls int, null T) []T {
	s.reset(len(vals), len(vals)-nulls)
	switch nulls {
	case 0:
		return vals
	case len(vals):
		return nil
	}
	if cap(d.present) < len(vals) {
		d.present = make([]T, len(vals))
	}
	out, n := d.present[:len(vals)], 0
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
	return out[:n]
}

// Scratch is a page of one column on its way into a chunk, and memory to make it in.
type Scratch struct {
	Rows    int
	Bitmap  []byte   // bit i: row i is not null; unused where none or all are
	Indices []uint32 // of the non-null rows
	Same    bool     // all of Indices are equal, and only the first is filled in
	body    []byte
	packed  []byte
}

func (s *Scratch) reset(rows, values int) {
	s.Rows, s.Same = rows, false
	s.Bitmap = grow(s.Bitmap[:0], (rows+7)/8)
	if cap(s.Indices) < rows {
		s.Indices = make([]uint32, rows)
	}
	s.Indices = s.Indices[:values]
}

// CountNulls is how many of vals are null.
func CountNulls[T integerOrCode](vals []T, null T) int {
	n := 0
	for _, v := range vals {
		if v == null {
			n++
		}
	}
	return n
}
