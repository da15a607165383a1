package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosched/gosched/record/flight"
)

type triggerOptions struct {
	pid    pidFlag
	socket string // or the folder that it is in
	reason string
	status bool
	json   bool
}

func newTriggerCommand() *cobra.Command {
	var opts triggerOptions
	cmd := &cobra.Command{
		Use:   "trigger {-p PID | DIR | SOCKET}",
		Short: "Have a flight recorder save what it keeps",
		Long: `Have a flight recorder, gosched record --keep, save the seconds that it keeps, with
those that follow. It is named by the folder that it keeps them in, by its socket, or
by the process that it records, where it is found among the sockets of this machine
that are called control.sock.

The folder that the trace will be in is printed at once; the trace appears there when
it is whole. Where too much has been saved already nothing is, and the exit code is 1.`,
		Example: `  gosched trigger -p 4711 --reason 'error rate'
  gosched trigger /var/lib/gosched/web --status`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == cmd.Flags().Changed("pid") {
				return usageError(cmd, errors.New("which recorder? Give its folder, its socket, or -p PID"))
			}
			if len(args) == 1 {
				opts.socket = args[0]
			}
			if opts.status && opts.reason != "" {
				return usageError(cmd, errors.New("either --status or --reason, not both"))
			}
			return runTrigger(cmd.Context(), opts, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.VarP(&opts.pid, "pid", "p", "the recorder of the process with this `PID`")
	flags.StringVar(&opts.reason, "reason", "", "why, in `words` that go into the trace's metadata")
	flags.BoolVar(&opts.status, "status", false, "save nothing: print how the recorder is")
	jsonFlag(cmd, &opts.json)
	return cmd
}

// triggerText is how a flight recorder is, in lines.
func triggerText(out io.Writer, dir string, rules []string, c flight.Counts) error {
	_, err := fmt.Fprintf(out, `keeps       %s, %d bytes in %d segments, in %s
saves when  %s
saved       %d of %d triggers; %d came too often or while one was being saved, %d could not be written
unwritten   %d segments
goroutines  %d
`, flight.Seconds(c.KeptNS), c.KeptBytes, c.KeptSegments, dir, strings.Join(append(rules, "it is asked"), "; "),
		c.Saved, c.Triggers, c.Suppressed, c.Failed, c.Unwritten, c.Goroutines)
	return err
}

// newTriggersTopic makes `gosched help triggers`.
func newTriggersTopic() *cobra.Command {
	var text strings.Builder
	text.WriteString("With gosched record --keep, a rule after --trigger says when what is kept is saved:\n\n" +
		"  METRIC>VALUE [for TIME]     or >=\n\n")
	for _, m := range flight.Metrics() {
		fmt.Fprintf(&text, "  %-14s %s\n  %-14s as in %s\n", m.Name, m.Meaning, "", m.Example)
	}
	text.WriteString("\nDelays and goroutines are looked at once a second, findings every ten seconds. A rule that\n" +
		"holds saves once, and again only after it has stopped holding. gosched help findings has the\n" +
		"names of findings.\n")
	return &cobra.Command{Use: "triggers", Short: "When a flight recorder saves what it keeps", Long: text.String()}
}
