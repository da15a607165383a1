package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record/gotrace"
)

type importOptions struct {
	output string
	force  bool
	json   bool
}

func newImportCommand() *cobra.Command {
	var opts importOptions
	cmd := &cobra.Command{
		Use:   "import GOTRACE",
		Short: "Turn a Go execution trace into a gosched trace",
		Long: `Turn a Go execution trace (runtime/trace, net/http/pprof's /debug/pprof/trace, the flight
recorder, go test -trace) into a gosched trace. Making one takes no privileges. Traces of
Go 1.22 and later are read; one that was cut short is read as far as it goes.

Every command that reads traces also takes a Go trace; importing it once saves converting
it each time. GOTRACE is a file, or "-" for standard input.`,
		Example: `  go test -trace go.trace ./pkg && gosched import go.trace -o trace.parquet
  curl -s 'http://localhost:6060/debug/pprof/trace?seconds=5' | gosched import - -o trace.parquet`,
		Args: arguments(oneGoTrace),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImport(cmd.Context(), opts, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.output, "output", "o", "trace.parquet", "write the trace to this `file`")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite that file if it is there")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func oneGoTrace(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("which Go trace? Name one file")
	}
	return nil
}

// importDocument is what import --json prints.
type importDocument struct {
	Version   int    `json:"version"`
	Output    string `json:"output"`
	Events    int64  `json:"events"`
	Bytes     int64  `json:"bytes"`
	Truncated string `json:"truncated,omitempty"` // why the Go trace could not be read to its end
}

func runImport(ctx context.Context, opts importOptions, path string, out, notes io.Writer) error {
	if err := refuseToOverwrite(opts.output, opts.force); err != nil {
		return err
	}
	in := os.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	summary, err := inputs(notes).Import(ctx, in, opts.output, gotrace.Options{})
	switch {
	case errors.Is(err, gotrace.ErrNotTrace):
		return fmt.Errorf("%s: %w; what gosched recorded needs no import", path, err)
	case err != nil:
		return err
	}
	d := importDocument{Version: documentVersion, Output: opts.output, Events: summary.Events}
	if info, err := os.Stat(opts.output); err == nil {
		d.Bytes = info.Size()
	}
	if summary.Truncated != nil {
		d.Truncated = summary.Truncated.Error()
	}
	if opts.json {
		return report.WriteJSON(out, d)
	}
	fmt.Fprintf(notes, "imported %s into %s, %s\n", report.FormatNumber(d.Events, "event"), d.Output,
		report.FormatBytes(d.Bytes))
	return nil
}
