package gobin

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// bigBinary returns an executable of some ten megabytes: the go command itself.
func bigBinary(b *testing.B) string {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(root)), "bin", "go")
	if other := os.Getenv("GOSCHED_BENCH_BINARY"); other != "" {
		path = other
	}
	return path
}

// BenchmarkOpenAndProbes measures what attaching to a process costs, and the memory that is kept.
func BenchmarkOpenAndProbes(b *testing.B) {
	path := bigBinary(b)
	var before, after runtime.MemStats
	b.ReportAllocs()
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		bin, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := bin.Probes(); err != nil {
			b.Fatal(err)
		}
		if _, err := bin.Layout(); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
		bin.Close()
	}
}

// BenchmarkFrames measures the frames of pcs all over the program.
func BenchmarkFrames(b *testing.B) {
	bin, err := Open(bigBinary(b))
	if err != nil {
		b.Fatal(err)
	}
	defer bin.Close()
	pc := bin.md.minpc
	for b.Loop() {
		bin.Frames(pc)
		if pc += 4099; pc >= bin.md.maxpc {
			pc = bin.md.minpc
		}
	}
}
