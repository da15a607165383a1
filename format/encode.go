package format

import (
	"fmt"
	"slices"

	"github.com/gosched/gosched/format/internal/flat"
)

// maxDictionary is the number of distinct integers from which on a column's
// pages are stored as differences: indices would take three bytes.
const maxDictionary = 1 << 16

// encoder turns a column's pages into a chunk.
type encoder interface {
	// encode encodes all rows of b as a page.
	encode(z *flat.Compressor, s *flat.Scratch, b *Batch) error
	// finish completes the chunk.
	finish() *flat.Chunk
	// reset begins the next row group.
	reset()
	// memory is about the number of bytes that the chunk and its dictionary will take.
	memory() int
}

// intEncoder encodes integers as indices into a dictionary, and as differences from the page on
// that makes it too large.
type intEncoder[T integer] struct {
	slot   slot[T]
	chunk  *flat.Chunk
	dict   *flat.IntDict[T]
	fixed  bool // int32: never as differences
	deltas bool // no dictionary (any more)
	wide   []int64
	bounds flat.Bounds
}

func (f intField[T]) encoder(col flat.Column, _ *Strings) encoder {
	return &intEncoder[T]{slot: f.slot, chunk: flat.NewChunk(col), dict: flat.NewIntDict[T](),
		fixed: col.Type == flat.Int32}
}

func (e *intEncoder[T]) encode(z *flat.Compressor, s *flat.Scratch, b *Batch) error {
	vals := *e.slot.of(b)
	if e.fixed { // few values: the dictionary gives the chunk's bounds, the pages need none
		nulls := flat.CountNulls(vals, e.slot.none)
		e.dict.Encode(s, vals, nulls, e.slot.none)
		return e.chunk.AddIndices(z, s, len(e.dict.Values), flat.Bounds{})
	}
	bounds, nulls := flat.IntBounds(vals, e.slot.nullable, e.slot.none)
	e.bounds = flat.Join(e.bounds, bounds)
	if e.deltas {
		return e.addDeltas(z, s, vals, nulls, bounds)
	}
	e.dict.Encode(s, vals, nulls, e.slot.none)
	e.deltas = len(e.dict.Values) > maxDictionary
	return e.chunk.AddIndices(z, s, len(e.dict.Values), bounds)
}

func (e *intEncoder[T]) addDeltas(z *flat.Compressor, s *flat.Scratch, vals []T, nulls int, bounds flat.Bounds) error {
	present := e.dict.Compact(s, vals, nulls, e.slot.none)
	e.wide = slices.Grow(e.wide[:0], len(present))[:len(present)]
	for i, v := range present {
		e.wide[i] = int64(v)
	}
	return e.chunk.AddDelta(z, s, e.wide, bounds)
}

func (e *intEncoder[T]) finish() *flat.Chunk {
	flat.SetIntDictionary(e.chunk, e.dict.Values)
	if e.fixed {
		e.bounds, _ = flat.IntBounds(e.dict.Values, false, 0)
	}
	e.chunk.SetBounds(e.bounds)
	return e.chunk
}

func (e *intEncoder[T]) reset() {
	e.chunk.Reset()
	e.dict.Reset()
	e.deltas, e.bounds = false, flat.Bounds{}
}

func (e *intEncoder[T]) memory() int { return e.chunk.Size() + 8*len(e.dict.Values) }

// deltaField is a column of numbers that has no dictionary.
type deltaField struct{ intField[int64] }

func (f deltaField) encoder(col flat.Column, _ *Strings) encoder {
	return &deltaEncoder{intEncoder[int64]{slot: f.slot, chunk: flat.NewChunk(col), dict: flat.NewIntDict[int64](),
		deltas: true}}
}

type deltaEncoder struct{ intEncoder[int64] }

func (e *deltaEncoder) reset() {
	e.intEncoder.reset()
	e.deltas = true
}

// codeEncoder encodes codes, each with a text, as indices into a dictionary of the texts.
type codeEncoder[T Kind | State | StringID] struct {
	slot  slot[T]
	chunk *flat.Chunk
	dict  flat.CodeDict[T]
	text  func(T) string
	limit func() int // codes are below it
	bytes int        // of the dictionary's texts
	seen  int        // entries counted in bytes
}

func (f enumField[T]) encoder(col flat.Column, _ *Strings) encoder {
	e := &codeEncoder[T]{slot: f.slot, chunk: flat.NewChunk(col), text: f.name, limit: func() int { return f.count }}
	e.reset()
	return e
}

func (f stringField) encoder(col flat.Column, table *Strings) encoder {
	e := &codeEncoder[StringID]{slot: f.slot, chunk: flat.NewChunk(col), text: table.Lookup, limit: table.Len}
	e.reset()
	return e
}

func (e *codeEncoder[T]) encode(z *flat.Compressor, s *flat.Scratch, b *Batch) error {
	vals := *e.slot.of(b)
	limit := e.limit()
	e.dict.Grow(limit)
	nulls, err := e.check(vals, limit)
	if err != nil {
		return err
	}
	e.dict.Encode(s, vals, nulls, e.slot.none)
	for ; e.seen < len(e.dict.Values); e.seen++ {
		e.bytes += len(e.text(e.dict.Values[e.seen])) + 4
	}
	return e.chunk.AddIndices(z, s, len(e.dict.Values), flat.Bounds{})
}

// check counts the nulls of vals, and says which code is none of those below limit.
func (e *codeEncoder[T]) check(vals []T, limit int) (nulls int, err error) {
	var most T
	for _, c := range vals {
		most = max(most, c)
	}
	if len(vals) > 0 && int64(most) >= int64(limit) {
		return 0, fmt.Errorf("value %d in a column that has %d", most, limit)
	}
	if e.slot.nullable {
		nulls = flat.CountNulls(vals, e.slot.none)
	}
	return nulls, nil
}

func (e *codeEncoder[T]) finish() *flat.Chunk {
	e.chunk.SetStringDictionary(len(e.dict.Values), func(i int) string { return e.text(e.dict.Values[i]) })
	return e.chunk
}

func (e *codeEncoder[T]) reset() {
	e.chunk.Reset()
	e.dict.Reset(e.limit())
	e.bytes, e.seen = 0, 0
}

func (e *codeEncoder[T]) memory() int { return e.chunk.Size() + e.bytes }
