// Package passtest tests analyzers: a text trace in, golden files out, how fast it goes, and that
// it gives the same bytes however its trace is cut into batches. What an analyzer has to say for
// that is a Question.
package passtest

import (
	"bytes"
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// Question makes the passes of an analyzer, empty, and what asks them after or during a walk. trace
// is the path of a text trace without its ending; empty where there is none.
type Question func(tb testing.TB, trace string) (passes []replay.Pass, ask func(*replay.Summary) Answer)

// Answer is what an analyzer says.
type Answer struct {
	Result   any                     // what --json prints
	Document func() *report.Document // what is printed without it
	Width    int                     // of the text in golden files; 0: 110
}

// Ask replays a trace.
func Ask(tb testing.TB, src replay.Source, q Question) Answer {
	tb.Helper()
	passes, ask := q(tb, "")
	return ask(Replay(tb, src, passes...))
}

// Replay replays a trace with passes and gives what the walk says of it.
func Replay(tb testing.TB, src replay.Source, passes ...replay.Pass) *replay.Summary {
	tb.Helper()
	sum, err := replay.Run(context.Background(), src, passes...)
	if err != nil {
		tb.Fatal(err)
	}
	return sum
}

// Traces replays each text trace that a pattern names and compares the answer, as JSON and as text,
// with the files beside it.
func Traces(t *testing.T, pattern string, q Question) {
	t.Helper()
	Each(t, pattern, func(t *testing.T, base string, trace *format.Memory) {
		passes, ask := q(t, base)
		answer := ask(Replay(t, trace, passes...))
		golden.Check(t, base+".json", encoded(t, answer.Result))
		var text bytes.Buffer
		if err := report.WriteText(&text, answer.Document(),
			report.Options{Width: cmp.Or(answer.Width, 110), All: true}); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, base+".txt", text.Bytes())
	})
}

// Each runs a test of each text trace that a pattern names. base is its path without the ending.
func Each(t *testing.T, pattern string, test func(t *testing.T, base string, trace *format.Memory)) {
	t.Helper()
	for _, path := range glob(t, pattern) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			test(t, strings.TrimSuffix(path, ".trace"), golden.Trace(t, path))
		})
	}
}

func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no traces at %s: %v", pattern, err)
	}
	return paths
}

func encoded(tb testing.TB, result any) []byte {
	tb.Helper()
	var doc bytes.Buffer
	if err := report.WriteJSON(&doc, result); err != nil {
		tb.Fatal(err)
	}
	return doc.Bytes()
}
