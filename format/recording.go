package format

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RecordingOptions tune a Recording. The zero value is what a recorder wants.
type RecordingOptions struct {
	SegmentDuration time.Duration    // how much a killed recorder may lose, 1 s if zero
	SegmentRows     int              // events a segment at most, about a million if zero
	Writer          WriterOptions    // how segments are written
	Now             func() time.Time // the clock for SegmentDuration, time.Now if nil
}

func (o RecordingOptions) withDefaults() RecordingOptions {
	if o.SegmentDuration <= 0 {
		o.SegmentDuration = time.Second
	}
	if o.SegmentRows <= 0 {
		o.SegmentRows = defaultGroupRows
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// segment says which part of a recording a file is.
type segment struct {
	Recording string `json:"recording"` // the same in all files of a recording
	First     int    `json:"first"`     // the file's segments, counted from 1
	Last      int    `json:"last"`
	Final     bool   `json:"final"` // the recording ended with this file
	// its rows say how things stood after the segments up to here, which are gone
	Head bool `json:"head,omitempty"`
	Kept bool `json:"kept,omitempty"` // only a part of the recording is
}

const (
	segmentPrefix = "gosched-"
	segmentSuffix = ".parquet"
	partialSuffix = ".partial"
	tempSuffix    = ".tmp"
)

// Recording writes a trace in finished segments, each a whole Parquet file, so
// that a killed recorder loses one segment at most. It is not safe for
// concurrent use.
//
// A segment is written under another name and renamed when it is whole. It
// survives the recorder's death, not the machine's: only what Close leaves is
// synced to the disk.
type Recording struct {
	target string // file to join the segments into, "" if they stay
	dir    string // where the segments are
	id     string
	opts   RecordingOptions
	meta   Metadata

	writer *Writer
	file   *os.File
	buf    *bufio.Writer
	began  time.Time // of the first event of the segment in the making
	done   []string  // finished segments
	next   int       // number of the segment in the making
	rows   int64     // events in finished segments
	bytes  int64     // in finished segments
	failed error     // what ended the recording
}

// Create begins a recording at path. Where path ends in a slash or is a
// folder, the segments stay in that folder; else they are in path.partial
// until Close joins them into the one file path. Files are readable by their
// owner only.
//
// What can be wrong with path is found now, before anything is recorded.
func Create(path string, meta Metadata, opts RecordingOptions) (*Recording, error) {
	r := &Recording{opts: opts.withDefaults(), meta: meta, next: 1, id: newID()}
	if err := r.place(path); err != nil {
		return nil, err
	}
	w, err := NewWriter(discard{}, r.opts.Writer)
	if err != nil {
		return nil, err
	}
	r.writer = w
	return r, r.beginSegment()
}

// discard is where a writer writes that has no file yet.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, crypto/rand since go1.24
	return hex.EncodeToString(b[:])
}

// place makes the folder for the segments.
func (r *Recording) place(path string) error {
	info, err := os.Stat(path)
	isDir := err == nil && info.IsDir()
	switch {
	case path == "":
		return errors.New("create trace: no path given")
	case err == nil && !isDir && !info.Mode().IsRegular():
		return fmt.Errorf("create trace: %s is neither a file nor a folder", path)
	case isDir || strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)):
		r.dir = path
	default:
		r.target, r.dir = path, path+partialSuffix
	}
	parent := filepath.Dir(filepath.Clean(r.dir))
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return fmt.Errorf("create trace: no folder %s", parent)
	}
	create := makeFolder
	if r.target != "" {
		create = makePartial
	}
	if err := create(r.dir); err != nil {
		return fmt.Errorf("create trace: %w", err)
	}
	return checkEmpty(r.dir)
}

// checkEmpty is an error where a folder holds Parquet files: its reader takes each for a segment.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("create trace: %w", err)
	}
	segments, others := 0, 0
	for _, e := range entries {
		switch name := e.Name(); {
		case !strings.HasSuffix(name, segmentSuffix):
		case strings.HasPrefix(name, segmentPrefix):
			segments++
		default:
			others++
		}
	}
	switch {
	case segments > 0:
		const text = "create trace: %s already holds segments of a recording (%d): move or remove them"
		return fmt.Errorf(text, dir, segments)
	case others > 0:
		const text = "create trace: %s already holds other Parquet files (%d), " +
			"which would be read as segments of this recording: name a file, or another folder"
		return fmt.Errorf(text, dir, others)
	}
	return nil
}

// Dir is the folder where the segments are.
func (r *Recording) Dir() string { return r.dir }

// Reasons is the table that numbers the reasons of the events written.
func (r *Recording) Reasons() *Strings { return r.writer.Reasons() }

