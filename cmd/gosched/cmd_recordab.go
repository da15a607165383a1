package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/ab"
	"github.com/gosched/gosched/cmd/gosched/internal/input"
	"github.com/gosched/gosched/cmd/gosched/internal/output"
)

type recordABOptions struct {
	probeOptions
	base, head string
	runs       int
	warmUps    int
	duration   time.Duration
	output     string
	force      bool
	ignoreExit bool
	goTrace    bool
	noCompare  bool
	compare    compareOptions
}

const defaultABFolder = "ab"

func newRecordABCommand() *cobra.Command {
	var opts recordABOptions
	cmd := &cobra.Command{
		Use:   "record-ab --base COMMAND --head COMMAND",
		Short: "Record two commands, interleaved, and compare them",
		Long: `Record two commands, such as a program before and after a change, several times each,
interleaved, and compare the recordings. Interleaved means base head head base, then head
base base head, and so on, so that a drift of the machine meets both alike.

A COMMAND is one argument. It is split into words as a shell does, but no shell runs:
quotes, $VARIABLE and VARIABLE=value in front are understood, pipes and redirections are
not. It is recorded from its first instruction until it exits, or with -d until that time
is over. Then it gets SIGTERM, and after 5 seconds SIGKILL, because the next one must not
run beside it; whatever it left behind in its process group is killed. Its standard input
is empty. If a command exits by itself with a code other than 0, everything stops.

Recordings go to DIR/base/01.parquet, DIR/head/02.parquet and so on, numbered in the order
in which they were made; what the commands print goes to DIR/01-base.log and so on. After
an error or Ctrl-C, the finished recordings stay.

Recording needs root, as gosched record does. With --go-trace it does not: the commands
write Go execution traces themselves, and those are imported. The path to write to
replaces {trace} in COMMAND, and is in the environment variable GOSCHED_TRACE.`,
		Example: `  sudo gosched record-ab --base './old -n 1000' --head './new -n 1000'
  sudo gosched record-ab --base ./old-server --head ./new-server -d 10s --runs 10 -o ab/
  sudo gosched record-ab --base 'GOGC=100 ./server' --head 'GOGC=400 ./server' -d 10s
  gosched record-ab --go-trace --base './old.test -test.bench . -test.trace={trace}' \
      --head './new.test -test.bench . -test.trace={trace}'`,
		Args: arguments(onlyCommands),
		RunE: func(cmd *cobra.Command, _ []string) error {
			commands, err := opts.check(cmd.Flags())
			if err != nil {
				return usageError(cmd, err)
			}
			return runRecordAB(cmd.Context(), opts, commands, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func (o *recordABOptions) addFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringVar(&o.base, "base", "", "the `command` to compare with")
	flags.StringVar(&o.head, "head", "", "the `command` that is compared")
	flags.IntVar(&o.runs, "runs", 6, "`recordings` of each")
	flags.DurationVarP(&o.duration, "duration", "d", 0, "end a command after this long; 0: let it exit")
	flags.IntVar(&o.warmUps, "warmup", 1, "first run each this many `times` without recording it")
	flags.StringVarP(&o.output, "output", "o", defaultABFolder, "the `folder` for recordings and logs")
	flags.BoolVarP(&o.force, "force", "f", false, "replace the recordings and logs in that folder")
	flags.BoolVar(&o.ignoreExit, "ignore-exit", false, "go on even if a command exits with a code other than 0")
	flags.BoolVar(&o.goTrace, "go-trace", false, "the commands write Go execution traces: no privileges needed")
	o.probeOptions.addFlags(flags)
	flags.BoolVar(&o.noCompare, "no-compare", false, "only record")
	o.compare.addFlags(flags)
}

func onlyCommands(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("what is %q for? Each command is one argument: quote it", args[0])
	}
	return nil
}

// check finds what is wrong with the options before anything is touched, and splits the commands.
func (o *recordABOptions) check(flags *pflag.FlagSet) (map[ab.Side]*ab.Command, error) {
	switch {
	case o.base == "" || o.head == "":
		return nil, fmt.Errorf("record what? Give %s", missingSides(o.base != "", o.head != "", " COMMAND"))
	case o.runs < 1:
		return nil, errors.New("--runs must be at least 1")
	case o.warmUps < 0:
		return nil, errors.New("--warmup must not be negative")
	case o.duration < 0:
		return nil, fmt.Errorf("a recording of %v is not possible", o.duration)
	case o.output == "":
		return nil, errors.New("the output has no name")
	}
	if err := checkPurpose(flags); err != nil {
		return nil, err
	}
	if err := o.checkGoTrace(flags); err != nil {
		return nil, err
	}
	if !o.noCompare {
		if err := o.compare.check(flags); err != nil {
			return nil, err
		}
	}
	commands, err := o.commands()
	if err != nil {
		return nil, err
	}
	return commands, o.checkFolder()
}

// checkFolder refuses a folder with something else in it.
func (o *recordABOptions) checkFolder() error {
	err := ab.CheckFolder(o.output)
	switch {
	case !errors.Is(err, ab.ErrNotEmpty):
		return err
	case o.force:
		return nil
	}
	return fmt.Errorf("%w: name another folder with -o, or replace its recordings with --force", err)
}

// checkGoTrace refuses what makes no sense together with --go-trace.
func (o *recordABOptions) checkGoTrace(flags *pflag.FlagSet) error {
	if !o.goTrace {
		return nil
	}
	if o.duration != 0 {
		return errors.New("-d is not for --go-trace: a command that is ended writes no whole Go trace; let it exit " +
			"by itself")
	}
	var err error
	probes := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(probeOptions).addFlags(probes)
	probes.VisitAll(func(f *pflag.Flag) {
		if flags.Changed(f.Name) {
			err = fmt.Errorf("--%s is for recording with eBPF, not for --go-trace", f.Name)
		}
	})
	return err
}

func (o *recordABOptions) commands() (map[ab.Side]*ab.Command, error) {
	commands := map[ab.Side]*ab.Command{}
	for _, c := range []struct {
		side ab.Side
		text string
	}{{ab.Base, o.base}, {ab.Head, o.head}} {
		cmd, err := ab.ParseCommand(c.text, os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", c.side, err)
		}
		if !o.goTrace && cmd.WantsTrace() {
			return nil, fmt.Errorf("--%s: %s is for --go-trace", c.side, ab.TracePlace)
		}
		commands[c.side] = cmd
	}
	return commands, nil
}

func runRecordAB(ctx context.Context, opts recordABOptions, commands map[ab.Side]*ab.Command, out,
	notes io.Writer) error {
	ctx, stop := untilEnding(ctx, input.Endings...)
	defer stop()
	runner, err := opts.runner(commands)
	if err != nil {
		return err
	}
	err = ab.Record(ctx, ab.Options{
		Commands: commands, Runner: runner, Dir: opts.output, Runs: opts.runs, WarmUps: opts.warmUps,
		IgnoreExit: opts.ignoreExit, Notes: notes, HandOver: output.HandOver,
	})
	if errors.Is(err, ab.ErrForeign) {
		return fmt.Errorf("%w: move it elsewhere, or name another folder with -o", err)
	}
	if err != nil {
		return err
	}
	base, err := ab.Recordings(opts.output, ab.Base)
	if err != nil {
		return err
	}
	head, err := ab.Recordings(opts.output, ab.Head)
	if err != nil {
		return err
	}
	if opts.noCompare {
		fmt.Fprintf(notes, "compare: %s\n", opts.compare.line(base, head))
		return nil
	}
	fmt.Fprintf(notes, "compare again: %s\n", opts.compare.line(base, head))
	return runCompare(ctx, opts.compare, base, head, out, notes)
}

// line is the command that compares recordings by the same policy.
func (o *compareOptions) line(base, head []string) string {
	line := "gosched compare"
	add := func(flag string, values ...string) {
		for _, v := range values {
			line += " " + flag + " " + quoted(v)
		}
	}
	add("--base", patternsOf(base)...)
	add("--head", patternsOf(head)...)
	if o.policy != "" {
		add("--policy", o.policy)
	}
	add("--allow", o.allow...)
	if list := o.percentiles.list; list != "" {
		add("--percentiles", list)
	}
	return line
}

// quoted is a word as a shell takes it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// runner checks whether the commands can be run and recorded here, before anything is.
func (o *recordABOptions) runner(commands map[ab.Side]*ab.Command) (ab.Runner, error) {
	if !o.goTrace {
		return o.probes(commands)
	}
	_, err := findPrograms(commands)
	return ab.GoTraces(inputs(io.Discard), o.ignoreExit), err
}

// findPrograms looks up the programs of both commands.
func findPrograms(commands map[ab.Side]*ab.Command) (paths map[ab.Side]string, err error) {
	paths = map[ab.Side]string{}
	for _, s := range []ab.Side{ab.Base, ab.Head} {
		if paths[s], err = commands[s].Find(); err != nil {
			return nil, fmt.Errorf("--%s: %w", s, err)
		}
	}
	return paths, nil
}

// patternsOf are what --base and --head take for these recordings: one pattern, or where the
// folder's name would be one too the recordings one by one.
func patternsOf(recordings []string) []string {
	below := filepath.Dir(recordings[0])
	if strings.ContainsAny(below, `*?[\`) {
		return recordings
	}
	return []string{filepath.Join(below, "*.parquet")}
}
