package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/rounds"
	"github.com/gosched/gosched/analyze/stats"
)

type blockingOptions struct {
	layout layoutOptions
	system bool
	json   bool
	folded string
	force  bool

	percentileOptions
	percentiles []stats.Quantile // set by check
}

func newBlockingCommand() *cobra.Command {
	var opts blockingOptions
	cmd := &cobra.Command{
		Use:   "blocking TRACE…",
		Short: "Where goroutines waited, and whose code made them",
		Long: `Print the root causes of blocked time. While a goroutine waits and another finally
wakes it, what the other did meanwhile (ran, was in a system call, was queued for a P,
waited itself …) is what the first one waited for, followed from waker to waker. Every
nanosecond of a wait is assigned once. Time that cannot be explained is listed as
unknown. Idle time, in which goroutines wait for work, is summed below the table.

First comes the verdict: one to three sentences on what explains most of the blocked time,
with the code, what stands behind it and what to do. It is made of the findings, patterns
that are known to cost time, such as a queue for a lock or a CPU quota that stops the
process, by their share of blocked time, and where no pattern fits, of the root causes.

The first screen has the headline; --all prints the rest: where goroutines spent their
time, where they waited, who ended the waits. Names are shortened to fit a terminal,
their package's path first, and not in a pipe or a file, nor with --wide.

--folded writes how long goroutines were where, in folded stacks for flamegraph.pl,
speedscope and others: time by the clock, the state and what a wait is for as the leaf.

A trace that was sampled without probes has no causes. Of it the command prints where
goroutines' time went, by place, state and entry function, each with a 95% interval.

TRACE is a file, a folder of segments or a glob (several of one recording are one
trace), or a Go execution trace.

gosched help findings says more of these:
` + ruleList(),
		Example: `  gosched blocking trace.parquet
  gosched blocking --top 30 trace.parquet
  gosched blocking --folded - trace.parquet | flamegraph.pl >where.svg
  gosched blocking --json trace.parquet | jq '.causes[0]'`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.check(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return runBlocking(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	layoutFlags(cmd, &opts.layout)
	flags.BoolVar(&opts.system, "system", false, "list the runtime's own goroutines too")
	opts.addFlags(flags, "print these `percentiles`; default "+percentileList(blocking.DefaultPercentiles))
	flags.StringVar(&opts.folded, "folded", "",
		"instead, write goroutines' time as folded stacks to this `file`; - for standard output")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite that file if it is there")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *blockingOptions) check(flags *pflag.FlagSet) (err error) {
	if err := o.layout.check(flags); err != nil {
		return err
	}
	if o.folded != "" && o.json {
		return errors.New("either --json or --folded, not both")
	}
	o.percentiles, err = o.read(flags)
	return err
}

// ruleList is the rules with what each looks for.
func ruleList() string {
	var b strings.Builder
	for _, r := range findings.Rules() {
		fmt.Fprintf(&b, "  %-17s %s\n", r.Name, r.Title)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// blockingResult is what the command prints: the verdict, the causes, and what the rules found.
type blockingResult struct {
	Verdict []string `json:"verdict"` // the answer in a few sentences
	*blocking.Result
	Findings []findings.Finding  `json:"findings"`
	Unlooked []findings.Unlooked `json:"unlooked"`
	Rounds   *rounds.Result      `json:"rounds,omitempty"` // of times in which no moves were recorded
}

func runBlocking(ctx context.Context, opts blockingOptions, paths []string, out, notes io.Writer) error {
	trace, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer trace.Close()
	if opts.folded != "" {
		return runFolded(ctx, opts, trace, out)
	}
	meta := trace.Metadata()
	if caveat.Sampled(&meta) {
		return runSampledBlocking(ctx, opts, trace, out)
	}
	pass := blocking.New()
	between := rounds.New()
	rules := findings.New(pass)
	pass.Percentiles = opts.percentiles
	summary, err := replay.Run(ctx, trace, pass, rules, between)
	if err != nil {
		return err
	}
	found := rules.Result(summary)
	result := blockingResult{found.Verdict, pass.Result(summary), found.Findings, found.Unlooked, nil}
	document := result.Document(blocking.View{System: opts.system})
	document.Lead = append(slices.Clone(found.Verdict), document.Lead...)
	document.Tables = append(found.Tables(), document.Tables...)
	if summary.Rounds > 0 {
		result.Rounds = between.Result(summary)
		document.Tables = append(document.Tables, result.Rounds.Tables()...)
	}
	if err := present(out, opts.json, opts.layout, result, document); err != nil {
		return err
	}
	if len(result.Spent) <= 1 {
		return &exitError{code: exitInconclusive, err: errors.New("no goroutine waited: record for longer, or see " +
			"gosched info for what is missing")}
	}
	return nil
}
