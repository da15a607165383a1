package main

import (
	"io"
	"os"

	"github.com/gosched/gosched/cmd/gosched/internal/input"
)

// inputs opens what a command reads. What there is to say of it goes to notes.
func inputs(notes io.Writer) *input.Opener {
	return &input.Opener{Stdin: os.Stdin, Notes: notes, Recorder: "gosched " + programVersion(),
		Exit: func() { os.Exit(exitInput) }}
}
