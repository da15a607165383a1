package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/compare"
	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/input"
)

// compareOptions say how recordings are compared and how the result is printed.
type compareOptions struct {
	policy  string // "": gosched.yaml where it is there
	allow   []string
	reports []string // files to write it to as well, each as its extension says
	layout  layoutOptions
	json    bool

	percentiles percentileOptions
	judged      *policy.Policy // set by check
}

func newCompareCommand() *cobra.Command {
	var opts compareOptions
	var base, head []string
	cmd := &cobra.Command{
		Use:   "compare --base RECORDING… --head RECORDING…",
		Short: "Is one build worse than another? A verdict for CI",
		Long: `Compare the recordings of two builds and say whether scheduling latency or blocking
got worse: with an exit code, and with the code that waits more and who makes it wait.

A recording is one run of a program: a trace, a folder of segments, a Go execution
trace, or an entry of a summary (gosched summary). The recording is what counts, not the
events in it: two recordings of one program differ, and thousands of delays in each
make that look certain. Six of each side, interleaved (gosched record-ab), tell a
change from that; one of each only a gross one.

A metric is worse if the interval of the ratio is beyond what the policy calls a
change, the difference is above its floor, and p, adjusted for the number of metrics,
is below 0.05. Without a policy the gating metrics are:

` + metricList() + `
delay is from runnable to running; excluding CPU contention, the time in which a thread
had no CPU of the machine is left out. contention is waits for a Mutex or RWMutex.
blocked time is all waits but idle ones and sleeps; 1 s/s is one goroutine all the time.

Sequential recordings, base before head, need a change of ` + report.FormatRatio(policy.DefaultSequential) + ` or more.
Rules look for what is no number; those marked * gate too:

` + policyRuleList() + `
Recordings that differ in more than the code are not comparable; --allow NAME accepts a
difference:

` + differenceList() + `
--percentiles chooses those that are reported; a policy says which ones gate.

--policy names a file with other metrics, effects and floors, and with what is known
and suppressed until a date; ` + input.DefaultPolicy + ` in the current folder is read if it is there.

--report FILE writes the result to a file as well; its extension says the format:

` + reportList() + `
Exit codes: 0 not worse, 1 worse, 2 bad input, 3 inconclusive or not comparable.`,
		Example: `  gosched compare --base 'base/*.parquet' --head 'head/*.parquet'
  gosched compare --base base.summary.parquet --head 'head/*.parquet' --report report.md
  gosched compare --base old.trace --head new.trace --allow go-version
  gosched compare --base 'base/*' --head 'head/*' --report report.html --report junit.xml`,
		Args: arguments(onlyFlags),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(base) == 0 || len(head) == 0 {
				missing := missingSides(len(base) > 0, len(head) > 0, "")
				return usageError(cmd, fmt.Errorf("compare what? Give %s", missing))
			}
			if err := opts.check(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			return runCompare(cmd.Context(), opts, base, head, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&base, "base", nil, "`recordings` of the build to compare with: files, folders or globs; "+
		"may be given again")
	flags.StringArrayVar(&head, "head", nil, "`recordings` of the build to judge")
	opts.addFlags(flags)
	return cmd
}

// missingSides says which of --base and --head are to be given, each with what follows it.
func missingSides(base, head bool, what string) string {
	switch {
	case base:
		return "--head" + what + " too"
	case head:
		return "--base" + what + " too"
	}
	return "--base" + what + " and --head" + what
}

func onlyFlags(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q is not a flag: recordings are given with --base and --head, and globs in quotes", args[0])
	}
	return nil
}

// addFlags adds the flags of all commands that compare.
func (o *compareOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.policy, "policy", "", "judge by this `file`; default "+input.DefaultPolicy+" if it is there")
	flags.StringSliceVar(&o.allow, "allow", nil, "compare although recordings differ in these `differences`")
	flags.StringArrayVar(&o.reports, "report", nil, "also write the result to this `file`, in the format of its "+
		"extension; may be given again")
	o.layout.addFlags(flags)
	o.percentiles.addFlags(flags, "report these `percentiles`, such as 50,95,99.99, beside the gating metrics")
	flags.BoolVar(&o.json, "json", false, `print a JSON document with "version": 1`)
}

// check finds what is wrong with the options, and reads the policy, before any recording is read or
// made.
func (o *compareOptions) check(flags *pflag.FlagSet) (err error) {
	for _, path := range o.reports {
		if err := checkReport(path); err != nil {
			return err
		}
	}
	if err := o.layout.check(flags); err != nil {
		return err
	}
	list, err := o.percentiles.read(flags)
	if err != nil {
		return err
	}
	if o.judged, err = o.readPolicy(); err != nil {
		return err
	}
	o.judged.Percentiles = list
	return nil
}

// runCompare prints the comparison, by options that were checked, and makes the verdict the exit
// code.
func runCompare(ctx context.Context, opts compareOptions, base, head []string, out, notes io.Writer) error {
	baseRuns, err := inputs(notes).Recordings(ctx, base)
	if err != nil {
		return fmt.Errorf("base: %w", err)
	}
	headRuns, err := inputs(notes).Recordings(ctx, head)
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	result := compare.Compare(baseRuns, headRuns, opts.judged)
	if err := opts.print(out, result); err != nil {
		return err
	}
	return verdictError(result.Verdict)
}

func (o *compareOptions) readPolicy() (*policy.Policy, error) {
	judged, err := input.Policy(o.policy)
	if err != nil {
		return nil, err
	}
	return judged, judged.Allow(o.allow)
}

// print writes the result, and each report that is wanted of it.
func (o *compareOptions) print(out io.Writer, result *compare.Result) error {
	document := result.Document()
	err := present(out, o.json, o.layout, result, document)
	return errors.Join(err, writeReports(o.reports, result, document))
}

// verdictError is the exit code of a verdict; the result has said why.
func verdictError(v compare.Verdict) error {
	switch v {
	case compare.Worse:
		return &exitError{code: exitGate}
	case compare.Inconclusive, compare.NotComparable:
		return &exitError{code: exitInconclusive}
	}
	return nil
}

// metricList is the gating metrics where there is no policy.
func metricList() string {
	var b strings.Builder
	for _, g := range policy.Default().Metrics {
		fmt.Fprintf(&b, "  %-36s %s and %s more\n", g.Metric, report.FormatRatio(g.Effect), g.FloorText())
	}
	return b.String()
}

func policyRuleList() string {
	var b strings.Builder
	for _, r := range policy.Rules {
		mark := " "
		if r.Limit.Gate {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s %-12s %s\n", mark, r.Name, wrapped(r.Text, 15))
	}
	return b.String()
}

func differenceList() string {
	var b strings.Builder
	for _, d := range policy.Differences {
		fmt.Fprintf(&b, "  %-12s %s\n", d.Name, wrapped(d.Text, 15))
	}
	return b.String()
}
