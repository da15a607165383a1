package summary

import (
	"strings"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// plain is a text as it can be kept: UTF-8, and not too long. Of what is too long the end is kept.
func plain(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > maxTextBytes {
		text = strings.ToValidUTF8(format.MarkTruncated.String()+";"+text[len(text)-maxTextBytes:], "")
	}
	return text
}

// functions is a stack without files and lines.
func functions(text string) string {
	frames := stack.Frames(text)
	for i := range frames {
		frames[i] = stack.Function(frames[i])
	}
	return plain(strings.Join(frames, ";"))
}
