package format

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gosched/gosched/format/internal/flat"
)

// smallGroup is the number of events below which a segment's row group is
// written again together with its neighbours: a row group costs some
// kilobytes, and a quiet process makes one a second.
const smallGroup = 1 << 14

// join makes the finished segments one file and removes them.
func (r *Recording) join(final Metadata, ended bool) error {
	temp := filepath.Join(r.dir, "joined"+tempSuffix)
	seg := &segment{Recording: r.id, First: 1, Last: r.next - 1, Final: ended}
	if err := joinFiles(temp, r.done, final, seg, r.opts.Writer); err != nil {
		os.Remove(temp)
		return fmt.Errorf("join segments: %w", err)
	}
	if err := os.Rename(temp, r.target); err != nil {
		os.Remove(temp)
		return fmt.Errorf("join segments: %w", err)
	}
	for _, path := range r.done {
		os.Remove(path)
	}
	os.Remove(r.dir)
	return nil
}

// joiner writes row groups of many files into one.
type joiner struct {
	out *Writer // has the consecutive small ones pending
	in  *flat.Decompressor
}

// joinFiles writes the row groups of paths, in order, to a new file at target. Their bytes are
// copied; only runs of small row groups are encoded again, as one.
func joinFiles(target string, paths []string, meta Metadata, seg *segment, opts WriterOptions) (err error) {
	f, err := createOwn(target)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	buf := bufio.NewWriterSize(f, 1<<20)
	w, err := NewWriter(buf, opts)
	if err != nil {
		return err
	}
	z, err := flat.NewDecompressor()
	if err != nil {
		return err
	}
	defer z.Close()
	j := &joiner{out: w, in: z}
	for _, path := range paths {
		if err := j.copyFile(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := w.end(meta, seg); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// copyFile writes the row groups of the file at path, or keeps them as small ones for later.
func (j *joiner) copyFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := flat.Open(f, info.Size())
	if err != nil {
		return err
	}
	for g := range file.Groups() {
		if file.GroupRows(g) < smallGroup {
			err = j.rewrite(file, g)
		} else {
			err = j.copy(file, g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copy writes a row group as it is, behind the small ones that came before it.
func (j *joiner) copy(file *flat.File, g int) error {
	if err := j.out.flushGroup(); err != nil {
		return err
	}
	return j.out.file.CopyGroup(file, g)
}

// rewrite adds a row group's events to those of the row group in the making.
func (j *joiner) rewrite(file *flat.File, g int) error {
	group, err := openGroup(j.in, file, g, AllColumns, j.out.tables)
	if err != nil {
		return err
	}
	var b Batch
	for stripe := range group.stripes() {
		if err := group.decode(j.in, stripe, &b); err != nil {
			return err
		}
		if err := j.out.Write(&b); err != nil {
			return err
		}
	}
	return nil
}
