package main

import (
	"errors"

	"github.com/spf13/cobra"
)

type checkOptions struct {
	pid    pidFlag
	binary string
	json   bool
}

func newCheckCommand() *cobra.Command {
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [-p PID | BINARY]",
		Short: "Can this kernel, this user, this binary be recorded?",
		Long: `Check whether recording would work, without recording: what the kernel can do, which
privileges each use of gosched takes, and which of them are missing. For a process or a
binary, print its Go version, where each probe would sit and at what cost, and which
transitions would be missing from the trace and why. Each obstacle comes with what to do
about it.

A probe on an instruction that the kernel emulates costs the process under a microsecond
a hit; one on an instruction that it has to single-step costs several times that.

Exit code 0: can be recorded; 4: cannot.`,
		Example: `  sudo gosched check               # this machine and this user
  sudo gosched check -p 4711       # and a running process
  gosched check ./server --json | jq '.transitions[] | select(.covered | not)'`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.binary = args[0]
			}
			if err := opts.check(cmd.Flags().Changed("pid")); err != nil {
				return usageError(cmd, err)
			}
			return runCheck(cmd.Context(), opts, cmd.OutOrStdout())
		},
	}
	cmd.Flags().VarP(&opts.pid, "pid", "p", "check the running process with this `PID`")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *checkOptions) check(havePID bool) error {
	switch {
	case havePID && o.binary != "":
		return errors.New("either -p PID or a binary, not both")
	}
	return nil
}
