package format

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/format/internal/flat"
)

// ErrNotTrace is wrapped by the errors about files that are no trace of gosched.
var ErrNotTrace = errors.New("not a gosched trace")

// ErrNewer is wrapped by the errors about traces of a later schema version.
var ErrNewer = errors.New("trace of a newer gosched")

// ErrCorrupt is wrapped by the errors about traces whose bytes are damaged.
var ErrCorrupt = flat.ErrCorrupt

// input is a file of a trace.
type input struct {
	name string
	open func() (io.ReaderAt, int64, io.Closer, error)

	meta        Metadata
	segment     *segment // nil: the file says nothing of segments
	rows        int64
	first, last int64 // times of the first and last event, where rows > 0
}

// fileInput is the input of a path.
func fileInput(path string) *input {
	return &input{name: path, open: func() (io.ReaderAt, int64, io.Closer, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, nil, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, 0, nil, err
		}
		return f, info.Size(), f, nil
	}}
}

// Reader is a trace in Parquet files. It is safe for concurrent use.
type Reader struct {
	inputs []*input
	tables tables
	meta   Metadata
	rows   int64
}

// Open opens a trace: a file, a folder of segments (also what a killed recorder
// left), a glob, or several of these. Files of one recording become one trace.
// Recordings of one program on one host that follow each other in time do so
// too, with a gap between them. Others are refused: hosts have no common time,
// and what is found out about two programs is true of neither.
func Open(paths ...string) (*Reader, error) {
	var inputs []*input
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			inputs = append(inputs, fileInput(file))
		}
	}
	return newReader(inputs)
}

// NewReader opens a trace that is one Parquet file of size bytes in r. The name is for errors.
func NewReader(name string, r io.ReaderAt, size int64) (*Reader, error) {
	return newReader([]*input{{name: name, open: func() (io.ReaderAt, int64, io.Closer, error) {
		return r, size, io.NopCloser(nil), nil
	}}})
}

// expand gives the files that a path means.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return expandDir(path)
	case err == nil:
		return []string{path}, nil
	case strings.ContainsAny(path, "*?["):
		return expandGlob(path)
	}
	if left, e := os.Stat(path + partialSuffix); e == nil && left.IsDir() {
		return nil, fmt.Errorf("open trace: no file %s, but a recorder that did not end left segments in %s", path,
			path+partialSuffix)
	}
	return nil, fmt.Errorf("open trace: %w", err)
}

func expandDir(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(globQuote(dir), "*"+segmentSuffix))
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("open trace: %w: no *%s in %s", ErrNotTrace, segmentSuffix, dir)
	}
	return files, nil
}

// globQuote makes a folder's name match itself alone.
func globQuote(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func expandGlob(pattern string) ([]string, error) {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("open trace: %s: %w", pattern, err)
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("open trace: no file matches %s", pattern)
	}
	var files []string
	for _, m := range matches {
		f, err := expand(m)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
	return files, nil
}

// newReader reads what the inputs say of themselves and puts them in order.
func newReader(inputs []*input) (*Reader, error) {
	if len(inputs) == 0 {
		return nil, errors.New("open trace: no file given")
	}
	r := &Reader{inputs: inputs, tables: newTables()}
	for _, in := range inputs {
		if err := in.summarize(); err != nil {
			return nil, fmt.Errorf("open trace: %s: %w", in.name, err)
		}
		r.rows += in.rows
	}
	if err := r.arrange(); err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	r.meta = mergeMetadata(r.inputs)
	return r, nil
}

// openFlat opens the input as Parquet and checks that it is a trace of a known version.
func (in *input) openFlat() (*flat.File, io.Closer, error) {
	r, size, closer, err := in.open()
	if err != nil {
		return nil, nil, err
	}
	file, err := openTrace(r, size)
	if err != nil {
		closer.Close()
		return nil, nil, err
	}
	return file, closer, nil
}

func openTrace(r io.ReaderAt, size int64) (file *flat.File, err error) {
	defer recoverCorrupt(&err)
	if file, err = flat.Open(r, size); err != nil {
		return nil, err
	}
	if err := checkVersion(file); err != nil {
		return nil, err
	}
	return file, checkSchema(file)
}

// recoverCorrupt turns a panic of a decoder into an error: the bytes it got were no file of ours.
func recoverCorrupt(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, p)
	}
}

func checkVersion(file *flat.File) error {
	v, ok := file.Lookup(keyVersion)
	if _, summary := file.Lookup(keySummary); !ok && summary {
		return fmt.Errorf("%w: it is a summary of recordings", ErrNotTrace)
	}
	if !ok {
		return fmt.Errorf("%w: Parquet, but without %s in its metadata", ErrNotTrace, keyVersion)
	}
	version, err := strconv.Atoi(v)
	switch {
	case err != nil || version < 1:
		return fmt.Errorf("%w: schema version %q", ErrNotTrace, v)
	case version > SchemaVersion:
		return fmt.Errorf("%w: schema version %d, this gosched reads up to %d", ErrNewer, version, SchemaVersion)
	}
	return nil
}

