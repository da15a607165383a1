package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gosched/gosched/format"
)

// textBeginning is how the text twin of a trace begins.
const textBeginning = "gosched text trace"

// openTrace opens a trace by its arguments: files, folders of segments or globs, or
// one text twin, "-" being standard input.
func openTrace(paths []string) (format.Trace, error) {
	if len(paths) != 1 {
		return format.Open(paths...)
	}
	if paths[0] == "-" {
		return parseText("standard input", os.Stdin)
	}
	file, err := openText(paths[0])
	if err != nil || file == nil {
		return openParquet(paths[0])
	}
	defer file.Close()
	return parseText(paths[0], file)
}

func openParquet(path string) (format.Trace, error) {
	trace, err := format.Open(path)
	if err != nil {
		return nil, err // not a nil *Reader in a Trace
	}
	return trace, nil
}

// openText opens a file that begins like a text twin; nil for any other.
func openText(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	beginning := make([]byte, len(textBeginning))
	_, err = io.ReadFull(file, beginning)
	if err == nil && string(beginning) == textBeginning {
		if _, err = file.Seek(0, io.SeekStart); err == nil {
			return file, nil
		}
	}
	file.Close()
	return nil, nil
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
	if sel.Goroutines != nil {
		names := make([]string, len(sel.Goroutines))
		for i, id := range sel.Goroutines {
			names[i] = fmt.Sprint(id)
		}
		meta.Recorder += "; of it only goroutines " + strings.Join(names, ", ")
	}
	return &part{Trace: trace, meta: meta}
}
