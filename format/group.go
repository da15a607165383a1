package format

import (
	"fmt"

	"github.com/gosched/gosched/format/internal/flat"
)

// group is an opened row group: its dictionaries are in memory, its pages are
// not. A stripe is what lies between two page boundaries, in all columns.
type group struct {
	file     *flat.File
	number   int
	cols     ColumnSet // that can be decoded
	lacks    ColumnSet // that are wanted and that the file does not have: it is of an earlier version
	decoders [NumColumns]decoder
	pages    [NumColumns][]flat.Page
}

// openGroup reads what is needed to decode the columns given. Columns that the file does not have
// are null.
func openGroup(z *flat.Decompressor, file *flat.File, number int, cols ColumnSet, t tables) (*group, error) {
	g := &group{file: file, number: number}
	columns, err := file.Columns()
	if err != nil {
		return nil, err
	}
	for i := range min(len(columns), NumColumns) {
		if !cols.Has(Column(i)) {
			continue
		}
		src := chunkSource{z: z, file: file, group: number, column: i}
		if err := g.openColumn(Column(i), src, t); err != nil {
			return nil, fmt.Errorf("row group %d, column %s: %w", number, specs[i].name, err)
		}
	}
	for c := Column(len(columns)); c < NumColumns; c++ {
		g.lacks |= cols & Columns(c)
	}
	return g, g.checkStripes()
}

func (g *group) openColumn(c Column, src chunkSource, t tables) (err error) {
	if g.decoders[c], err = specs[c].field.decoder(src, t.of(c)); err != nil {
		return err
	}
	g.pages[c], err = src.file.Pages(src.group, src.column)
	g.cols |= Columns(c)
	return err
}

// checkStripes checks that all columns' pages are cut at the same rows.
func (g *group) checkStripes() error {
	stripes := g.anyPages()
	if stripes == nil {
		return fmt.Errorf("%w: row group %d without columns", flat.ErrCorrupt, g.number)
	}
	for c := range Column(NumColumns) {
		pages := g.pages[c]
		if !g.cols.Has(c) {
			continue
		}
		same := len(pages) == len(stripes)
		for p := 0; same && p < len(pages); p++ {
			same = pages[p].Row == stripes[p].Row && pages[p].Rows == stripes[p].Rows
		}
		if !same {
			return fmt.Errorf("%w: row group %d: pages of %s are not cut where others are", flat.ErrCorrupt, g.number,
				c)
		}
	}
	return nil
}

func (g *group) anyPages() []flat.Page {
	for _, pages := range g.pages {
		if pages != nil {
			return pages
		}
	}
	return nil
}

// stripes is the number of stripes.
func (g *group) stripes() int { return len(g.anyPages()) }

// decode decodes a stripe into b. Columns that the group was not opened for become nil.
func (g *group) decode(z *flat.Decompressor, stripe int, b *Batch) error {
	for c := range Column(NumColumns) {
		if !g.cols.Has(c) {
			specs[c].field.drop(b)
			if g.lacks.Has(c) {
				specs[c].field.resize(b, g.anyPages()[stripe].Rows)
			}
			continue
		}
		if err := g.decoders[c].decode(z, g.file, g.pages[c][stripe], b); err != nil {
			return fmt.Errorf("row group %d, column %s: %w", g.number, c, err)
		}
	}
	return nil
}

// bounds are the least and greatest value of column c in a stripe; ok is false where they are not
// known.
func (g *group) bounds(c Column, stripe int) (least, most int64, ok bool) {
	if !g.cols.Has(c) {
		return 0, 0, false
	}
	return intBounds(g.pages[c][stripe].Bounds)
}

func intBounds(b flat.Bounds) (least, most int64, ok bool) {
	least, ok1 := flat.Int(b.Min)
	most, ok2 := flat.Int(b.Max)
	return least, most, ok1 && ok2
}

// allNull says whether column c is known to be null in a whole stripe.
func (g *group) allNull(c Column, stripe int) bool {
	return !g.cols.Has(c) || g.pages[c][stripe].AllNull
}
