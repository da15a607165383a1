package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

type latencyOptions struct {
	by       string
	baseline []string
	top      int
	json     bool

	percentileOptions
	percentiles []stats.Quantile // set by check
}

const defaultTop = 10

func newLatencyCommand() *cobra.Command {
	var opts latencyOptions
	cmd := &cobra.Command{
		Use:   "latency TRACE…",
		Short: "How long goroutines that could run waited until they did",
		Long: `Print the scheduling latency: the time from runnable to running, as percentiles and
a histogram, by why goroutines became runnable and by kind (the function that their
go statement called). Where the trace has the kernel's thread events, the delays are
taken apart: no P was free, the P's thread was off the CPU, the world was stopped.

Percentiles are nearest ranks over buckets less than 0.8% wide. Delays that were cut,
by the recording's ends or by lost events, count as at least as long as what was seen
of them (Kaplan–Meier); a percentile that they leave open is printed as "?".

--baseline lays p50 and p99, or --percentiles, beside those of earlier recordings, all their delays taken
together: traces, summaries (gosched summary) or a glob of these; several times if need
be. The ratio of one recording to earlier ones is no verdict: that is for gosched compare,
which knows by how much recordings differ anyway. The runtime's own goroutines are left
out there, but in their kinds.

TRACE is a file, a folder of segments or a glob (several of one recording are one
trace), or a Go execution trace.`,
		Example: `  gosched latency trace.parquet
  gosched latency --baseline base.summary.parquet trace.parquet
  gosched latency --by kind --top 30 trace.parquet
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
	flags.StringVar(&opts.by, "by", "", "group by `what` alone: reason, or kind")
	flags.StringArrayVar(&opts.baseline, "baseline", nil, "lay these earlier recordings beside it (`file`, folder "+
		"or glob)")
	flags.IntVar(&opts.top, "top", defaultTop, "the most `groups` of each sort in the text")
	opts.addFlags(flags, "print these `percentiles`; default "+percentileList(latency.DefaultPercentiles))
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *latencyOptions) check(flags *pflag.FlagSet) (err error) {
	if !slices.Contains([]string{"", "reason", "kind"}, o.by) {
		return fmt.Errorf("delays are grouped by reason or by kind, not by %q", o.by)
	}
	if o.top < 1 {
		return errors.New("--top must be at least 1")
	}
	o.percentiles, err = o.read(flags)
	return err
}

// leaveOut removes the groups that were not asked for.
func (o *latencyOptions) leaveOut(r *latency.Result) {
	if o.by == "" {
		return
	}
	r.Groups = slices.DeleteFunc(r.Groups, func(e latency.Entry) bool { return e.By != o.by })
	if r.Baseline != nil {
		r.Baseline.Groups = slices.DeleteFunc(r.Baseline.Groups, func(b latency.Beside) bool {
			return b.By != "" &&
				b.By != o.by
		})
	}
}

// references are the delays of recordings, taken together.
func references(runs []*summary.Run) []latency.Reference {
	merged := map[summary.Key]*stats.Histogram{}
	for _, r := range runs {
		for i := range r.Groups {
			g := &r.Groups[i]
			if g.Metric != summary.MetricDelay {
				continue
			}
			if merged[g.Key] == nil {
				merged[g.Key] = new(stats.Histogram)
			}
			merged[g.Key].Merge(&g.Hist)
		}
	}
	names := map[summary.By]string{summary.ByTotal: "", summary.ByReason: "reason", summary.ByKind: "kind"}
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
	pass := latency.New()
	pass.Percentiles = opts.percentiles
	walked, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	result := pass.Result(walked)
	if len(opts.baseline) > 0 {
		runs, err := inputs(notes).Recordings(ctx, opts.baseline)
		if err != nil {
			return fmt.Errorf("--baseline: %w", err)
		}
		result.Baseline = pass.Against(walked, len(runs), references(runs))
	}
	opts.leaveOut(result)
	document := result.Document(latency.View{Groups: opts.top})
	document.Tables = slices.DeleteFunc(document.Tables, func(t report.Table) bool { return len(t.Rows) == 0 })
	if err := present(out, opts.json, result, document); err != nil {
		return err
	}
	if result.Total.Count == 0 {
		return &exitError{code: exitInconclusive, err: errors.New("no delay was seen from beginning to end: record " +
			"for longer, or see gosched info for what is missing")}
	}
	return nil
}
