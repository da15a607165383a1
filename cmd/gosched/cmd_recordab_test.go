package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/ab"
	"github.com/gosched/gosched/format"
)

// subject is a command that scripts record: what it does is its first argument.
func subject() {
	args := append(os.Args[1:], "", "")
	fmt.Println(os.Getenv("WORD"))
	switch args[0] {
	case "trace":
		must(work(args[1]))
	case "trace-to-env":
		must(work(os.Getenv(ab.TraceVariable)))
	case "trace-and-fail":
		must(work(os.Getenv(ab.TraceVariable)))
		os.Exit(3)
	case "fail":
		must(errors.New("it is broken"))
	case "text":
		must(os.WriteFile(args[1], []byte("this is no trace of anything"), 0o600))
	case "sleep":
		d, err := time.ParseDuration(args[1])
		must(err)
		time.Sleep(d)
	case "linger":
		child := exec.Command(os.Args[0], "linger-alone", args[1]+".child")
		must(child.Start())
		linger(args[1], os.Getpid(), child.Process.Pid)
	case "linger-alone":
		linger(args[1], os.Getpid())
	case "leave":
		child := exec.Command(os.Args[0], "linger-alone", args[1]+".child")
		must(child.Start())
		must(say(args[1], child.Process.Pid))
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		linger(args[1], os.Getpid())
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// work writes a Go trace of some goroutines at work.
func work(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := trace.Start(file); err != nil {
		return err
	}
	c := make(chan int)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range c {
			time.Sleep(time.Microsecond)
		}
	})
	for n := range 100 {
		c <- n
	}
	close(c)
	wg.Wait()
	trace.Stop()
	return file.Close()
}

// say writes process ids to a file, which is there with all of them or not at all.
func say(path string, pids ...int) error {
	text := strings.Trim(fmt.Sprint(pids), "[]")
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// linger says who it is and stays, though not for ever.
func linger(path string, pids ...int) {
	must(say(path, pids...))
	time.Sleep(5 * time.Minute)
}

const benchmarked = `package bench

import "testing"

func BenchmarkPingPong(b *testing.B) {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v
		}
		close(back)
	}()
	for i := 0; i < b.N; i++ {
		there <- i
		<-back
	}
	close(there)
}
`

// TestBenchmarksAreRecorded records what go test -bench -trace writes: several Go traces of Go's
// own making, and what is said of the machine and of the time, by which recordings are put in
// order.
func TestBenchmarksAreRecorded(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not in $PATH")
	}
	dir := t.TempDir()
	err := errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module bench\n\ngo 1.22\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "bench_test.go"), []byte(benchmarked), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	command := "go test -C " + quoted(dir) + " -run '^$' -bench . -benchtime 200x -o " +
		quoted(filepath.Join(dir, "b.test")) + " -trace={trace} ."
	opts := recordABOptions{base: command, head: "GOMAXPROCS=1 " + command, goTrace: true, runs: 2, warmUps: 1,
		output: filepath.Join(dir, "ab"), noCompare: true}
	commands, err := opts.check(pflag.NewFlagSet("", pflag.ContinueOnError))
	if err != nil {
		t.Fatal(err)
	}
	if err := runRecordAB(t.Context(), opts, commands, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	last := time.Now().Add(-time.Minute).UnixNano()
	for i, s := range []ab.Side{ab.Base, ab.Head, ab.Head, ab.Base} {
		file := filepath.Join(opts.output, string(s), fmt.Sprintf("%02d.parquet", i+1))
		recorded, err := format.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		meta := recorded.Metadata()
		if meta.StartNS <= last || meta.StartNS > time.Now().UnixNano() {
			t.Errorf("%s begins at %d, the one before at %d", file, meta.StartNS, last)
		}
		last = meta.StartNS
		if meta.Host == "" || meta.CPUs == 0 || !strings.Contains(meta.Processes[0].Command, "-bench") ||
			(meta.Processes[0].GOMAXPROCS == 1) != (s == ab.Head) {
			t.Errorf("%s says of itself %+v", file, meta)
		}
		if m := meta.Machine; runtime.GOOS == "linux" && (m == nil || m.BusyNS <= 0 || m.OwnNS <= 0) {
			t.Errorf("%s says of the machine %+v", file, m)
		}
	}
}
