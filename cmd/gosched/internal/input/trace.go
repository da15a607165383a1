package input

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

// textBeginning is how the text twin of a trace begins.
const textBeginning = "gosched text trace"

// Trace is a trace that has to be closed.
type Trace struct {
	format.Trace
	temporary string // a folder to remove
}

// Close removes what was made to read the trace.
func (t *Trace) Close() {
	if t.temporary != "" {
		temporary.remove(t.temporary)
	}
}

// Trace opens a trace by its arguments: files, folders of segments or globs, or one text twin or Go
// execution trace, "-" being the text on standard input.
func (o *Opener) Trace(ctx context.Context, paths []string) (*Trace, error) {
	trace, dir, err := o.openAny(ctx, paths)
	if err != nil {
		return nil, explain(paths, err)
	}
	return &Trace{Trace: trace, temporary: dir}, nil
}

func (o *Opener) openAny(ctx context.Context, paths []string) (trace format.Trace, dir string, err error) {
	if len(paths) != 1 {
		trace, err = openParquet(paths...)
		return trace, "", err
	}
	if paths[0] == "-" {
		trace, err = parseText("standard input", o.Stdin)
		return trace, "", err
	}
	file, beginning := openRegular(paths[0])
	if file != nil {
		defer file.Close()
	}
	switch {
	case strings.HasPrefix(beginning, textBeginning):
		trace, err = parseText(paths[0], file)
	case gotrace.IsTrace([]byte(beginning)):
		trace, dir, err = o.importTemporary(ctx, file)
	default:
		trace, err = openParquet(paths[0])
	}
	return trace, dir, err
}

func openParquet(paths ...string) (format.Trace, error) {
	trace, err := format.Open(paths...)
	if err != nil {
		return nil, err // not a nil *Reader in a Trace
	}
	return trace, nil
}

// openRegular opens a regular file and says how it begins; nil for anything else, of which
// format.Open knows what to say.
func openRegular(path string) (file *os.File, beginning string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, ""
	}
	if file, err = os.Open(path); err != nil {
		return nil, ""
	}
	head := make([]byte, max(len(textBeginning), gotrace.HeaderBytes))
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		file.Close()
		return nil, ""
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		file.Close()
		return nil, ""
	}
	return file, string(head[:n])
}

func parseText(name string, r io.Reader) (format.Trace, error) {
	trace, err := format.ParseText(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("open trace: %s: %w", name, err)
	}
	return trace, nil
}
