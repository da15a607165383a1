// Files writes, reads, lists and removes files, and talks to itself and to children through pipes.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(writeRead(4, 40), pipes(4, 300))
	})
}

// writeRead has goroutines each write files and read them back.
func writeRead(workers, files int) error {
	dir, err := os.MkdirTemp("", "gosched-files")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := 0; i < files && errs[w] == nil; i++ {
				errs[w] = roundTrip(filepath.Join(dir, fmt.Sprintf("%d-%d", w, i)), byte(w*files+i))
			}
		}(w)
	}
	wg.Wait()
	names, err := os.ReadDir(dir)
	return bracket.First(append(errs, err, bracket.Check("files left", int64(len(names)), int64(workers*files/2)))...)
}

// roundTrip writes a file, reads it back and removes it if b is odd.
func roundTrip(name string, b byte) error {
	want := bytes.Repeat([]byte{b}, 8192)
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(want)
	if err := bracket.First(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	got, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("a file is not what was written")
	}
	if b%2 == 1 {
		return os.Remove(name)
	}
	return nil
}

// pipes sends messages through pipes that the netpoller watches.
func pipes(n, messages int) error {
	var wg sync.WaitGroup
	var total int64
	for i := 0; i < n; i++ {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		wg.Add(2)
		go func() {
			defer wg.Done()
			defer w.Close()
			for m := 0; m < messages; m++ {
				w.Write([]byte("message\n"))
			}
		}()
		go func() {
			defer wg.Done()
			defer r.Close()
			n, _ := io.Copy(io.Discard, struct{ io.Reader }{r})
			atomic.AddInt64(&total, n)
		}()
	}
	wg.Wait()
	return bracket.Check("bytes piped", total, int64(n*messages*8))
}
