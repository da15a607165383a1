package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func stopTheWorld() error {
	var m runtime.MemStats
	crowd(2, func() { runtime.ReadMemStats(&m) })
	return nil
}

func fewStops() error {
	var m runtime.MemStats
	crowd(1, func() {
		runtime.ReadMemStats(&m)
		time.Sleep(50 * time.Millisecond)
	})
	return nil
}

// serve is a request now and then.
//
//go:noinline
func serve() {
	spin(50 * time.Microsecond)
	time.Sleep(time.Millisecond)
}

func hog() error {
	for i := 0; i < 4; i++ {
		go spin(length)
	}
	crowd(3, serve)
	return nil
}

func longRunsAlone() error {
	runtime.GOMAXPROCS(2)
	go spin(length)
	return idle()
}

//go:noinline
func count() (n int) {
	for i := 0; i < 400_000_000; i++ {
		n += i & 3
	}
	return n
}

// computeAlone counts in a loop without calls, beside nothing else. Only GODEBUG=asyncpreemptoff=1
// makes that a run that cannot be preempted.
func computeAlone() error {
	crowd(1, func() { _ = count() })
	return nil
}

// contended has other processes, called rival, take the CPUs.
func contended() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "findings")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	other := filepath.Join(dir, "rival")
	if err := os.Symlink(path, other); err != nil {
		return err
	}
	for i := 0; i < 3*runtime.NumCPU(); i++ {
		cmd := exec.Command(other)
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() {
			in.Close()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
	}
	crowd(2, func() { _ = count() })
	return nil
}

// hogged is what the program does under the name rival: it takes a CPU until its standard input
// ends.
func hogged() bool {
	if filepath.Base(os.Args[0]) != "rival" {
		return false
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
	}
}

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return new(tree)
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

//go:noinline
func buffer(n int) []byte { return make([]byte, n) }

// gcAssist allocates so fast, with so little room, that the collector makes the allocating
// goroutines work for it.
func gcAssist() error {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	keep := grow(20)
	crowd(8, func() { buffer(256 << 10) })
	runtime.KeepAlive(keep)
	return nil
}

func gcKeepsUp() error {
	keep := grow(16)
	crowd(2, func() {
		grow(8)
		time.Sleep(5 * time.Millisecond)
	})
	runtime.KeepAlive(keep)
	return nil
}

// inBursts wants both CPUs for most of the time.
func inBursts() error {
	crowd(2, func() {
		spin(5 * time.Millisecond)
		time.Sleep(time.Millisecond)
	})
	return nil
}

// call stays in the kernel for a while, where the runtime cannot know of it.
//
//go:noinline
func call() {
	t := syscall.NsecToTimespec(int64(time.Millisecond))
	_ = syscall.Nanosleep(&t, nil)
}

// handoff makes calls while others want the Ps.
func handoff() error {
	end := time.Now().Add(length)
	for i := 0; i < 3; i++ {
		go func() {
			for time.Now().Before(end) {
				spin(200 * time.Microsecond)
				runtime.Gosched()
			}
		}()
	}
	crowd(4, call)
	return nil
}

func syscallsAlone() error {
	crowd(1, call)
	return nil
}
