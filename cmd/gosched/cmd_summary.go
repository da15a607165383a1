package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
)

type summaryOptions struct {
	output string
	force  bool
	csv    bool
	json   bool
}

func newSummaryCommand() *cobra.Command {
	var opts summaryOptions
	cmd := &cobra.Command{
		Use:   "summary TRACE…",
		Short: "What is kept of recordings: small enough to keep for ever, whole enough to compare with",
		Long: `Print a line a recording: when, where, how long, how long goroutines waited. --csv is
the same for a spreadsheet or a plot, with more columns, their units in their names.

With -o, write a summary: histograms of delays, waits, system calls and recordings, by reason,
class, entry function and place, who woke whom, the root causes of blocked time, leaks and
findings, all in one Parquet file of 20 to 100 kB a recording. It serves wherever recordings
are compared, in place of the traces, and any engine that reads Parquet sums it up
(format/buckets/SUMMARY.md).

TRACE is a file, a folder of segments, a Go execution trace, a summary, whose recordings are
taken over, or a glob of these. Unlike with other commands, several files are several
recordings.`,
		Example: `  gosched summary trace.parquet -o base.summary.parquet
  gosched summary 'nightly/*.parquet' -o nightly.summary.parquet
  gosched summary monday.summary.parquet tuesday.summary.parquet -o both.summary.parquet
  gosched summary --csv 'nightly/*.parquet' >trend.csv`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.json && opts.csv {
				return usageError(cmd, errors.New("either --json or --csv, not both"))
			}
			return runSummary(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.output, "output", "o", "", "write the summary to this `file`")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite that file if it is there")
	flags.BoolVar(&opts.csv, "csv", false, "print a line of CSV a recording; what is not known is empty")
	jsonFlag(cmd, &opts.json)
	return cmd
}

// summaryDocument is what summary --json prints.
type summaryDocument struct {
	Version int              `json:"version"`
	Runs    []summary.Listed `json:"recordings"`
}

func runSummary(ctx context.Context, opts summaryOptions, patterns []string, out, notes io.Writer) error {
	if err := refuseToOverwrite(opts.output, opts.force); opts.output != "" && err != nil {
		return err
	}
	recordings, err := inputs(notes).Recordings(ctx, patterns)
	if err != nil {
		return err
	}
	if opts.output != "" {
		size, err := output.Summary(opts.output, recordings)
		if err != nil {
			return err
		}
		fmt.Fprintf(notes, "wrote %s: %s, %s\n", opts.output, report.FormatNumber(int64(len(recordings)), "recording"),
			report.FormatBytes(size))
	}
	switch {
	case opts.json:
		return report.WriteJSON(out, summaryDocument{documentVersion, summary.List(recordings)})
	case opts.csv:
		return summary.WriteCSV(out, recordings)
	case opts.output != "":
		return nil
	}
	return report.WriteText(out, summary.Document(recordings), textOptions(out))
}
