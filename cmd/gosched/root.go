package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// run runs the command line and returns the exit code. Results go to stdout,
// progress, notes and errors to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if text := errorText(err); text != "" {
		fmt.Fprintln(stderr, "gosched:", text)
	}
	return exitCode(err)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "gosched",
		Short: "Why did my goroutine not run?",
		Long: `gosched records a running Go process with eBPF, without changing or rebuilding it,
and answers from the trace why its goroutines did not run.`,
		Example: `  sudo gosched record -p $(pidof server) -d 10s    # 10 seconds into trace.parquet
  gosched latency trace.parquet                    # how long goroutines wait for a CPU, and why`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if before := cmd.Flags().Args(); cmd == root && len(before) > 0 { // what follows are its flags
			return unknownCommand(cmd, before[0])
		}
		return usageError(cmd, flagError(err))
	})
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newRecordCommand(),
		newRecordABCommand(),
		newTriggerCommand(),
		newImportCommand(),
		newLatencyCommand(),
		newBlockingCommand(),
		newRequestsCommand(),
		newGoroutinesCommand(),
		newCompareCommand(),
		newSummaryCommand(),
		newInfoCommand(),
		newDumpCommand(),
		newCheckCommand(),
		newVersionCommand(),
		newExitCodesTopic(),
		newFindingsTopic(),
		newTriggersTopic(),
		newPolicyTopic(),
	)
	return root
}

// newHelpCommand makes the help command, which does not answer a question that was not asked.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, left, err := cmd.Root().Find(args)
			if err != nil || len(left) > 0 {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			asked.InitDefaultHelpFlag()
			return asked.Help()
		},
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("there is no command %q", name)
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(similar, " or "))
	}
	return usageError(cmd, err)
}

// usageError is a mistake in the command line, with where to look it up.
func usageError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
}

// arguments wraps a cobra check of a command's arguments into a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError(cmd, err)
		}
		return nil
	}
}

// oneOrMoreTraces checks the arguments of a command that reads traces.
func oneOrMoreTraces(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("which trace? Name a file, a folder of segments or a glob")
	}
	return nil
}
