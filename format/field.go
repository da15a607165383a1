package format

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gosched/gosched/format/internal/flat"
)

// field is a column's place in a Batch. A slice shorter than the batch is all
// null, so that a batch need not have columns that nobody uses.
type field interface {
	// length is the number of rows that the batch has in this column.
	length(b *Batch) int
	// resize makes the column n rows long; new rows are null.
	resize(b *Batch, n int)
	// drop makes the column nil.
	drop(b *Batch)
	// appendRows appends rows [lo, hi) of src to dst, which has rows rows.
	appendRows(dst *Batch, rows int, src *Batch, lo, hi int)
	// keep moves the rows given, ascending, to the front and drops the others.
	keep(b *Batch, rows []int32)
	// window sets the column of dst to rows [lo, hi) of src, sharing memory.
	window(dst, src *Batch, lo, hi int)
	// null says whether row i is null.
	null(b *Batch, i int) bool
	// text appends row i, which is not null, as the text twin writes it, but for quotes.
	text(dst []byte, b *Batch, i int, table *Strings) []byte
	// parse sets row i to what text wrote.
	parse(b *Batch, i int, s string, table *Strings) error
	// encoder makes the column's chunks.
	encoder(col flat.Column, table *Strings) encoder
	// decoder opens the column of a row group.
	decoder(src chunkSource, table *Strings) (decoder, error)
}

// value is any type that a column of a Batch has.
type value interface {
	~int32 | ~int64 | ~uint8 | ~uint32
}

// slot is what fields of all types have in common.
type slot[T value] struct {
	of       func(*Batch) *[]T
	none     T
	nullable bool
}

func (f slot[T]) length(b *Batch) int { return len(*f.of(b)) }

func (f slot[T]) drop(b *Batch) { *f.of(b) = nil }

func (f slot[T]) resize(b *Batch, n int) {
	p := f.of(b)
	old := len(*p)
	if n <= old {
		*p = (*p)[:n]
		return
	}
	*p = slices.Grow(*p, n-old)[:n]
	for i := old; i < n; i++ {
		(*p)[i] = f.none
	}
}

func (f slot[T]) appendRows(dst *Batch, rows int, src *Batch, lo, hi int) {
	from := *f.of(src)
	if len(from) == 0 {
		f.resize(dst, rows+hi-lo)
		return
	}
	p := f.of(dst)
	*p = append(*p, from[lo:hi]...)
}

func (f slot[T]) keep(b *Batch, rows []int32) {
	p := f.of(b)
	if *p == nil {
		return
	}
	for to, from := range rows {
		(*p)[to] = (*p)[from]
	}
	*p = (*p)[:len(rows)]
}

func (f slot[T]) window(dst, src *Batch, lo, hi int) {
	from := *f.of(src)
	if len(from) == 0 {
		f.drop(dst)
		return
	}
	*f.of(dst) = from[lo:hi:hi]
}

func (f slot[T]) null(b *Batch, i int) bool {
	v := *f.of(b)
	return i >= len(v) || f.nullable && v[i] == f.none
}

func (f slot[T]) set(b *Batch, i int, v T) { (*f.of(b))[i] = v }

// chunkSource is a column of a row group in a file.
type chunkSource struct {
	z      *flat.Decompressor
	file   *flat.File
	group  int
	column int
}

// decoder decodes a column's pages of one row group.
type decoder interface {
	decode(z *flat.Decompressor, file *flat.File, p flat.Page, b *Batch) error
}

// opened is a decoder: the dictionary in memory, as values of the column.
type opened[T value] struct {
	slot       slot[T]
	dictionary []T
}

func (o opened[T]) decode(z *flat.Decompressor, file *flat.File, p flat.Page, b *Batch) error {
	at := o.slot.of(b)
	*at = slices.Grow((*at)[:0], p.Rows)[:p.Rows]
	return flat.ReadPage(z, file, p, o.slot.nullable, o.dictionary, o.slot.none, *at)
}

// integer is a type of a column of numbers.
type integer interface {
	~int32 | ~int64
}

// intField is a column of numbers.
type intField[T integer] struct{ slot[T] }

func (f intField[T]) text(dst []byte, b *Batch, i int, _ *Strings) []byte {
	return strconv.AppendInt(dst, int64((*f.of(b))[i]), 10)
}

func (f intField[T]) parse(b *Batch, i int, s string, _ *Strings) error {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || int64(T(v)) != v {
		return fmt.Errorf("%q is not a number in range", s)
	}
	if f.nullable && T(v) == f.none {
		return fmt.Errorf("%d stands for null, leave it out", v)
	}
	f.set(b, i, T(v))
	return nil
}

