package main

import (
	"context"
	"io"
	"iter"
	"os"

	"golang.org/x/term"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// source gives the replay the batches of a trace.
type source struct {
	trace format.Trace
	meta  format.Metadata
	next  func() (*format.Batch, error, bool)
}

// Metadata implements replay.Source.
func (s *source) Metadata() *format.Metadata { return &s.meta }

// Reason implements replay.Source.
func (s *source) Reason(id format.StringID) string { return s.trace.Reasons().Lookup(id) }

// Stack implements replay.Source.
func (s *source) Stack(id format.StringID) string { return s.trace.Stacks().Lookup(id) }

// Next implements replay.Source.
func (s *source) Next(context.Context) (*format.Batch, error) {
	batch, err, ok := s.next()
	if !ok {
		return nil, io.EOF
	}
	return batch, err
}

// analyze walks a trace once, with all passes.
func analyze(ctx context.Context, trace format.Trace, passes ...replay.Pass) (*replay.Summary, error) {
	next, stop := iter.Pull2(trace.Batches(ctx, format.Selection{}))
	defer stop()
	return replay.Run(ctx, &source{trace: trace, meta: trace.Metadata(), next: next}, passes...)
}

// present prints a result: the document for people, or the result as JSON.
func present(out io.Writer, asJSON bool, result any, document *report.Document) error {
	if asJSON {
		return report.WriteJSON(out, result)
	}
	return report.WriteText(out, document, textOptions(out))
}

// textOptions fit text to the terminal that out is, or make it plain.
func textOptions(out io.Writer) report.Options {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return report.Options{}
	}
	opts := report.Options{Color: os.Getenv("NO_COLOR") == ""}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		opts.Width = width
	}
	return opts
}
