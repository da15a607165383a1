package buckets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gosched/gosched/format/internal/flat"
)

// ErrNotSummary is wrapped by the errors about files that are no summary.
var ErrNotSummary = errors.New("not a gosched summary")

// ErrNewer is wrapped by the errors about summaries of a later version.
var ErrNewer = errors.New("summary of a newer gosched")

// ErrCorrupt is wrapped by the errors about summaries whose bytes are damaged.
var ErrCorrupt = flat.ErrCorrupt

// IsSummary says whether a file of size bytes is a summary, by its footer alone. Whether it can be
// read is for Open to say.
func IsSummary(r io.ReaderAt, size int64) (is bool) {
	defer func() {
		if recover() != nil { // a decoder of bytes that are no file of ours
			is = false
		}
	}()
	file, err := flat.Open(r, size)
	if err != nil {
		return false
	}
	_, is = file.Lookup(key)
	return is
}

// File is an opened summary.
type File struct {
	runs    []Recording
	file    *flat.File
	columns int
}

// Open opens a summary of size bytes.
func Open(r io.ReaderAt, size int64) (f *File, err error) {
	defer recoverCorrupt(&err)
	file, err := flat.Open(r, size)
	if err != nil {
		return nil, err
	}
	text, ok := file.Lookup(key)
	if !ok {
		return nil, fmt.Errorf("%w: Parquet, but without %s in its metadata", ErrNotSummary, key)
	}
	doc, err := parseDocument(text)
	if err != nil {
		return nil, err
	}
	columns, err := checkSchema(file)
	if err != nil {
		return nil, err
	}
	if file.Rows() > MaxRows {
		return nil, fmt.Errorf("%w: %d rows, where a summary has at most %d", ErrCorrupt, file.Rows(), MaxRows)
	}
	return &File{runs: doc.Recordings, file: file, columns: columns}, nil
}

// recoverCorrupt turns a panic of a decoder into an error: the bytes it got were no file of ours.
func recoverCorrupt(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, p)
	}
}

func parseDocument(text string) (*document, error) {
	if len(text) > maxDocumentBytes {
		return nil, fmt.Errorf("%w: %d bytes of metadata", ErrCorrupt, len(text))
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(text), &version); err != nil {
		return nil, fmt.Errorf("%w: decode %s: %w", ErrCorrupt, key, err)
	}
	switch {
	case version.Version < 1:
		return nil, fmt.Errorf("%w: version %d", ErrNotSummary, version.Version)
	case version.Version > Version:
		return nil, fmt.Errorf("%w: version %d, this gosched reads up to %d", ErrNewer, version.Version, Version)
	}
	doc := new(document)
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return nil, fmt.Errorf("%w: decode %s: %w", ErrCorrupt, key, err)
	}
	return doc, doc.check()
}

func (d *document) check() error {
	if len(d.Recordings) == 0 || len(d.Recordings) > MaxRecordings {
		return fmt.Errorf("%w: %d recordings", ErrCorrupt, len(d.Recordings))
	}
	seen := map[string]bool{}
	for _, r := range d.Recordings {
		if r.Name == "" || seen[r.Name] {
			return fmt.Errorf("%w: two recordings called %q, or one without a name", ErrCorrupt, r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// checkSchema checks that the file's columns are ours. Later versions append columns, so that those
// of an earlier one are the first of this one. It returns how many there are.
func checkSchema(file *flat.File) (int, error) {
	got, err := file.Columns()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotSummary, err)
	}
	ours := schema()
	if len(got) < leastColumns || len(got) > len(ours) || !slices.Equal(got, ours[:len(got)]) {
		return 0, fmt.Errorf("%w: its columns are not a summary's", ErrNotSummary)
	}
	return len(got), nil
}

// Recordings are the recordings in the file.
func (f *File) Recordings() []Recording { return f.runs }

// Rows calls each with every row, in the order of the file. The row is valid during the call only.
func (f *File) Rows(each func(*Row) error) (err error) {
	defer recoverCorrupt(&err)
	z, err := flat.NewDecompressor()
	if err != nil {
		return err
	}
	defer z.Close()
	for g := range f.file.Groups() {
		if err := f.group(z, g, each); err != nil {
			return err
		}
	}
	return nil
}

// group reads a row group.
func (f *File) group(z *flat.Decompressor, g int, each func(*Row) error) error {
	columns := make([]decoder, f.columns)
	for i := range columns {
		if err := columns[i].open(z, f.file, g, i); err != nil {
			return fmt.Errorf("column %s: %w", specs[i].name, err)
		}
		if len(columns[i].pages) != len(columns[0].pages) {
			return fmt.Errorf("%w: column %s has %d pages and not %d", ErrCorrupt, specs[i].name, len(columns[i].pages),
				len(columns[0].pages))
		}
	}
	for p, page := range columns[0].pages {
		for i := range columns {
			if err := columns[i].read(z, f.file, p, page.Rows); err != nil {
				return fmt.Errorf("column %s: %w", specs[i].name, err)
			}
		}
		row := EmptyRow
		for k := range page.Rows {
			for i := range columns {
				columns[i].set(&row, k)
			}
			if err := each(&row); err != nil {
				return err
			}
		}
	}
	return nil
}

// decoder reads a column of a row group.
type decoder struct {
	*spec
	pages   []flat.Page
	numbers []int64  // the dictionary of a number
	codes   []uint32 // the dictionary of a text: codes from 1 on
	texts   []string // by code; that of 0 is empty

	values []int64 // of the page
	coded  []uint32
}

func (d *decoder) open(z *flat.Decompressor, file *flat.File, g, i int) (err error) {
	d.spec = &specs[i]
	if d.pages, err = file.Pages(g, i); err != nil {
		return err
	}
	for _, p := range d.pages {
		if p.Rows > pageRows {
			return fmt.Errorf("%w: a page of %d rows", ErrCorrupt, p.Rows)
		}
	}
	if d.number != nil {
		d.numbers, err = flat.IntDictionary[int64](z, file, g, i)
		return err
	}
	return d.openTexts(z, file, g, i)
}

func (d *decoder) openTexts(z *flat.Decompressor, file *flat.File, g, i int) error {
	d.texts = []string{""}
	bytes := 0
	_, err := z.StringDictionary(file, g, i, func(_ int, s []byte) error {
		if bytes += len(s); len(s) > MaxTextBytes || bytes > maxDictionary {
			return fmt.Errorf("%w: texts of %d bytes", ErrCorrupt, bytes)
		}
		d.codes = append(d.codes, uint32(len(d.texts)))
		d.texts = append(d.texts, string(s))
		return nil
	})
	return err
}

// read decodes page p, which has to have as many rows as that of the other columns.
func (d *decoder) read(z *flat.Decompressor, file *flat.File, p, rows int) error {
	page := d.pages[p]
	if page.Rows != rows {
		return fmt.Errorf("%w: a page of %d rows beside one of %d", ErrCorrupt, page.Rows, rows)
	}
	if d.number != nil {
		d.values = slices.Grow(d.values[:0], rows)[:rows]
		return flat.ReadPage(z, file, page, d.nullable, d.numbers, Null, d.values)
	}
	d.coded = slices.Grow(d.coded[:0], rows)[:rows]
	return flat.ReadPage(z, file, page, d.nullable, d.codes, 0, d.coded)
}

// set gives the row its value in row k of the page.
func (d *decoder) set(r *Row, k int) {
	if d.number != nil {
		*d.number(r) = d.values[k]
		return
	}
	*d.text(r) = d.texts[d.coded[k]]
}
