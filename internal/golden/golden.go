// Package golden compares what tests make with files that were checked by hand.
package golden

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Check compares got with the file at path; with -update it becomes that file.
func Check(tb testing.TB, path string, got []byte) {
	tb.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if string(got) != string(want) {
		tb.Errorf("%s: %s", path, firstDifference(string(got), string(want)))
	}
}

// firstDifference says where two texts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got\n%s\nwant\n%s", i+1, g[i], strings.Join(w[min(i, len(w)):min(i+1, len(w))],
				""))
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// Trace reads the text twin of a trace.
func Trace(tb testing.TB, path string) *format.Memory {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	trace, err := format.ParseText(f)
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return trace
}
