package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

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
		must(work(os.Getenv(traceVariable)))
	case "trace-and-fail":
		must(work(os.Getenv(traceVariable)))
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

// fakeRunner is a runner that runs nothing.
type fakeRunner struct {
	ran  []string
	then func(job *abJob) (abResult, error)
}

func (f *fakeRunner) run(_ context.Context, job *abJob) (abResult, error) {
	f.ran = append(f.ran, job.command.argv[0]+" "+filepath.Base(job.trace))
	if job.trace != "" {
		if err := os.WriteFile(job.trace, nil, 0o600); err != nil {
			return abResult{}, err
		}
	}
	fmt.Fprintf(job.log, "line %d\n", len(f.ran))
	if f.then == nil {
		return abResult{}, nil
	}
	return f.then(job)
}

func (f *fakeRunner) close() error { return nil }

// trial is one with a fake runner.
func trial(t *testing.T, opts recordABOptions, runner abRunner, notes io.Writer) *abTrial {
	opts.output = filepath.Join(t.TempDir(), "ab")
	return &abTrial{
		opts: &opts, runner: runner, notes: notes,
		commands: map[side]*abCommand{baseSide: {argv: []string{"b"}}, headSide: {argv: []string{"h"}}},
	}
}

func TestATrialFollowsThePlan(t *testing.T) {
	runner := &fakeRunner{then: func(job *abJob) (abResult, error) { return abResult{lost: 5}, nil }}
	notes := new(strings.Builder)
	if err := trial(t, recordABOptions{warmUps: 1, runs: 3}, runner, notes).record(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"b .", "h .", "b 01.parquet", "h 02.parquet", "h 03.parquet", "b 04.parquet", "h 05.parquet",
		"b 06.parquet"}
	if !slices.Equal(runner.ran, want) {
		t.Errorf("it ran %q; want %q", runner.ran, want)
	}
	if lines := strings.Split(notes.String(), "\n"); len(lines) != 10 || !strings.HasPrefix(lines[6],
		"run 5 of 6: head, 00:00 left") ||
		!strings.Contains(lines[8], "recorded 3 runs of each") || !strings.Contains(lines[8], "lost 30 events") {
		t.Errorf("it says\n%s", notes)
	}
}

func TestATrialStopsAtWhatGoesWrong(t *testing.T) {
	broken := errors.New("it burns")
	tests := []struct {
		name   string
		ignore bool
		result abResult
		err    error
		want   string // "": all is fine
	}{
		{"all well", false, abResult{}, nil, ""},
		{"an exit code", false, abResult{code: 7}, nil, "the command exited with code 7"},
		{"an exit code that does not matter", true, abResult{code: 7}, nil, ""},
		{"an exit code of what we ended", false, abResult{code: 143, ended: true}, nil, ""},
		{"the recorder", true, abResult{}, broken, "it burns"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runner := new(fakeRunner)
			runner.then = func(*abJob) (abResult, error) {
				if len(runner.ran) == 3 {
					return test.result, test.err
				}
				return abResult{}, nil
			}
			notes := new(strings.Builder)
			trial := trial(t, recordABOptions{runs: 2, ignoreExit: test.ignore}, runner, notes)
			err := trial.record(t.Context())
			_, gone := os.Stat(filepath.Join(trial.opts.output, "head", "03.parquet"))
			if test.want == "" {
				if err != nil || gone != nil {
					t.Errorf("the error is %v, of the recording %v", err, gone)
				}
				return
			}
			log := filepath.Join(trial.opts.output, "03-head.log")
			want := "run 3 of 4: head: " + test.want + "; the last that it printed, in " + log + ":\n  line 3"
			if err == nil || err.Error() != want || exitCode(err) != exitInput {
				t.Errorf("the error is %v with code %d; want %s", err, exitCode(err), want)
			}
			if gone == nil {
				t.Error("its recording is there")
			}
			if !strings.Contains(notes.String(), "2 finished recordings in ") {
				t.Errorf("it says\n%s", notes)
			}
		})
	}
}

func TestAnInterruptedTrialStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runner := new(fakeRunner)
	runner.then = func(*abJob) (abResult, error) {
		if len(runner.ran) == 2 {
			cancel()
		}
		return abResult{}, ctx.Err()
	}
	err := trial(t, recordABOptions{runs: 2}, runner, io.Discard).record(ctx)
	if !errors.Is(err, context.Canceled) || errorText(err) != "interrupted" || len(runner.ran) != 2 {
		t.Errorf("after %d runs the error is %v", len(runner.ran), err)
	}
}

func TestOnlyTheEndOfALogIsShown(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if lines := lastLines(log); len(lines) > 0 {
		t.Errorf("of nothing it shows %q", lines)
	}
	for n := range 5000 {
		fmt.Fprintf(log, "line %d\n", n)
	}
	if lines := lastLines(log); len(lines) != 10 || lines[9] != "line 4999" || lines[0] != "line 4990" {
		t.Errorf("it shows %q", lines)
	}
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
	for i, s := range abOrder(2) {
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
			(meta.Processes[0].GOMAXPROCS == 1) != (s == headSide) {
			t.Errorf("%s says of itself %+v", file, meta)
		}
		if m := meta.Machine; runtime.GOOS == "linux" && (m == nil || m.BusyNS <= 0 || m.OwnNS <= 0) {
			t.Errorf("%s says of the machine %+v", file, m)
		}
	}
}
