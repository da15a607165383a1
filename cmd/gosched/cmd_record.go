package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type recordOptions struct {
	probeOptions
	sampling samplingOptions
	flight   keepOptions
	choose   chooseOptions
	policy   policyOptions
	budget   budgetOptions
	metrics  metricsOptions
	pids     pidsFlag
	duration time.Duration
	output   string
	force    bool
	json     bool
	command  []string
}

const defaultTrace = "trace.parquet"

func newRecordCommand() *cobra.Command {
	return recordCommand(new(recordOptions))
}

// recordCommand makes the command that parses into these options.
func recordCommand(opts *recordOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "record {-p PID… | RULE… | [--follow] [--] COMMAND [ARGUMENT…]}",
		Short: "Record Go processes into a trace",
		Long: `Record what the scheduler does with every goroutine of a process into a Parquet
trace: creation, running, waiting and for what, being woken and by whom, system
calls, preemption, exit, with stacks; and the process's threads on the CPUs.

With -p a running process is recorded until it exits, -d is over, or Ctrl-C. With
several (-p A -p B, or -p A,B) all go into one trace, on one clock. If one of them
exits, the others go on; if one cannot be recorded, none is.

A command is recorded from its first instruction. gosched passes signals on to it and
exits with its exit code; with -d the command runs on after the recording, and gosched
waits for it. It runs as the same user as gosched, unless --user names another.

Processes are also picked by rules: --cgroup, --container, --comm, --exe, --all-go. Those
that run are recorded, and those that come later from some tens of milliseconds after
their start, until -d is over or Ctrl-C; as many as come, 64 at once. Rules of one kind
are alternatives; of several kinds, a process must satisfy each. With --follow the rules
pick among a command and the processes that it starts, without rules all; the recording
ends with the command.

The go command is a program too: gosched record -- go test records the go command, not
the tests. gosched record --follow --exe '*.test' -- go test ./... records those, each as a
process of its own; go test -exec 'gosched record --' records one from its first
instruction.

The process is not changed: the kernel holds the probes, and removes them when gosched
ends, however it ends.

As soon as everything is watched, a line "recording since TIME", in UTC, appears on
stderr: scripts can wait for it.

The trace is one file, or with -o DIR/ a folder of segments, each readable while
the recording goes on. After a kill -9 of gosched the folder, or FILE.partial/,
holds all but the last second (with --sample, the last five), and every command reads
it. Only its owner can read a trace; under sudo the owner is the user who called sudo.

With --sample nothing is attached: all goroutines are read from the process's memory at
random instants. The process does not notice, and it takes no eBPF and no root for one's
own processes; delays and who woke whom cannot be told from that.

Recording needs root, or CAP_BPF and CAP_PERFMON, and for another user's process
CAP_SYS_PTRACE too. gosched check says what else may be needed, and what a machine and
a binary can do. Once everything is watched, privileges that are not needed any more are
given up.

In a PID namespace, such as a container's, give the PID that ps shows there; the
trace has the root namespace's.`,
		Example: `  sudo gosched record -p 4711 -d 10s                       # into trace.parquet
  sudo gosched record -p 4711 -o slow.parquet --without syscalls,kernel
  sudo gosched record -p 4711 --for latency                # what delays need, and no more
  sudo gosched record -p 4711,4712 -o both.parquet         # two processes, one trace
  sudo gosched record --container 3f2a --exe api -d 1m     # of a container, also after a restart
  gosched record --sample 20/s -p 4711 -d 60s              # nothing attached, nothing to pay
  sudo gosched record -p 4711 --max-overhead 1%            # in windows if need be
  sudo gosched record -o segments/ --user www -- ./server  # from its first instruction`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.command = args
			opts.policy.remember(opts, cmd.Flags())
			err := opts.policy.apply(cmd.Flags())
			if err == nil {
				err = opts.policy.blame(errors.Join(opts.check(cmd.Flags().Changed("pid")),
					opts.contradictions(cmd.Flags())))
			}
			if err != nil {
				return usageError(cmd, err)
			}
			return runRecord(cmd.Context(), *opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.VarP(&opts.pids, "pid", "p", "record the running process with this `PID`; may be repeated")
	flags.DurationVarP(&opts.duration, "duration", "d", 0, "record for this long; 0: until the process exits or Ctrl-C")
	flags.StringVarP(&opts.output, "output", "o", defaultTrace, "trace `file`, or folder/ for segments")
	flags.BoolVarP(&opts.force, "force", "f", false, "overwrite the trace file if it is there")
	opts.probeOptions.addFlags(flags)
	opts.sampling.addFlags(flags)
	opts.flight.addFlags(flags)
	opts.choose.addFlags(flags)
	opts.choose.addFollow(flags)
	opts.policy.addFlags(flags)
	opts.budget.addFlags(flags)
	opts.metrics.addFlags(flags)
	jsonFlag(cmd, &opts.json)
	return cmd
}

// contradictions finds flags that do not go together, whatever is recorded.
func (o *recordOptions) contradictions(flags *pflag.FlagSet) error {
	return errors.Join(o.sampling.check(flags), o.flight.check(flags), o.choose.check(len(o.command) > 0),
		checkPurpose(flags), o.metrics.check(), o.budget.check(flags))
}

// check finds what is wrong with the options before anything is touched.
func (o *recordOptions) check(havePID bool) error {
	switch {
	case havePID && len(o.command) > 0:
		return errors.New("either -p PID or a command, not both")
	case !havePID && len(o.command) == 0 && !o.choose.any():
		return errors.New("record what? Give -p PID, or a command")
	case havePID && o.user != "":
		return errors.New("--user is for a command, not for a process that runs already")
	case o.duration < 0:
		return fmt.Errorf("a recording of %v is not possible", o.duration)
	case o.output == "":
		return errors.New("the output has no name")
	}
	if o.flight.keep != 0 {
		return nil // what it keeps in is a folder, and is looked at when that is opened
	}
	return refuseToOverwrite(o.output, o.force)
}
