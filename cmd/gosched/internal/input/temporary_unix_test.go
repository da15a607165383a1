//go:build unix

package input

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestASignalRemovesWhatReadingTakes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ended := make(chan bool)
	o := &Opener{Notes: io.Discard, Exit: func() { ended <- true }}
	for range 2 {
		trace, err := o.Trace(t.Context(), []string{goTrace})
		if err != nil {
			t.Fatal(err)
		}
		defer trace.Close()
	}
	if n := temporaries(t); n != 2 {
		t.Fatalf("two Go traces are read from %d folders", n)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the program is not ended")
	}
	if n := temporaries(t); n != 0 {
		t.Errorf("%d folders are left", n)
	}
}

func TestClosingRemovesWhatReadingTook(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := &Opener{Notes: io.Discard}
	trace, err := o.Trace(t.Context(), []string{goTrace})
	if err != nil {
		t.Fatal(err)
	}
	if trace.Close(); temporaries(t) != 0 || temporary.signals != nil {
		t.Error("something is left")
	}
	if _, err := o.Recordings(t.Context(), []string{goTrace, goTrace}); err != nil || temporaries(t) != 0 {
		t.Errorf("after reading recordings %d folders are left: %v", temporaries(t), err)
	}
}

// temporaries is how many folders there are in the folder for temporary files.
func temporaries(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
