package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

type infoOptions struct {
	strict bool
	json   bool
	layout layoutOptions
}

func newInfoCommand() *cobra.Command {
	var opts infoOptions
	cmd := &cobra.Command{
		Use:   "info TRACE…",
		Short: "What a trace is, how it was recorded, what it can and cannot answer",
		Long: `Print what a trace is: the process, its Go version, the host, how and for how long it
was recorded, what was lost, which transitions it covers and so which questions it
can answer, and where it contradicts the model of Go's scheduler.

With --strict the exit code is 1 if the trace is incomplete (anything was lost or cut
short, or contradicts the model) or invalid (it has what no recorder writes, which is
listed on stderr): a check for scripts.

TRACE is a file, a folder of segments or a glob (several of one recording are one
trace), or a Go execution trace.`,
		Example: `  gosched info trace.parquet
  gosched info --strict trace.parquet >/dev/null || echo "not to be trusted blindly"
  gosched info --json segments/ | jq '.events, .lost'`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.layout.check(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return runInfo(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().BoolVar(&opts.strict, "strict", false, "exit with 1 if the trace is incomplete or invalid")
	layoutFlags(cmd, &opts.layout)
	jsonFlag(cmd, &opts.json)
	return cmd
}

func runInfo(ctx context.Context, opts infoOptions, paths []string, out, notes io.Writer) error {
	trace, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer trace.Close()
	pass := info.New()
	summary, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	result := pass.Result(summary)
	if err := present(out, opts.json, opts.layout, result, result.Document()); err != nil {
		return err
	}
	if opts.strict {
		return checkStrictly(ctx, trace, result.Whole, notes)
	}
	return nil
}

// mostInvalid is how many events or fields are named that no recorder writes.
const mostInvalid = 10

// checkStrictly fails where a trace is incomplete, or has what no recorder writes.
func checkStrictly(ctx context.Context, trace format.Trace, complete bool, notes io.Writer) error {
	problems, err := format.Validate(ctx, trace, mostInvalid)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(notes, "gosched: invalid: %s\n", p)
	}
	switch {
	case len(problems) > 0 && complete:
		err = errors.New("the trace is invalid")
	case len(problems) > 0:
		err = errors.New("the trace is invalid, and incomplete: see its warnings")
	case !complete:
		err = errors.New("the trace is incomplete: see its warnings")
	default:
		return nil
	}
	return &exitError{code: exitGate, err: err}
}
