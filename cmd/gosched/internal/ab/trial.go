package ab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
)

// job is what a Runner is to run, and where what comes of it goes.
type job struct {
	command *Command
	log     *os.File // what the command prints
	trace   string   // the recording; "": none is made
	goTrace string   // where a command that writes a Go trace is to write it
}

// result is how a run went that did not fail by itself.
type result struct {
	code  int   // exit code
	ended bool  // we ended it
	lost  int64 // events
	note  string
}

// Runner runs a command and waits for its end. When it returns nothing of the command runs any
// more, also where the context ended before, whose error it returns then.
type Runner interface {
	run(ctx context.Context, j *job) (result, error)
	close() error
}

// endGrace is how long a command may take to end once it was asked to.
const endGrace = 5 * time.Second

// Options say what is recorded, how often and where to.
type Options struct {
	Commands   map[Side]*Command
	Runner     Runner // is closed by Record
	Dir        string // gets base/, head/ and the logs
	Runs       int    // recordings of each side
	WarmUps    int    // runs of each side before, which are not recorded
	IgnoreExit bool   // goes on whatever a command's exit code
	Notes      io.Writer
	HandOver   func(dir string) error // gives Dir to whom it is for, at the end; nil: it stays as it is
}

// trial is the recording of two commands.
type trial struct {
	Options

	took     []time.Duration // of the runs so far
	recorded int
	lost     int64
}

// Record records the commands as often as the options say, interleaved. When one fails or the
// context ends, the recordings that are finished stay.
func Record(ctx context.Context, opts Options) error {
	t := trial{Options: opts}
	return errors.Join(t.record(ctx), opts.Runner.close())
}

// record goes through the plan.
func (t *trial) record(ctx context.Context) (err error) {
	if err := makeFolder(t.Dir); err != nil {
		return err
	}
	if t.HandOver != nil {
		defer func() { err = errors.Join(err, t.HandOver(t.Dir)) }()
	}
	began := time.Now()
	plan := planOf(t.WarmUps, t.Runs)
	for _, r := range plan {
		if err := t.one(ctx, plan, r); err != nil {
			t.sayWhatStays()
			return err
		}
	}
	lost := "nothing lost"
	if t.lost > 0 {
		lost = "lost " + report.FormatNumber(t.lost, "event")
	}
	fmt.Fprintf(t.Notes, "recorded %s of each into %s in %s, %s\n", report.FormatNumber(int64(t.Runs), "run"), t.Dir,
		report.FormatDuration(int64(time.Since(began))), lost)
	return nil
}

func (t *trial) sayWhatStays() {
	if t.recorded > 0 {
		fmt.Fprintf(t.Notes, "gosched: %s in %s\n", report.FormatNumber(int64(t.recorded), "finished recording"),
			t.Dir)
	}
}

// one does one run of the plan. A recording that did not come to its end is removed.
func (t *trial) one(ctx context.Context, plan []run, r run) error {
	left, known := timeLeft(plan, t.took)
	began := time.Now()
	line := status.New(t.Notes)
	line.Announce(func() string { return runText(r, left-time.Since(began), known) })
	res, err := t.do(ctx, r)
	line.Clear()
	t.took = append(t.took, time.Since(began))
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", r.name(), r.side, err)
	}
	if res.note != "" {
		fmt.Fprintf(t.Notes, "gosched: %s: %s: %s\n", r.name(), r.side, res.note)
	}
	if !r.warmUp {
		t.recorded++
		t.lost += res.lost
	}
	return nil
}

// runText says which run goes on, and for how long all of them will.
func runText(r run, left time.Duration, known bool) string {
	text := fmt.Sprintf("%s: %s", r.name(), r.side)
	if known {
		text += ", " + clockText(left) + " left"
	}
	return text
}

func (t *trial) do(ctx context.Context, r run) (res result, err error) {
	if err := ctx.Err(); err != nil {
		return res, err
	}
	j, err := t.job(r)
	if err != nil {
		return res, err
	}
	defer j.log.Close()
	res, err = t.Runner.run(ctx, j)
	if err == nil && res.code != 0 && !res.ended && !t.IgnoreExit {
		err = fmt.Errorf("the command exited with code %d", res.code)
	}
	if err != nil && ctx.Err() == nil {
		err = withLog(err, j.log)
	}
	if err != nil && j.trace != "" {
		err = errors.Join(err, os.RemoveAll(j.trace), os.RemoveAll(j.trace+".partial"))
	}
	return res, err
}

func (t *trial) job(r run) (*job, error) {
	path := func(parts ...string) string { return filepath.Join(append([]string{t.Dir}, parts...)...) }
	goTrace, err := filepath.Abs(path(r.file() + ".trace"))
	if err != nil {
		return nil, err
	}
	j := &job{command: t.Commands[r.side], goTrace: goTrace}
	if !r.warmUp {
		j.trace = path(string(r.side), r.digits()+".parquet")
	}
	j.log, err = os.OpenFile(path(r.file()+".log"), os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	return j, err
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
