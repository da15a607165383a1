package main

import (
	"io"
	"os"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/input"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
)

// inputs opens what a command reads. What there is to say of it goes to notes.
func inputs(notes io.Writer) *input.Opener {
	return &input.Opener{Stdin: os.Stdin, Notes: notes, Recorder: "gosched " + programVersion(),
		Exit: func() { os.Exit(exitInput) }}
}

// present prints a result: the document for people, or the result as JSON.
func present(out io.Writer, asJSON bool, result any, document *report.Document) error {
	if asJSON {
		return report.WriteJSON(out, result)
	}
	return report.WriteText(out, document, textOptions(out))
}

// plainWidth is how many columns text has that goes to a file or a pipe.
const plainWidth = 110

// textOptions fit text to the terminal that out is, or make it plain.
func textOptions(out io.Writer) report.Options {
	width, ok := status.Terminal(out)
	if !ok {
		return report.Options{Width: plainWidth}
	}
	return report.Options{Width: width, Color: os.Getenv("NO_COLOR") == ""}
}
