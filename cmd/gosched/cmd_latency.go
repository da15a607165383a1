package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

type latencyOptions struct {
	by       string
	baseline []string
	layout   layoutOptions
	json     bool

	percentileOptions
	percentiles []stats.Quantile // set by check
}

func newLatencyCommand() *cobra.Command {
	var opts latencyOptions
	cmd := &cobra.Command{
		Use:   "latency TRACE…",
		Short: "How long goroutines that could run waited until they did",
		Long: `Print the scheduling latency: the time from runnable to running, as percentiles and
a histogram, by what made goroutines runnable and by their entry function (the one
that their go statement called). Where the trace has the kernel's thread events, the
latency is broken down: all Ps were busy, a P was idle but its thread was off the CPU,
the world was stopped, and so on.

Percentiles are nearest ranks over buckets less than 0.8% wide. A delay whose beginning
or end is not in the trace is censored: it counts as at least as long as what was seen
of it (Kaplan–Meier). A percentile that such delays leave open is printed as "?".

The first screen has the headline; --all prints the rest. Names are shortened to fit a
terminal, their package's path first, and not in a pipe or a file, nor with --wide.

--baseline lays p50 and p99, or the --percentiles, beside those of earlier recordings,
all their delays taken together: traces, summaries (gosched summary) or a glob of these;
it may be repeated. The ratio of one recording to earlier ones proves nothing: gosched
compare knows how much recordings differ anyway. The runtime's own goroutines are left
out there, except by entry function.

TRACE is a file, a folder of segments or a glob (several of one recording are one
trace), or a Go execution trace.`,
		Example: `  gosched latency trace.parquet
  gosched latency --baseline base.summary.parquet trace.parquet
  gosched latency --by entry --top 30 trace.parquet
  gosched latency --json segments/ | jq .total.percentiles`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.check(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return runLatency(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.by, "by", "", "group by `what` alone: reason or entry (function)")
	flags.StringArrayVar(&opts.baseline, "baseline", nil, "lay these earlier recordings beside it (`file`, folder "+
		"or glob)")
	layoutFlags(cmd, &opts.layout)
	opts.addFlags(flags, "print these `percentiles`; default "+percentileList(latency.DefaultPercentiles))
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *latencyOptions) check(flags *pflag.FlagSet) (err error) {
	if !slices.Contains([]string{"", "reason", "entry"}, o.by) {
		return fmt.Errorf("delays are grouped by reason or by entry (function), not by %q", o.by)
	}
	if err := o.layout.check(flags); err != nil {
		return err
	}
	o.percentiles, err = o.read(flags)
	return err
}

// leaveOut removes the groups that were not asked for.
func (o *latencyOptions) leaveOut(r *latency.Result) {
	if o.by == "" {
		return
	}
	r.Groups = slices.DeleteFunc(r.Groups, func(e latency.Row) bool { return e.By != o.by })
	if r.Baseline != nil {
		r.Baseline.Groups = slices.DeleteFunc(r.Baseline.Groups, func(b latency.Beside) bool {
			return b.By != "" &&
				b.By != o.by
		})
	}
}

// references are the delays of recordings, taken together.
func references(recordings []*summary.Recording) []latency.Reference {
	merged := map[summary.Key]*stats.Histogram{}
	for _, r := range recordings {
		for i := range r.Groups {
			g := &r.Groups[i]
			if g.Measure != summary.MeasureDelay {
				continue
			}
			if merged[g.Key] == nil {
				merged[g.Key] = new(stats.Histogram)
			}
			merged[g.Key].Merge(&g.Hist)
		}
	}
	names := map[summary.By]string{summary.ByTotal: "", summary.ByReason: "reason", summary.ByEntry: "entry"}
	var out []latency.Reference
	for key, h := range merged {
		if by, ok := names[key.By]; ok {
			out = append(out, latency.Reference{By: by, Name: key.Name, Delays: h})
		}
	}
	return out
}

func runLatency(ctx context.Context, opts latencyOptions, paths []string, out, notes io.Writer) error {
	trace, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer trace.Close()
	if err := refuse(caveat.Latency, trace); err != nil {
		return err
	}
	pass := latency.New()
	pass.Percentiles = opts.percentiles
	walked, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	result := pass.Result(walked)
	if len(opts.baseline) > 0 {
		recordings, err := inputs(notes).Recordings(ctx, opts.baseline)
		if err != nil {
			return fmt.Errorf("--baseline: %w", err)
		}
		result.Baseline = pass.Against(walked, len(recordings), references(recordings))
	}
	opts.leaveOut(result)
	if err := present(out, opts.json, opts.layout, result, result.Document()); err != nil {
		return err
	}
	if result.Total.Count == 0 {
		return &exitError{code: exitInconclusive, err: errors.New("no delay was seen from beginning to end: record " +
			"for longer, or see gosched info for what is missing")}
	}
	return nil
}
