package ab

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
	"of " + TracePlace + " (go test -trace=" + TracePlace + ", or a test binary's -test.trace=" + TracePlace +
	") or that $" + TraceVariable + " names (runtime/trace)")

// goTraceRunner runs commands that write Go execution traces themselves, and imports those.
type goTraceRunner struct {
	opener     *input.Opener
	where      gotrace.Where
	ignoreExit bool
}

// GoTraces is a Runner for commands that write Go execution traces themselves, which opener
// imports. It takes no privileges. With ignoreExit traces of commands that fail are taken too.
func GoTraces(opener *input.Opener, ignoreExit bool) Runner {
	quiet := *opener
	quiet.Notes = io.Discard // what there is to say is said with the run's name
	return &goTraceRunner{opener: &quiet, where: whereWeAre(), ignoreExit: ignoreExit}
}

func (g *goTraceRunner) close() error { return nil }

func (g *goTraceRunner) run(ctx context.Context, j *job) (res result, err error) {
	if err := os.Remove(j.goTrace); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return res, err
	}
	defer os.Remove(j.goTrace)
	opts := gotrace.Options{Where: g.where, Began: time.Now()}
	machine := measureMachine()
	state, err := runToEnd(ctx, j.command.tracedTo(j.goTrace), j.log)
	if err != nil {
		return res, err
	}
	opts.Where.Command = strings.Join(j.command.argv, " ")
	opts.Where.Machine = machine(state.UserTime() + state.SystemTime())
	if res.code = exitCodeOf(state); res.code != 0 && !g.ignoreExit {
		return res, nil
	}
	res.note, err = g.take(ctx, j, opts)
	return res, err
}

// take imports the Go trace that a command left, and returns what there is to say of it. That of a
// warm-up is only looked at.
func (g *goTraceRunner) take(ctx context.Context, j *job, opts gotrace.Options) (note string, err error) {
	in, err := input.OpenGoTrace(j.goTrace)
	if errors.Is(err, gotrace.ErrNotTrace) {
		return "", fmt.Errorf("%w; what is there is %w", errNoGoTrace, gotrace.ErrNotTrace)
	}
	if err != nil {
		return "", errNoGoTrace
	}
	defer in.Close()
	if j.trace == "" {
		return "", nil
	}
	summary, err := g.opener.Import(ctx, in, j.trace, opts)
	if err == nil && summary.Truncated != nil {
		note = fmt.Sprintf("the Go trace ends early, what comes before is whole: %v", summary.Truncated)
	}
	return note, err
}

// runToEnd runs a command in a process group of its own, and ends what it leaves there. When the
// context ends, the command is asked to end and then killed.
func runToEnd(ctx context.Context, command *Command, log *os.File) (*os.ProcessState, error) {
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
