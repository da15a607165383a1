package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/format"
)

type dumpOptions struct {
	from, to string
	goids    []int64
	pids     []int32
	output   string
	force    bool
	json     bool
}

func newDumpCommand() *cobra.Command {
	var opts dumpOptions
	cmd := &cobra.Command{
		Use:   "dump TRACE…",
		Short: "A trace as text, a line an event, and back",
		Long: `Print a trace, or a part of it, as its text twin: a line an event. With --json it is a
line of JSON an event, after a first line with the metadata. With -o it is written as
a Parquet trace.

The text says all that the trace says. Every command reads it too, so that

  gosched dump trace.parquet >trace.txt; gosched dump trace.txt -o same.parquet

gives the same events again; "-" is standard input.

--from and --to take a time since the trace's first event, such as 1.5s, or a time of
day with a date, such as 2026-11-22T10:00:00.5Z. GC cycles, stop-the-world pauses and
gaps that began earlier and last into that part are printed too.`,
		Example: `  gosched dump trace.parquet | less
  gosched dump --from 2s --to 2.1s --goid 17 trace.parquet
  gosched dump --from 2s --to 3s -o second.parquet trace.parquet`,
		Args: arguments(oneOrMoreTraces),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.json && opts.output != "" {
				return usageError(cmd, fmt.Errorf("either --json or -o, not both"))
			}
			return runDump(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.from, "from", "", "leave out events before this `time`")
	flags.StringVar(&opts.to, "to", "", "leave out events from this `time` on")
	flags.Int64SliceVar(&opts.goids, "goid", nil, "only events of these `goroutines`")
	flags.Lookup("goid").DefValue = "" // all; the flag's library would print []
	flags.Int32SliceVar(&opts.pids, "pid", nil, "only events of these `processes`, by the trace's numbers of them")
	flags.Lookup("pid").DefValue = ""
	flags.StringVarP(&opts.output, "output", "o", "", "write a Parquet trace to this `file`")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite that file if it is there")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func runDump(ctx context.Context, opts dumpOptions, paths []string, out, notes io.Writer) error {
	opened, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer opened.Close()
	sel, err := opts.selection(opened)
	if err != nil {
		return err
	}
	if err := opts.noteAbsent(ctx, opened, sel, notes); err != nil {
		return err
	}
	trace := output.Part(opened, sel)
	switch {
	case opts.output != "":
		if err := refuseToOverwrite(opts.output, opts.force); err != nil {
			return err
		}
		return output.Trace(ctx, opts.output, trace, sel)
	case opts.json:
		return output.Lines(ctx, out, documentVersion, trace, sel)
	default:
		return format.WriteText(ctx, out, trace, sel)
	}
}

// noteAbsent says which of the goroutines that were asked for have no event in the selection.
func (o *dumpOptions) noteAbsent(ctx context.Context, trace format.Trace, sel format.Selection, notes io.Writer) error {
	missing := slices.Clone(sel.Goroutines)
	if len(missing) == 0 {
		return nil
	}
	for batch, err := range trace.Batches(ctx, sel) {
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			break
		}
		missing = slices.DeleteFunc(missing, func(id format.GoID) bool { return slices.Contains(batch.GoID, id) })
	}
	for _, id := range missing {
		fmt.Fprintf(notes, "note: goroutine %d has no event there\n", id)
	}
	return nil
}

// selection is what the options leave of a trace.
func (o *dumpOptions) selection(trace format.Trace) (sel format.Selection, err error) {
	first, last := trace.Bounds()
	if sel.FromNS, err = parseMoment(o.from, first); err != nil {
		return sel, fmt.Errorf("--from: %w", err)
	}
	if sel.UntilNS, err = parseMoment(o.to, first); err != nil {
		return sel, fmt.Errorf("--to: %w", err)
	}
	if sel.FromNS != 0 && sel.UntilNS != 0 && sel.UntilNS <= sel.FromNS {
		return sel, fmt.Errorf("--to %s is not after --from %s", o.to, o.from)
	}
	if err := o.reaches(sel, trace.Metadata(), first, last); err != nil {
		return sel, err
	}
	if sel.PIDs, err = o.processes(trace.Metadata()); err != nil {
		return sel, err
	}
	for _, id := range o.goids {
		if id <= 0 {
			return sel, fmt.Errorf("--goid: goroutines are numbered from 1, so none is %d", id)
		}
		sel.Goroutines = append(sel.Goroutines, format.GoID(id))
	}
	return sel, nil
}

// processes are those asked for, each of which the trace must have.
func (o *dumpOptions) processes(meta format.Metadata) ([]int32, error) {
	for _, pid := range o.pids {
		if !slices.ContainsFunc(meta.Processes, func(p format.Process) bool { return p.PID == pid }) {
			return nil, fmt.Errorf("--pid: the trace has no process %d", pid)
		}
	}
	return o.pids, nil
}

// reaches finds a --from after the trace's end, or a --to before its beginning: nothing would be
// left.
func (o *dumpOptions) reaches(sel format.Selection, meta format.Metadata, first, last int64) error {
	begin, end := earliest(meta.StartNS, first), max(meta.EndNS, last)
	switch {
	case sel.FromNS > end:
		return fmt.Errorf("--from %s is after the trace's end, which is %s after its first event", o.from,
			report.FormatDuration(end-first))
	case sel.UntilNS != 0 && sel.UntilNS <= begin:
		return fmt.Errorf("--to %s is not after the trace's beginning, %s", o.to,
			time.Unix(0, begin).UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// parseMoment reads a time: a duration since first, or a date and time. "" is 0.
func parseMoment(s string, first int64) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return first + d.Nanoseconds(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UnixNano(), nil
	}
	return 0, fmt.Errorf("%q is neither a time since the trace's beginning, such as 1.5s, nor one such as "+
		"2026-11-22T10:00:00.5Z", s)
}
