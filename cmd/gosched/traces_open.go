package main

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

// openedTrace is a trace that has to be closed.
type openedTrace struct {
	format.Trace
	temporary string         // a folder to remove
	signals   chan os.Signal // at which it is removed as well
}

// Close removes what was made to read the trace.
func (t *openedTrace) Close() {
	if t.temporary == "" {
		return
	}
	signal.Stop(t.signals)
	close(t.signals)
	_ = os.RemoveAll(t.temporary)
}

// removeOnSignal removes the folder also where a signal ends the program, which it then does.
func (t *openedTrace) removeOnSignal() {
	t.signals = make(chan os.Signal, 1)
	signal.Notify(t.signals, endings...)
	go func() {
		if _, ok := <-t.signals; ok {
			_ = os.RemoveAll(t.temporary)
			os.Exit(exitInput)
		}
	}()
}

// openTrace opens a trace by its arguments: files, folders of segments or globs, or one
// text twin or Go execution trace, "-" being the text on standard input. What there is
// to say of a Go trace is told to notes.
func openTrace(ctx context.Context, paths []string, notes io.Writer) (*openedTrace, error) {
	trace, temporary, err := openAny(ctx, paths, notes)
	if err != nil {
		return nil, err
	}
	opened := &openedTrace{Trace: trace, temporary: temporary}
	if temporary != "" {
		opened.removeOnSignal()
	}
	return opened, nil
}

func openAny(ctx context.Context, paths []string, notes io.Writer) (trace format.Trace, temporary string, err error) {
	if len(paths) != 1 {
		trace, err = openParquet(paths...)
		return trace, "", err
	}
	if paths[0] == "-" {
		trace, err = parseText("standard input", os.Stdin)
		return trace, "", err
	}
	file, beginning := openFile(paths[0])
	if file != nil {
		defer file.Close()
	}
	switch {
	case strings.HasPrefix(beginning, textBeginning):
		trace, err = parseText(paths[0], file)
	case gotrace.IsTrace([]byte(beginning)):
		trace, temporary, err = importTemporary(ctx, file, notes)
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

// openFile opens a regular file and says how it begins; nil for anything else, of which format.Open
// knows what to say.
func openFile(path string) (file *os.File, beginning string) {
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

// part is a trace with the metadata of the part that a selection leaves.
type part struct {
	format.Trace
	meta format.Metadata
}

// Metadata implements format.Trace.
func (p *part) Metadata() format.Metadata { return p.meta }

// partOf says in a trace's metadata what a selection leaves of it: the time that was
// looked at, and of which goroutines.
func partOf(trace format.Trace, sel format.Selection) format.Trace {
	if sel.FromNS == 0 && sel.UntilNS == 0 && sel.Goroutines == nil {
		return trace
	}
	meta := trace.Metadata()
	meta.StartNS = max(meta.StartNS, sel.FromNS)
	if sel.UntilNS != 0 && (meta.EndNS == 0 || sel.UntilNS < meta.EndNS) {
		meta.EndNS = sel.UntilNS
	}
	if sel.FromNS != 0 || sel.UntilNS != 0 {
		meta.Machine = nil // that is of the whole recording
	}
	if sel.Goroutines != nil {
		names := make([]string, len(sel.Goroutines))
		for i, id := range sel.Goroutines {
			names[i] = fmt.Sprint(id)
		}
		meta.Recorder += "; of it only goroutines " + strings.Join(names, ", ")
	}
	return &part{Trace: trace, meta: meta}
}
