package input

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goTrace = "../../../../record/gotrace/testdata/go1.25.4.trace"

func TestWhatIsNoTraceIsSaid(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := file("trace.txt", "gosched text trace 1\n")
	prof := file("goroutines", "goroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1\n\n")
	for _, test := range []struct {
		paths []string
		want  string
	}{
		{[]string{goTrace, goTrace}, "is a Go execution trace: it is read alone, or gosched import"},
		{[]string{text, goTrace}, "trace.txt is a trace as text: it is read alone, or gosched dump -o"},
		{[]string{prof}, "goroutines is a goroutine profile: gosched goroutines --profile reads it"},
		{[]string{file("other", "something")}, "other is not a trace: neither Parquet, nor"},
		{[]string{filepath.Join(dir, "nothing")}, "no such file"},
	} {
		_, err := (&Opener{Notes: io.Discard}).Trace(t.Context(), test.paths)
		if err == nil || !strings.HasPrefix(err.Error(), "open trace: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("of %v the error is %v; want %q", test.paths, err, test.want)
		}
	}
}