// checkSchema checks that the file's columns are ours. Later versions append
// columns, so that those of an earlier one are the first of this one.
func checkSchema(file *flat.File) error {
	got, err := file.Columns()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotTrace, err)
	}
	want := schemaColumns()
	if !slices.Equal(got, want[:min(len(got), len(want))]) || len(got) < version1Columns {
		return fmt.Errorf("%w: its columns are not a trace's", ErrNotTrace)
	}
	return nil
}

// version1Columns is the number of columns of schema version 1.
const version1Columns = 14

// summarize fills in what the input says of itself.
func (in *input) summarize() error {
	file, closer, err := in.openFlat()
	if err != nil {
		return err
	}
	defer closer.Close()
	if err := lookupJSON(file, keyMetadata, &in.meta); err != nil {
		return err
	}
	if _, ok := file.Lookup(keySegment); ok {
		in.segment = new(segment)
		if err := lookupJSON(file, keySegment, in.segment); err != nil {
			return err
		}
	}
	in.rows = file.Rows()
	return in.readBounds(file)
}

func lookupJSON(file *flat.File, key string, v any) error {
	s, ok := file.Lookup(key)
	if !ok {
		return fmt.Errorf("%w: no %s in its metadata", ErrNotTrace, key)
	}
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("%w: decode %s: %w", ErrCorrupt, key, err)
	}
	return nil
}

// readBounds takes the times of the first and last event from the row groups' statistics.
func (in *input) readBounds(file *flat.File) error {
	before := int64(minTime)
	for g := range file.Groups() {
		b, _ := file.ChunkBounds(g, int(ColTime))
		first, last, ok := intBounds(b)
		if !ok || first < before || last < first {
			return fmt.Errorf("%w: row group %d is not in time order", ErrCorrupt, g)
		}
		if g == 0 {
			in.first = first
		}
		in.last, before = last, last
	}
	return nil
}

// arrange orders the inputs in time and says why where that cannot be done.
func (r *Reader) arrange() error {
	slices.SortStableFunc(r.inputs, compareInputs)
	for i := 1; i < len(r.inputs); i++ {
		a, b := r.inputs[i-1], r.inputs[i]
		if a.sameRecording(b) {
			if b.segment.First <= a.segment.Last {
				return fmt.Errorf("%s and %s hold the same part of a recording", a.name, b.name)
			}
			continue
		}
		if a.meta.Host != b.meta.Host {
			return fmt.Errorf("%s is of host %q and %s of host %q: their clocks differ, read them one at a time",
				a.name, a.meta.Host, b.name, b.meta.Host)
		}
		if !sameProgram(a.meta.Processes, b.meta.Processes) {
			return fmt.Errorf("%s is a recording of %s and %s of %s: they are different programs or builds, read "+
				"them one "+
				"at a time", a.name, programs(a.meta.Processes), b.name, programs(b.meta.Processes))
		}
		if b.begin() < a.end() {
			return fmt.Errorf("%s and %s are different recordings of the same time, read them one at a time", a.name,
				b.name)
		}
	}
	return nil
}

// sameProgram says whether recordings may be read as one: they have a program in common, or of one
// nothing is known.
func sameProgram(a, b []Process) bool {
	for i := range a {
		for k := range b {
			if a[i].sameProgram(&b[k]) {
				return true
			}
		}
	}
	return len(a) == 0 || len(b) == 0
}

// programs names the programs of processes, each once.
func programs(processes []Process) string {
	var names []string
	for _, p := range processes {
		name := p.Executable
		if name == "" {
			name = p.Command
		}
		if p.BuildID != "" {
			name += " (build " + p.BuildID[:min(12, len(p.BuildID))] + ")"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// compareInputs orders by time, and the segments of a recording by number.
func compareInputs(a, b *input) int {
	if a.sameRecording(b) {
		return cmp.Compare(a.segment.First, b.segment.First)
	}
	return cmp.Or(cmp.Compare(a.begin(), b.begin()), cmp.Compare(a.end(), b.end()), strings.Compare(a.name, b.name))
}

func (in *input) sameRecording(other *input) bool {
	return in.segment != nil && other.segment != nil && in.segment.Recording == other.segment.Recording
}

// begin is when the input's recording began, or its first event if that is earlier.
func (in *input) begin() int64 {
	if in.rows > 0 && (in.meta.StartNS == 0 || in.first < in.meta.StartNS) {
		return in.first
	}
	return in.meta.StartNS
}

// end is when the input's recording ended, as far as the input knows.
func (in *input) end() int64 {
	if in.rows > 0 {
		return max(in.meta.EndNS, in.last)
	}
	return max(in.meta.EndNS, in.meta.StartNS)
}

// Metadata describes the recording.
func (r *Reader) Metadata() Metadata { return r.meta }

// Rows is the number of events.
func (r *Reader) Rows() int64 { return r.rows }

// Bounds are the times of the first and the last event, zero where there are none.
func (r *Reader) Bounds() (firstNS, lastNS int64) {
	found := false
	for _, in := range r.inputs {
		if in.rows == 0 {
			continue
		}
		if !found {
			firstNS, found = in.first, true
		}
		lastNS = in.last
	}
	return firstNS, lastNS
}

// Reasons is the table of the reasons of the batches read.
func (r *Reader) Reasons() *Strings { return r.tables.reasons }

// Stacks is the table of the stacks of the batches read.
func (r *Reader) Stacks() *Strings { return r.tables.stacks }

var _ Trace = (*Reader)(nil)
