package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkOpenRuns reads recordings as summary and compare do, some at a time: of the benchmarks
// it is the one with goroutines that wait for each other. The gate of this project compares it with
// that of the commit before, from this folder.
func BenchmarkOpenRuns(b *testing.B) {
	trace, err := os.ReadFile("../../record/gotrace/testdata/go1.25.4.trace")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	const recordings = 16
	for i := range recordings {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.trace", i)), trace, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		runs, err := inputs(io.Discard).Recordings(b.Context(), []string{dir + "/*.trace"})
		if err != nil || len(runs) != recordings {
			b.Fatalf("%d recordings, %v", len(runs), err)
		}
	}
}
