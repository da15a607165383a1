package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/input"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/format"
)

type goroutinesOptions struct {
	pid     pidFlag
	profile string
	at      string
	pprof   string
	force   bool
	layout  layoutOptions
	system  bool
	json    bool
}

func newGoroutinesCommand() *cobra.Command {
	var opts goroutinesOptions
	cmd := &cobra.Command{
		Use:   "goroutines TRACE… | -p PID",
		Short: "Where goroutines stand and how they got there: bottlenecks, queued, leaked or idle",
		Long: `Print the goroutines that are left at the end of a trace in groups: how many stand at
a place, since when, how often they were woken and by whom, and what they spent their
time on. Where the trace has evidence for it, a verdict says that they are a bottleneck
for which others wait, queued behind one, leaked, stuck, slow, busy or idle as designed.

--profile lays a goroutine profile beside the trace: what net/http/pprof gives at
/debug/pprof/goroutine (debug=0, 1 or 2) or /debug/pprof/goroutineleak, or what a Go
program printed when it crashed.

--at prints every goroutine as it stood at that time as Go does in a crash, or writes
it with --pprof for go tool pprof. The time is one since the trace's first event, such
as 1.5s, or a time of day with a date, such as 2026-11-22T10:00:00.5Z. In a trace of
several processes each goroutine has a label with the pid of its own.

-p reads the goroutines of a running process from its memory, without eBPF, without
stopping it and without a pprof port, and prints them like --at.
Each is shown as it was at some moment of the reading.

Of a trace that was sampled without probes it prints how many goroutines there were
over time, whether they become more, and which of them no round saw move.

TRACE is a file, a folder of segments or a glob; several of one recording are one
trace.`,
		Example: `  gosched goroutines trace.parquet
  gosched goroutines --profile goroutine.pb.gz trace.parquet
  gosched goroutines --at 2.5s trace.parquet
  gosched goroutines --at 2.5s --pprof then.pb.gz trace.parquet
  sudo gosched goroutines -p $(pidof server)
  sudo gosched goroutines -p $(pidof server) --pprof now.pb.gz
  gosched goroutines --json trace.parquet | jq '.groups[] | select(.verdict == "leaked")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(opts.check(cmd.Flags().Changed("pid"), args), opts.layout.check(cmd.Flags())); err != nil {
				return usageError(cmd, err)
			}
			if opts.pid != 0 {
				return runLiveGoroutines(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return runGoroutines(cmd.Context(), opts, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.profile, "profile", "", "lay this goroutine profile beside the trace (`file`)")
	flags.StringVar(&opts.at, "at", "", "print every goroutine as it stood at this `time`")
	flags.VarP(&opts.pid, "pid", "p", "print every goroutine of the running process with this `PID`")
	flags.StringVar(&opts.pprof, "pprof", "", "with --at or -p: write them to this `file` for go tool pprof")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite that file if it is there")
	layoutFlags(cmd, &opts.layout)
	flags.BoolVar(&opts.system, "system", false, "list the runtime's own goroutines too")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *goroutinesOptions) check(havePID bool, traces []string) error {
	switch {
	case havePID && (len(traces) > 0 || o.at != "" || o.profile != ""):
		return errors.New("-p reads a running process: give it no trace, no --at and no --profile")
	case !havePID && len(traces) == 0:
		return errors.New("which goroutines? Name a trace, or a running process with -p")
	case o.at != "" && o.profile != "":
		return errors.New("either --at or --profile, not both")
	case o.pprof != "" && o.at == "" && !havePID:
		return errors.New("--pprof writes the goroutines of an instant: say which with --at, or a running process " +
			"with -p")
	case o.pprof != "" && o.json:
		return errors.New("either --json or --pprof, not both")
	}
	return nil
}

func runGoroutines(ctx context.Context, opts goroutinesOptions, paths []string, out, notes io.Writer) error {
	prof, err := input.Profile(opts.profile)
	if err != nil {
		return err
	}
	trace, err := inputs(notes).Trace(ctx, paths)
	if err != nil {
		return err
	}
	defer trace.Close()
	if opts.at != "" {
		return runInstant(ctx, opts, trace, out, notes)
	}
	if meta := trace.Metadata(); caveat.Sampled(&meta) {
		return runSampledGoroutines(ctx, opts, trace, prof, out)
	}
	pass := goroutines.New()
	summary, err := replay.Run(ctx, trace, pass)
	if err != nil {
		return err
	}
	result := pass.Result(summary, prof)
	document := result.Document(goroutines.View{System: opts.system})
	if err := present(out, opts.json, opts.layout, result, document); err != nil {
		return err
	}
	if result.Goroutines == 0 {
		return &exitError{code: exitInconclusive, err: errors.New("no goroutine was left at the end of the trace")}
	}
	return nil
}

func runInstant(ctx context.Context, opts goroutinesOptions, trace format.Trace, out, notes io.Writer) error {
	first, last := trace.Bounds()
	at, err := parseMoment(opts.at, first)
	if err != nil {
		return fmt.Errorf("--at: %w", err)
	}
	meta := trace.Metadata()
	if begin, end := earliest(meta.StartNS, first), max(meta.EndNS, last); at < begin || at > end {
		return fmt.Errorf("--at %s is not in the trace, which reaches from %s before its first event to %s after it",
			opts.at, report.FormatDuration(first-begin), report.FormatDuration(end-first))
	}
	return printInstant(ctx, opts, trace, at, out, notes)
}

// runLiveGoroutines prints the goroutines of a running process.
func runLiveGoroutines(ctx context.Context, opts goroutinesOptions, out, notes io.Writer) error {
	trace, err := readGoroutines(ctx, int(opts.pid), notes)
	if err != nil {
		return err
	}
	meta := trace.Metadata()
	fmt.Fprintf(notes, "read within %s: each goroutine as it was at some moment of that time\n",
		report.FormatDuration(meta.EndNS-meta.StartNS))
	return printInstant(ctx, opts, trace, meta.EndNS, out, notes)
}

func printInstant(ctx context.Context, opts goroutinesOptions, trace format.Trace, at int64, out,
	notes io.Writer) error {
	pass := goroutines.At(at)
	if _, err := replay.Run(ctx, trace, pass); err != nil {
		return err
	}
	prof, lost := pass.Profile()
	if since := pass.SinceRound(); since > 0 {
		fmt.Fprintf(notes, "as the last round found them, which began %s before\n", report.FormatDuration(since))
	}
	if lost > 0 {
		fmt.Fprintf(notes, "%s more may have been there: moves or events around that time are missing\n",
			report.FormatNumber(lost, "goroutine"))
	}
	return writeGoroutines(opts, at, prof, out)
}

// earliest is the beginning of a trace whose recording may not say when it began.
func earliest(start, first int64) int64 {
	if start == 0 {
		return first
	}
	return min(start, first)
}

// instantDocument is the document of `gosched goroutines --at TIME --json`.
type instantDocument struct {
	Version    int             `json:"version"`
	TimeNS     int64           `json:"time_ns"`
	Goroutines []profile.Group `json:"goroutines"`
}

func writeGoroutines(opts goroutinesOptions, at int64, prof *profile.Profile, out io.Writer) error {
	switch {
	case opts.json:
		doc := instantDocument{Version: goroutines.Version, TimeNS: at, Goroutines: prof.Groups}
		if doc.Goroutines == nil {
			doc.Goroutines = []profile.Group{}
		}
		return report.WriteJSON(out, doc)
	case opts.pprof != "":
		if err := refuseToOverwrite(opts.pprof, opts.force); err != nil {
			return err
		}
		return output.Profile(opts.pprof, prof)
	}
	return profile.WriteDump(out, prof)
}