// Stacks is the table that numbers the stacks of the events written.
func (r *Recording) Stacks() *Strings { return r.writer.Stacks() }

// SetMetadata sets the metadata of the segments from the one in the making on,
// so that those of a killed recorder say what was lost so far.
func (r *Recording) SetMetadata(meta Metadata) { r.meta = meta }

// Bytes is the number of bytes in finished segments.
func (r *Recording) Bytes() int64 { return r.bytes }

// Write appends the events of b, which must not be earlier than those before,
// and finishes the segment when it is old or large enough. An empty batch lets
// time pass: give one now and then when there are no events. The recording
// keeps nothing of b. After an error there is only Close.
func (r *Recording) Write(b *Batch) error {
	if r.failed != nil {
		return r.failed
	}
	r.failed = r.write(b)
	return r.failed
}

func (r *Recording) write(b *Batch) error {
	now := r.opts.Now()
	if r.writer.Rows() == 0 {
		r.began = now
	}
	for lo := 0; lo < b.Len(); {
		hi := min(b.Len(), lo+max(1, r.opts.SegmentRows-int(r.writer.Rows())))
		part := b.Slice(lo, hi)
		if err := r.writer.Write(&part); err != nil {
			return err
		}
		lo = hi
		if r.writer.Rows() >= int64(r.opts.SegmentRows) {
			if err := r.cut(now); err != nil {
				return err
			}
		}
	}
	if r.writer.Rows() > 0 && now.Sub(r.began) >= r.opts.SegmentDuration {
		return r.cut(now)
	}
	return nil
}

// cut finishes the segment and begins the next one.
func (r *Recording) cut(now time.Time) error {
	if err := r.endSegment(r.meta, false); err != nil {
		return err
	}
	r.began = now
	return r.beginSegment()
}

// path is where the segment in the making will be.
func (r *Recording) path() string {
	return filepath.Join(r.dir, SegmentName(r.next))
}

// SegmentName is the name of the file with the segment of that number.
func SegmentName(number int) string {
	return fmt.Sprintf("%s%06d%s", segmentPrefix, number, segmentSuffix)
}

func (r *Recording) beginSegment() error {
	f, err := createOwn(r.path() + tempSuffix)
	if err != nil {
		return fmt.Errorf("create segment: %w", err)
	}
	r.file, r.buf = f, bufio.NewWriterSize(f, 1<<16)
	return r.writer.begin(r.buf)
}

// endSegment makes the segment in the making a whole file. Where that fails, nothing of it is left.
func (r *Recording) endSegment(meta Metadata, final bool) error {
	rows := r.writer.Rows()
	err := r.writer.end(meta, &segment{Recording: r.id, First: r.next, Last: r.next, Final: final})
	size := r.writer.file.Offset()
	if err == nil {
		err = r.buf.Flush()
	}
	if e := r.file.Close(); err == nil {
		err = e
	}
	temp := r.file.Name()
	r.file = nil
	if err == nil {
		err = os.Rename(temp, r.path())
	}
	if err != nil {
		os.Remove(temp)
		return fmt.Errorf("write segment: %w", err)
	}
	r.done = append(r.done, r.path())
	r.rows += rows
	r.bytes += size
	r.next++
	return nil
}

// Close writes what is pending with the recording's final metadata and, unless
// the segments stay in a folder, joins them into the one file. Where that
// fails, the segments stay and are readable as they are.
func (r *Recording) Close(final Metadata) error {
	err := r.closeSegment(final)
	if r.target == "" || len(r.done) == 0 {
		r.removeEmpty()
		return err
	}
	if e := r.join(final, err == nil); e != nil {
		return errors.Join(err, fmt.Errorf("%w; what was recorded is readable in %s", e, r.dir))
	}
	return err
}

// closeSegment ends the last segment. It is the one that says how the
// recording ended, so there is one even without events.
func (r *Recording) closeSegment(final Metadata) error {
	if r.file == nil {
		return r.failed
	}
	if r.failed != nil { // the segment may be half written
		r.file.Close()
		os.Remove(r.file.Name())
		r.file = nil
		return r.failed
	}
	r.failed = r.endSegment(final, true)
	return r.failed
}

// removeEmpty removes the folder for segments where none was written and none stays.
func (r *Recording) removeEmpty() {
	if r.target != "" {
		os.Remove(r.dir)
	}
}

// Abort ends the recording and removes what it wrote.
func (r *Recording) Abort() {
	if r.file != nil {
		r.file.Close()
		os.Remove(r.file.Name())
		r.file = nil
	}
	for _, path := range r.done {
		os.Remove(path)
	}
	r.done = nil
	r.failed = errors.New("recording aborted")
	r.removeEmpty()
}
