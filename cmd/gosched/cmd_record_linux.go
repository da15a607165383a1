package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// recorderMemory is what the Go runtime should keep the recorder's own memory below, by collecting
// more often. The ring buffers, 64 MiB at most, come on top.
const recorderMemory = 160 << 20

func runRecord(ctx context.Context, opts recordOptions, out, notes io.Writer) error {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(recorderMemory)
	}
	r := &recorder{opts: opts, out: out, notes: notes}
	if note := opts.policy.note(); note != "" {
		fmt.Fprintln(notes, note)
	}
	if len(opts.command) > 0 {
		return r.command(ctx)
	}
	return r.processes(ctx)
}

// recorder is one run of the record command.
type recorder struct {
	opts       recordOptions
	out, notes io.Writer
}

func (r *recorder) options() record.Options {
	opts := r.opts.record(r.opts.output, r.opts.duration)
	opts.Confine = r.opts.needs()
	opts.Sampling = r.opts.sampling.record()
	r.opts.budget.apply(&opts, r.opts.sampling.seed, func() io.Writer { return r.notes })
	opts.Begun = func(since time.Time) { fmt.Fprintln(r.notes, sinceText(since)) }
	return opts
}

// sinceText is the line that scripts wait for: its first two words stay as they are.
func sinceText(since time.Time) string {
	return "recording since " + since.UTC().Format(time.RFC3339Nano)
}

// record are the options of one recording.
func (o *probeOptions) record(output string, duration time.Duration) record.Options {
	opts := record.Options{
		Output:     output,
		Duration:   duration,
		Without:    append(o.purposes.leavesOut(), o.without.list...),
		For:        o.purposes.purpose(),
		StackDepth: o.stackDepth,
		Recorder:   "gosched " + programVersion(),
		Fallbacks:  o.fallbacks.list,

		SamplesPerSecond: o.samples.value,
	}
	if o.samples.set && o.samples.value == 0 {
		opts.SamplesPerSecond = record.NoSamples
	}
	return opts
}

// openProcesses opens processes that may all be recorded, or none.
func openProcesses(pids []int, needs func(...error) error) ([]*target.Process, error) {
	var procs []*target.Process
	var failed []error
	for _, pid := range pids {
		proc, err := target.Open(pid)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		procs = append(procs, proc)
	}
	err := needs(failed...)
	if err == nil && len(failed) > 0 {
		err = failed[0]
	}
	if err != nil {
		for _, proc := range procs {
			_ = proc.Close() // it was only opened
		}
		return nil, err
	}
	return procs, nil
}

// needs finds out what the caller lacks to record.
func (r *recorder) needs() func(...error) error {
	if r.opts.sampling.rate.set { // it takes no more than to read the process
		return func(...error) error { return nil }
	}
	return target.CheckPrivileges
}

// processes records running processes. A signal ends the recording, a second one ends
// gosched at once: see untilEnding.
func (r *recorder) processes(ctx context.Context) error {
	procs, err := openProcesses(r.opts.pids, r.needs())
	if err != nil {
		return err
	}
	for _, proc := range procs {
		defer proc.Close()
	}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	if r.opts.policy.path != "" {
		ends = ends[:2]
	}
	ctx, stop := untilEnding(ctx, ends...)
	defer stop()
	opts := r.options()
	opts.Choose = r.opts.choose.resolved(0)
	line := status.New(r.notes)
	r.notes = line
	if r.opts.policy.path != "" {
		defer r.reloads(&opts)()
	}
	var last record.Progress
	waited := false
	opts.Progress = func(p record.Progress) {
		if opts.Choose != nil && len(p.Processes) == 0 && p.Events == 0 && !waited {
			waited = true
			fmt.Fprintln(r.notes, "no such process yet: those that come will be recorded")
		}
		pids := r.opts.pids
		if opts.Choose != nil {
			pids = p.Processes
		}
		line.Draw(progressText(pids, r.opts.duration, p, last))
		last = p
	}
	return r.record(ctx, opts, line.Clear, procs...)
}

// record records, and says what there is as soon as the trace is whole.
func (r *recorder) record(ctx context.Context, opts record.Options, over func(), procs ...*target.Process) error {
	if r.opts.flight.keep > 0 {
		stop, err := r.keepLast(&opts, procs)
		if err != nil {
			return err
		}
		defer stop()
	}
	if r.opts.metrics.address != "" {
		stop, err := r.serveMetrics(&opts)
		if err != nil {
			return err
		}
		defer stop()
	}
	written := false
	var said error
	opts.Written = func(summary *record.Summary) {
		written = true
		over()
		said = r.finish(summary, true)
		if summary.OneByOne {
			fmt.Fprintln(r.notes, "taking the probes off, one by one")
		}
	}
	summary, err := record.Record(ctx, opts, procs...)
	if !written {
		over()
		said = r.finish(summary, false)
	}
	return errors.Join(err, said)
}

// command records a command from its first instruction and passes its exit code on.
// Once it runs it is let run: it outlives the recording if that ends first.
func (r *recorder) command(ctx context.Context) error {
	as, err := credential(r.opts.user)
	if refused := r.needs()(err); refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	if note := goCommandNote(r.opts.command); note != "" && !r.opts.choose.follow {
		fmt.Fprintln(r.notes, note)
	}
	child, err := target.Start(ctx, r.opts.command, target.StartOptions{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, As: as,
	})
	if err != nil {
		return err
	}
	defer child.Close()
	stop := child.Forward()
	defer stop()
	running := false
	opts := r.options()
	opts.Ready = func() error {
		running = true
		return child.Resume()
	}
	procs := []*target.Process{child.Process}
	if r.opts.choose.follow {
		opts.Choose, opts.Until, procs = r.opts.choose.resolved(child.PID()), child.Process, nil
	}
	err = r.record(ctx, opts, func() {}, procs...)
	if !running {
		return errors.Join(err, child.Reap())
	}
	code, waitErr := child.Wait()
	return passOn(code, errors.Join(err, waitErr))
}

// passOn makes the command's exit code ours, and says what went wrong with the
// recording beside it.
func passOn(code int, err error) error {
	switch {
	case code == 0:
		return err
	case err == nil:
		return &exitError{code: code}
	default:
		return &exitError{code: code, err: err}
	}
}

// finish hands the trace over to whoever called sudo, and says what is in it. If it
// is not whole there is an error, which is said after it.
func (r *recorder) finish(summary *record.Summary, whole bool) error {
	if summary == nil {
		return nil
	}
	path := r.opts.output
	if !whole {
		path = output.Left(path)
	}
	summary.Bytes = output.Size(path) // as long as it is ours to look at
	err := output.HandOver(r.opts.output)
	if r.opts.json {
		return errors.Join(err, report.WriteJSON(r.out, newRecordDocument(summary, path)))
	}
	if text := r.opts.choose.unmatched(); text != "" && len(summary.PIDs) == 0 && len(summary.Missed) == 0 {
		fmt.Fprintln(r.notes, text)
	}
	return errors.Join(err, writeSummary(r.notes, summary, path))
}
