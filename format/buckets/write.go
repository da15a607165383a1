package buckets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gosched/gosched/format/internal/flat"
)

// Version is the version of the files that this package writes.
const Version = 2

// key is where the file's metadata has the document.
const key = "gosched.summary"

// document is what the metadata says.
type document struct {
	Version    int         `json:"version"`
	Recordings []Recording `json:"recordings"`
}

// Recording is what is known of a recording as a whole.
type Recording struct {
	Name string          `json:"recording"` // as the rows have it: no two of a file are the same
	Info json.RawMessage `json:"info"`
}

// The limits of a file. A reader refuses what is beyond, so a writer does too.
const (
	MaxRecordings = 4096
	MaxRows       = 1 << 23
	MaxTextBytes  = 1 << 16

	maxDocumentBytes = 32 << 20
	maxDictionary    = 32 << 20 // bytes of the texts of one column in one row group
	pageRows         = 1 << 16
	groupRows        = 1 << 20
)

// level is the zstd effort: a summary is small and kept for long.
const level = 4

// Write writes a summary of these recordings. The rows of each are asked for once, and written as
// they come.
func Write(w io.Writer, runs []Recording, rows func(i int, add func(*Row) error) error) error {
	if len(runs) == 0 || len(runs) > MaxRecordings {
		return fmt.Errorf("write summary: %d recordings, where a file has at least 1 and at most %d", len(runs),
			MaxRecordings)
	}
	text, err := json.Marshal(document{Version, runs})
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	if len(text) > maxDocumentBytes {
		return errors.New("write summary: the recordings have too much metadata for one file")
	}
	out, err := newWriter(w)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	for i := range runs {
		if err := rows(i, out.add); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
		if err := out.flush(); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
	}
	return out.file.Close([]flat.KeyValue{{Key: key, Value: string(text)}}, "gosched")
}

// writer turns rows into row groups, each of one recording: a row group is in the order of its
// first column.
type writer struct {
	file    *flat.Writer
	zstd    *flat.Compressor
	pending []Row
	rows    int
}

func newWriter(w io.Writer) (*writer, error) {
	z, err := flat.NewCompressor(level)
	if err != nil {
		return nil, err
	}
	file, err := flat.NewWriter(w, schema())
	return &writer{file: file, zstd: z}, err
}

func (w *writer) add(r *Row) error {
	for i := range specs {
		if s := &specs[i]; s.text != nil {
			if n := len(*s.text(r)); n > MaxTextBytes {
				return fmt.Errorf("a %s of %d bytes is longer than %d", s.name, n, MaxTextBytes)
			}
		}
	}
	if w.rows++; w.rows > MaxRows {
		return fmt.Errorf("more than %d rows", MaxRows)
	}
	w.pending = append(w.pending, *r)
	if len(w.pending) == groupRows {
		return w.flush()
	}
	return nil
}

// flush writes the pending rows as a row group.
func (w *writer) flush() error {
	if len(w.pending) == 0 {
		return nil
	}
	var chunks []*flat.Chunk
	for i, col := range schema() {
		chunk, err := specs[i].chunk(w.zstd, col, w.pending)
		if err != nil {
			return fmt.Errorf("column %s: %w", col.Name, err)
		}
		chunks = append(chunks, chunk)
	}
	w.pending = w.pending[:0]
	return w.file.WriteGroup(w.zstd, chunks)
}

// chunk is the column of these rows.
func (s *spec) chunk(z *flat.Compressor, col flat.Column, rows []Row) (*flat.Chunk, error) {
	if s.text != nil {
		return s.textChunk(z, col, rows)
	}
	chunk, dict := flat.NewChunk(col), flat.NewIntDict[int64]()
	var scratch flat.Scratch
	for page := range pages(rows) {
		vals := make([]int64, len(page))
		for i := range page {
			vals[i] = *s.number(&page[i])
		}
		dict.Encode(&scratch, vals, flat.CountNulls(vals, Null), Null)
		if err := chunk.AddIndices(z, &scratch, len(dict.Values), flat.Bounds{}); err != nil {
			return nil, err
		}
	}
	flat.SetIntDictionary(chunk, dict.Values)
	return chunk, nil
}

// texts numbers the distinct texts of a column from 1; 0 is none.
type texts struct {
	list  []string
	codes map[string]uint32
	bytes int
}

func (t *texts) code(s string, nullable bool) uint32 {
	if s == "" && nullable {
		return 0
	}
	c, ok := t.codes[s]
	if !ok {
		t.list = append(t.list, s)
		t.bytes += len(s)
		c = uint32(len(t.list))
		t.codes[s] = c
	}
	return c
}

func (s *spec) textChunk(z *flat.Compressor, col flat.Column, rows []Row) (*flat.Chunk, error) {
	chunk, table := flat.NewChunk(col), texts{codes: map[string]uint32{}}
	var dict flat.CodeDict[uint32]
	var scratch flat.Scratch
	for page := range pages(rows) {
		codes := make([]uint32, len(page))
		for i := range page {
			codes[i] = table.code(*s.text(&page[i]), s.nullable)
		}
		if table.bytes > maxDictionary {
			return nil, fmt.Errorf("more than %d bytes of different texts", maxDictionary)
		}
		dict.Grow(len(table.list) + 1)
		dict.Encode(&scratch, codes, flat.CountNulls(codes, 0), 0)
		if err := chunk.AddIndices(z, &scratch, len(dict.Values), flat.Bounds{}); err != nil {
			return nil, err
		}
	}
	chunk.SetStringDictionary(len(dict.Values), func(i int) string { return table.list[dict.Values[i]-1] })
	return chunk, nil
}

// pages cuts rows into pages.
func pages(rows []Row) func(yield func([]Row) bool) {
	return func(yield func([]Row) bool) {
		for len(rows) > 0 {
			n := min(len(rows), pageRows)
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}
