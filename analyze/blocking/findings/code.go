package findings

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// code is a function and a place in it; empty where it is not known.
type code struct {
	function string // in full
	at       string // "file.go:12", empty where only the function is known
}

// frame is the code of a frame.
func frame(text string) code { return code{stack.Function(text), stack.Position(text)} }

// codeOf is what a stack is about.
func codeOf(text string) code { return frame(stack.Culprit(text)) }

func (c code) local() string { return stack.Local(c.function) }

// code is what a stack of the trace is about.
func (l *look) code(id format.StringID) code { return codeOf(l.names.Stack(id)) }

// codeOr is the code at a stack, and where there is none the function that the goroutine began
// with.
func (l *look) codeOr(id format.StringID, entry replay.EntryID) code {
	if id == format.NullString && entry != replay.UnknownEntry {
		return code{function: l.names.Entry(entry)}
	}
	return l.code(id)
}

// named is code as sentences name it.
func named(c code) string {
	switch {
	case c.function == "":
		return "an unknown place"
	case c.at == "":
		return c.local()
	}
	return c.local() + " (" + c.at + ")"
}
