package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/gosched/gosched/analyze/report"
)

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
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return report.Options{Width: plainWidth}
	}
	opts := report.Options{Color: os.Getenv("NO_COLOR") == ""}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		opts.Width = width
	}
	return opts
}