func (f intField[T]) decoder(src chunkSource, _ *Strings) (decoder, error) {
	dictionary, err := flat.IntDictionary[T](src.z, src.file, src.group, src.column)
	return opened[T]{f.slot, dictionary}, err
}

// enumField is a column of names from a fixed list.
type enumField[T Kind | State] struct {
	slot[T]
	name   func(T) string
	lookup func(string) (T, bool)
	count  int
}

func (f enumField[T]) text(dst []byte, b *Batch, i int, _ *Strings) []byte {
	return append(dst, f.name((*f.of(b))[i])...)
}

func (f enumField[T]) parse(b *Batch, i int, s string, _ *Strings) error {
	v, ok := f.lookup(s)
	if !ok {
		return fmt.Errorf("unknown value %q", s)
	}
	f.set(b, i, v)
	return nil
}

func (f enumField[T]) decoder(src chunkSource, _ *Strings) (decoder, error) {
	var dictionary []T
	_, err := src.z.StringDictionary(src.file, src.group, src.column, func(_ int, s []byte) error {
		v, ok := f.lookup(string(s))
		if !ok {
			return fmt.Errorf("unknown value %q", s)
		}
		dictionary = append(dictionary, v)
		return nil
	})
	return opened[T]{f.slot, dictionary}, err
}

// stringField is a column of numbers in a table of strings.
type stringField struct{ slot[StringID] }

func (f stringField) text(dst []byte, b *Batch, i int, table *Strings) []byte {
	return append(dst, table.Lookup((*f.of(b))[i])...)
}

func (f stringField) parse(b *Batch, i int, s string, table *Strings) error {
	if s == "" {
		return fmt.Errorf("empty text stands for null, leave it out")
	}
	f.set(b, i, table.Intern(s))
	return nil
}

func (f stringField) decoder(src chunkSource, table *Strings) (decoder, error) {
	var dictionary []StringID
	_, err := src.z.StringDictionary(src.file, src.group, src.column, func(_ int, s []byte) error {
		id, err := table.internBytes(s)
		dictionary = append(dictionary, id)
		return err
	})
	return opened[StringID]{f.slot, dictionary}, err
}

// The fields of the columns.
var (
	timeField = deltaField{intField[int64]{slot[int64]{of: func(b *Batch) *[]int64 { return &b.TimeNS }}}}
	kindField = enumField[Kind]{slot[Kind]{of: func(b *Batch) *[]Kind { return &b.Kind }}, Kind.String, parseKind,
		NumKinds}
	pidField     = int32Field(func(b *Batch) *[]int32 { return &b.PID })
	tidField     = int32Field(func(b *Batch) *[]int32 { return &b.TID })
	cpuField     = int32Field(func(b *Batch) *[]int32 { return &b.CPU })
	procField    = int32Field(func(b *Batch) *[]int32 { return &b.Proc })
	goidField    = goIDField(func(b *Batch) *[]GoID { return &b.GoID })
	fromField    = stateField(func(b *Batch) *[]State { return &b.From })
	toField      = stateField(func(b *Batch) *[]State { return &b.To })
	reasonField  = stringColumn(func(b *Batch) *[]StringID { return &b.Reason })
	stackField   = stringColumn(func(b *Batch) *[]StringID { return &b.Stack })
	byGoIDField  = goIDField(func(b *Batch) *[]GoID { return &b.ByGoID })
	byStackField = stringColumn(func(b *Batch) *[]StringID { return &b.ByStack })
	objectField  = intField[int64]{slot[int64]{of: func(b *Batch) *[]int64 { return &b.Object }, nullable: true}}
	sinceField   = intField[int64]{slot[int64]{of: func(b *Batch) *[]int64 { return &b.SinceNS }, nullable: true}}
	weightField  = intField[int32]{slot[int32]{of: func(b *Batch) *[]int32 { return &b.Weight }, nullable: true}}
	endField     = intField[int64]{slot[int64]{of: func(b *Batch) *[]int64 { return &b.EndNS }, nullable: true}}
)

func int32Field(of func(*Batch) *[]int32) field {
	return intField[int32]{slot[int32]{of: of, none: Unknown, nullable: true}}
}

func goIDField(of func(*Batch) *[]GoID) field {
	return intField[GoID]{slot[GoID]{of: of, none: NoGoroutine, nullable: true}}
}

func stateField(of func(*Batch) *[]State) field {
	return enumField[State]{slot[State]{of: of, none: StateUnknown, nullable: true}, State.String, parseState,
		len(stateSpecs)}
}

func stringColumn(of func(*Batch) *[]StringID) field {
	return stringField{slot[StringID]{of: of, none: NullString, nullable: true}}
}
