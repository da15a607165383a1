package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

type checkOptions struct {
	pid    pidFlag
	binary string
	grant  string
	choose chooseOptions
	policy string
	json   bool
}

// grantNames are the grants in the order of the help; what they are is for Linux.
var grantNames = []string{"record", "sample", "all"}

func newCheckCommand() *cobra.Command {
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [-p PID | RULE… | BINARY]",
		Short: "Can this kernel, this user, this binary be recorded?",
		Long: `Check whether recording would work, without recording: what the kernel can do, which
privileges each use of gosched takes, and which of them are missing. For a process or a
binary, print its Go version, where each probe would sit and at what cost, and which
transitions would be missing from the trace and why. Each obstacle comes with what to do
about it.

A probe on an instruction that the kernel emulates costs the process under a microsecond
a hit; one on an instruction that it has to single-step costs several times that.

With --grant, print what to give gosched so that it can do what is named, and no more, on
this machine: the setcap command, the lines of a systemd unit, the securityContext of a
pod. record is any process by probes, sample is any process without them, all is commands
as other users too, and executables that only their owner may read.

With the rules by which record picks processes, list those that are picked now, and why
which of them cannot be recorded.

With --policy, explain a policy file for record: what each of its keys means, what it leaves
at its default, what contradicts, and whether this machine can do it.

Exit code 0: can be recorded; 4: cannot.`,
		Example: `  sudo gosched check               # this machine and this user
  sudo gosched check -p 4711       # and a running process
  gosched check --grant record     # the setcap command, and a pod's securityContext
  gosched check --policy policy.yaml
  gosched check ./server --json | jq '.transitions[] | select(.covered | not)'`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.binary = args[0]
			}
			if err := opts.check(cmd.Flags().Changed("pid")); err != nil {
				return usageError(cmd, err)
			}
			if opts.choose.any() {
				return runCheckPicked(opts, cmd.OutOrStdout())
			}
			return runCheck(cmd.Context(), opts, cmd.OutOrStdout())
		},
	}
	cmd.Flags().VarP(&opts.pid, "pid", "p", "check the running process with this `PID`")
	cmd.Flags().StringVar(&opts.grant, "grant", "", "print what to give gosched for `USE`: "+
		strings.Join(grantNames, ", "))
	opts.choose.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&opts.policy, "policy", "", "explain this policy `file`, and what this machine can do of it")
	jsonFlag(cmd, &opts.json)
	return cmd
}

func (o *checkOptions) check(havePID bool) error {
	switch {
	case havePID && o.binary != "":
		return errors.New("either -p PID or a binary, not both")
	case o.policy != "" && (havePID || o.binary != "" || o.grant != ""):
		return errors.New("--policy is about a file and this machine: without -p PID, a binary and --grant")
	case o.grant != "" && (havePID || o.binary != ""):
		return errors.New("--grant is about this machine: without -p PID and without a binary")
	case o.grant != "" && !slices.Contains(grantNames, o.grant):
		return fmt.Errorf("--grant: there is no use %q: there are %s", o.grant, strings.Join(grantNames, ", "))
	}
	if o.choose.any() && (havePID || o.binary != "" || o.grant != "") {
		return errors.New("rules pick processes: without -p PID, a binary and --grant")
	}
	return o.choose.check(false)
}
