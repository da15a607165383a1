package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/requests"
	"github.com/gosched/gosched/analyze/stats"
)

type requestsOptions struct {
	slowest int
	layout  layoutOptions
	json    bool

	percentileOptions
	percentiles []stats.Quantile // set by check
}

func newRequestsCommand() *cobra.Command {
	var opts requestsOptions
	cmd := &cobra.Command{
		Use:   "requests TRACE…",
		Short: "How long work cycles took, requests of a server for one, and what for",
		Long: `Print the work cycles of goroutines: each stretch from leaving the wait at the top of
its loop until it is back there, or from creation to exit. Of a server these are its
requests, without instrumentation. Printed are how many there were, their percentiles,
where their time went, and the slowest ones step by step. A wait in a cycle is followed
into the goroutine that ended it, as gosched blocking does.

A cycle begins when the goroutine becomes runnable. A client sees more: both ways
through kernel and network, and the time that its request lay in a socket unread.
Pipelined requests that were read at once are one cycle, and so are the jobs that a
worker finds in its channel without waiting. The last stretch of a goroutine that left
its loop is no cycle: what it got was the end of its work.

Those that the network began come first; --all prints the rest, and says of which
goroutines no cycle can be told. Names are shortened to fit a terminal, their package's
path first, and not in a pipe or a file, nor with --wide.

TRACE is a file, a folder of segments or a glob (several of one recording are one
trace), or a Go execution trace.`,
		Example: `  gosched requests trace.parquet
  gosched requests --slowest 10 --all trace.parquet
  gosched requests --json trace.parquet | jq '.groups[0].percentiles'`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.check(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return runRequests(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	layoutFlags(cmd, &opts.layout)
	flags.IntVar(&opts.slowest, "slowest", requests.DefaultSlowest,
		"print so many of the slowest `cycles` of each group")
	opts.addFlags(flags, "print these `percentiles`; default "+percentileList(requests.DefaultPercentiles))
	jsonFlag(cmd, &opts.json)
	return cmd
}

// maxSlowest bounds how many of the slowest cycles are kept.
const maxSlowest = 1000

func (o *requestsOptions) check(flags *pflag.FlagSet) (err error) {
	if o.slowest < 1 || o.slowest > maxSlowest {
		return errors.New("--slowest must be from 1 to 1000")
	}
	if err := o.layout.check(flags); err != nil {
		return err
	}
	o.percentiles, err = o.read(flags)
	return err
}

func runRequests(ctx context.Context, opts requestsOptions, paths []string, out, notes io.Writer) error {
	trace, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer trace.Close()
	if err := refuse(caveat.Requests, trace); err != nil {
		return err
	}
	pass := requests.New()
	pass.Percentiles, pass.Slowest = opts.percentiles, opts.slowest
	walked, err := replay.Run(ctx, trace, pass.Passes()...)
	if err != nil {
		return err
	}
	result := pass.Result(walked)
	if err := present(out, opts.json, opts.layout, result, result.Document()); err != nil {
		return err
	}
	if len(result.Groups) == 0 {
		return &exitError{code: exitInconclusive, err: errors.New("no cycle was seen from beginning to end: record " +
			"for longer, or see gosched info for what is missing")}
	}
	return nil
}
