package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/input"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
)

// abJob is what an abRunner is to run, and where what comes of it goes.
type abJob struct {
	command *abCommand
	log     *os.File // what the command prints
	trace   string   // the recording; "": none is made
	goTrace string   // where a command that writes a Go trace is to write it
}

// abResult is how a run went that did not fail by itself.
type abResult struct {
	code  int   // exit code
	ended bool  // we ended it
	lost  int64 // events
	note  string
}

// abRunner runs a command and waits for its end. When it returns nothing of the command runs any
// more, also where the context ended before, whose error it returns then.
type abRunner interface {
	run(ctx context.Context, job *abJob) (abResult, error)
	close() error
}

// endGrace is how long a command may take to end once it was asked to.
const endGrace = 5 * time.Second

// abTrial is the recording of two commands in turn.
type abTrial struct {
	opts     *recordABOptions
	commands map[side]*abCommand
	runner   abRunner
	notes    io.Writer

	took     []time.Duration // of the runs so far
	recorded int
	lost     int64
}

// untilEnding is a context that ends with a signal. A second one ends gosched at once, and the
// kernel what it started.
func untilEnding(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, input.Endings...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// record goes through the plan.
func (t *abTrial) record(ctx context.Context) (err error) {
	dir := t.opts.output
	if err := makeFolder(dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, handOver(dir)) }()
	began := time.Now()
	plan := abPlan(t.opts.warmUps, t.opts.runs)
	for _, run := range plan {
		if err := t.one(ctx, plan, run); err != nil {
			t.sayWhatStays()
			return err
		}
	}
	lost := "nothing lost"
	if t.lost > 0 {
		lost = "lost " + report.FormatNumber(t.lost, "event")
	}
	fmt.Fprintf(t.notes, "recorded %s of each into %s in %s, %s\n",
		report.FormatNumber(int64(t.opts.runs), "run"), dir, report.FormatDuration(int64(time.Since(began))), lost)
	return nil
}

func (t *abTrial) sayWhatStays() {
	if t.recorded > 0 {
		fmt.Fprintf(t.notes, "gosched: %s in %s\n", report.FormatNumber(int64(t.recorded), "finished recording"),
			t.opts.output)
	}
}

// one does one run of the plan. A recording that did not come to its end is removed.
func (t *abTrial) one(ctx context.Context, plan []abRun, run abRun) error {
	left, known := timeLeft(plan, t.took)
	began := time.Now()
	line := status.New(t.notes)
	line.Announce(func() string { return runText(run, left-time.Since(began), known) })
	result, err := t.do(ctx, run)
	line.Clear()
	t.took = append(t.took, time.Since(began))
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", run.name(), run.side, err)
	}
	if result.note != "" {
		fmt.Fprintf(t.notes, "gosched: %s: %s: %s\n", run.name(), run.side, result.note)
	}
	if !run.warmUp {
		t.recorded++
		t.lost += result.lost
	}
	return nil
}

// runText says which run goes on, and for how long all of them will.
func runText(run abRun, left time.Duration, known bool) string {
	text := fmt.Sprintf("%s: %s", run.name(), run.side)
	if known {
		text += ", " + clockText(left) + " left"
	}
	return text
}

func (t *abTrial) do(ctx context.Context, run abRun) (result abResult, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	job, err := t.job(run)
	if err != nil {
		return result, err
	}
	defer job.log.Close()
	result, err = t.runner.run(ctx, job)
	if err == nil && result.code != 0 && !result.ended && !t.opts.ignoreExit {
		err = fmt.Errorf("the command exited with code %d", result.code)
	}
	if err != nil && ctx.Err() == nil {
		err = withLog(err, job.log)
	}
	if err != nil && job.trace != "" {
		err = errors.Join(err, os.RemoveAll(job.trace), os.RemoveAll(job.trace+".partial"))
	}
	return result, err
}

func (t *abTrial) job(run abRun) (*abJob, error) {
	path := func(parts ...string) string { return filepath.Join(append([]string{t.opts.output}, parts...)...) }
	goTrace, err := filepath.Abs(path(run.file() + ".trace"))
	if err != nil {
		return nil, err
	}
	job := &abJob{command: t.commands[run.side], goTrace: goTrace}
	if !run.warmUp {
		job.trace = path(string(run.side), run.digits()+".parquet")
	}
	job.log, err = os.OpenFile(path(run.file()+".log"), os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	return job, err
}

// withLog adds to an error what a command last printed.
func withLog(err error, log *os.File) error {
	lines := lastLines(log)
	if len(lines) == 0 {
		return err
	}
	return fmt.Errorf("%w; the last that it printed, in %s:\n  %s", err, log.Name(), strings.Join(lines, "\n  "))
}

// lastLines are some lines at a file's end.
func lastLines(file *os.File) []string {
	const most, mostBytes = 10, 4096
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	from := max(0, info.Size()-mostBytes)
	end, err := io.ReadAll(io.NewSectionReader(file, from, mostBytes))
	text := strings.TrimSpace(string(end))
	if err != nil || text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-most):]
}
