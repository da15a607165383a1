package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gosched/gosched/cmd/gosched/internal/input"
	"github.com/gosched/gosched/record/gotrace"
)

var errNoGoTrace = errors.New("the command wrote no Go trace: it has to write one to the path that takes the place " +
	"of " + tracePlace + " (go test -trace=" + tracePlace + ", or a test binary's -test.trace=" + tracePlace +
	") or that $" + traceVariable + " names (runtime/trace)")

// goTraceRunner runs commands that write Go execution traces themselves, and imports those. It
// takes no privileges.
type goTraceRunner struct {
	where      gotrace.Where
	ignoreExit bool
}

func (g *goTraceRunner) close() error { return nil }

func (g *goTraceRunner) run(ctx context.Context, job *abJob) (result abResult, err error) {
	if err := os.Remove(job.goTrace); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return result, err
	}
	defer os.Remove(job.goTrace)
	opts := gotrace.Options{Where: g.where, Began: time.Now()}
	machine := measureMachine()
	state, err := runToEnd(ctx, job.command.tracedTo(job.goTrace), job.log)
	if err != nil {
		return result, err
	}
	opts.Where.Command = strings.Join(job.command.argv, " ")
	opts.Where.Machine = machine(state.UserTime() + state.SystemTime())
	if result.code = exitCodeOf(state); result.code != 0 && !g.ignoreExit {
		return result, nil
	}
	result.note, err = takeGoTrace(ctx, job, opts)
	return result, err
}

// takeGoTrace imports the Go trace that a command left, and returns what there is to say of it.
// That of a warm-up is only looked at.
func takeGoTrace(ctx context.Context, job *abJob, opts gotrace.Options) (note string, err error) {
	in, err := input.OpenGoTrace(job.goTrace)
	if errors.Is(err, gotrace.ErrNotTrace) {
		return "", fmt.Errorf("%w; what is there is %w", errNoGoTrace, gotrace.ErrNotTrace)
	}
	if err != nil {
		return "", errNoGoTrace
	}
	defer in.Close()
	if job.trace == "" {
		return "", nil
	}
	summary, err := inputs(io.Discard).Import(ctx, in, job.trace, opts)
	if err == nil && summary.Truncated != nil {
		note = fmt.Sprintf("the Go trace ends early, what comes before is whole: %v", summary.Truncated)
	}
	return note, err
}

// runToEnd runs a command in a process group of its own, and ends what it leaves there. When the
// context ends, the command is asked to end and then killed.
func runToEnd(ctx context.Context, command *abCommand, log *os.File) (*os.ProcessState, error) {
	cmd := exec.CommandContext(ctx, command.argv[0], command.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = command.environ(), log, log, ownGroup()
	cmd.Cancel = func() error { return endGroup(cmd.Process) }
	cmd.WaitDelay = endGrace
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	err = errors.Join(err, killGroup(cmd.Process))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ProcessState, nil
	}
	return cmd.ProcessState, err
}
