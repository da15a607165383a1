package input

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

// textBeginning is how the text twin of a trace begins.
const textBeginning = "gosched text trace"

// Trace is a trace that has to be closed.
type Trace struct {
	format.Trace
	temporary string         // a folder to remove
	signals   chan os.Signal // at which it is removed as well
}

// Close removes what was made to read the trace.
func (t *Trace) Close() {
	if t.temporary == "" {
		return
	}
	signal.Stop(t.signals)
	close(t.signals)
	_ = os.RemoveAll(t.temporary)
}

// removeOnSignal removes the folder also where a signal ends the program, by exit.
func (t *Trace) removeOnSignal(exit func()) {
	t.signals = make(chan os.Signal, 1)
	signal.Notify(t.signals, Endings...)
	go func() {
		if _, ok := <-t.signals; ok {
			_ = os.RemoveAll(t.temporary)
			exit()
		}
	}()
}

// Trace opens a trace by its arguments: files, folders of segments or globs, or one text twin or Go
// execution trace, "-" being the text on standard input.
func (o *Opener) Trace(ctx context.Context, paths []string) (*Trace, error) {
	trace, temporary, err := o.openAny(ctx, paths)
	if err != nil {
		return nil, err
	}
	opened := &Trace{Trace: trace, temporary: temporary}
	if temporary != "" {
		opened.removeOnSignal(o.Exit)
	}
	return opened, nil
}

func (o *Opener) openAny(ctx context.Context, paths []string) (trace format.Trace, temporary string, err error) {
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
		trace, temporary, err = o.importTemporary(ctx, file)
	default:
		trace, err = openParquet(paths[0])
	}
	return trace, temporary, err
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
