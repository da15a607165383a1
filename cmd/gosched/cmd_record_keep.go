package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/rules"
	"github.com/gosched/gosched/record/flight"
)

// keepOptions are the flags of a flight recorder: of a recording of which only the last part is kept.
type keepOptions struct {
	keep      time.Duration // 0: everything is written
	keepBytes bytesFlag
	after     time.Duration
	rules     rulesFlag
	limit     limitFlag
	distance  time.Duration
	retain    flight.Retention
	bytes     bytesFlag
	control   string
}

// keepFlags are the names of the flags that mean something with --keep only.
var keepFlags = []string{"keep-bytes", "after", "trigger", "trigger-limit", "trigger-distance", "retain",
	"retain-bytes", "retain-age", "control"}

func (o *keepOptions) addFlags(flags *pflag.FlagSet) {
	o.retain = flight.Retention{Count: flight.DefaultRetain}
	o.bytes, o.limit.value = flight.DefaultRetainBytes, flight.DefaultLimit
	o.keepBytes = flight.DefaultKeepBytes
	flags.DurationVar(&o.keep, "keep", 0, "keep only the last `time` in the folder of -o, until a trigger saves it")
	flags.Var(&o.keepBytes, "keep-bytes", "with --keep: keep no more `bytes`, however short that is")
	flags.DurationVar(&o.after, "after", flight.DefaultAfter, "with --keep: save this `time` after a trigger too")
	flags.Var(&o.rules, "trigger", "with --keep: save when this `rule` holds, as in 'p99-delay>20ms for 5s'; may be "+
		"repeated; see help triggers")
	flags.Var(&o.limit, "trigger-limit", "with --keep: save at most so `often`")
	flags.DurationVar(&o.distance, "trigger-distance", flight.DefaultDistance, "with --keep: let so much `time` be "+
		"between two triggers that save")
	flags.IntVar(&o.retain.Count, "retain", flight.DefaultRetain, "with --keep: let so `many` saved traces stay, "+
		"the latest; 0: all")
	flags.Var(&o.bytes, "retain-bytes", "with --keep: let saved traces of so many `bytes` stay")
	flags.DurationVar(&o.retain.Age, "retain-age", 0, "with --keep: let saved traces stay for this `time`; 0: for ever")
	flags.StringVar(&o.control, "control", "", "with --keep: take triggers on this `socket`; \"\": DIR/control.sock; "+
		"none: on none")
}

// check finds what is wrong with the flags.
func (o *keepOptions) check(flags *pflag.FlagSet) error {
	if !flags.Changed("keep") {
		for _, name := range keepFlags {
			if flags.Changed(name) {
				return fmt.Errorf("--%s is for --keep, with which only the last part of a recording is kept", name)
			}
		}
		return nil
	}
	if !flags.Changed("output") {
		return errors.New("--keep needs a folder of its own: name one with -o DIR")
	}
	if flags.Changed("force") {
		return errors.New("either --keep or --force, not both: what is kept overwrites nothing")
	}
	if name := flags.Lookup("output").Value.String(); strings.HasSuffix(name, ".parquet") {
		return fmt.Errorf("--keep keeps segments in a folder, and %s is a file's name: name a folder with -o DIR", name)
	}
	return errors.Join(o.checkRules(flags.Changed("sample")), o.options().Check())
}

// checkRules finds rules that could never hold.
func (o *keepOptions) checkRules(sampled bool) error {
	for _, r := range o.rules.list {
		if sampled && r.Metric != flight.MetricGoroutines && r.Metric != flight.MetricExit {
			return fmt.Errorf("rule %q: with --sample no delay and no finding is seen, so it would never hold; with "+
				"--sample there are rules about goroutines and exit", r)
		}
		if r.Finding != "" && !slices.Contains(rules.FindingNames(), r.Finding) {
			return fmt.Errorf("rule %q: no finding is called that: there are %s", r, strings.Join(rules.FindingNames(),
				", "))
		}
	}
	return nil
}

// options are those of the flight recorder.
func (o *keepOptions) options() flight.Options {
	retain := o.retain
	retain.Bytes = int64(o.bytes)
	opts := flight.Options{
		Keep: o.keep, KeepBytes: int64(o.keepBytes), After: o.after, Rules: o.rules.list, Limit: &o.limit.value,
		Distance: o.distance, Retain: &retain,
	}
	if o.after == 0 {
		opts.After = 1
	}
	if o.distance == 0 {
		opts.Distance = -1
	}
	if o.keep == 0 {
		opts.Keep = -1 // it was asked for
	}
	return opts
}

// rulesFlag is a list of rules.
type rulesFlag struct{ list []flight.Rule }

func (f *rulesFlag) Set(text string) error {
	rule, err := flight.ParseRule(text)
	if err == nil {
		f.list = append(f.list, rule)
	}
	return err
}

func (f *rulesFlag) String() string { return "" }

func (f *rulesFlag) Type() string { return "rule" }

// limitFlag is how often something may be: "6/h".
type limitFlag struct{ value flight.Limit }

func (f *limitFlag) Set(text string) (err error) {
	f.value, err = flight.ParseLimit(text)
	return err
}

func (f *limitFlag) String() string { return f.value.String() }

func (f *limitFlag) Type() string { return "limit" }

// bytesFlag is a size: "512MB".
type bytesFlag int64

func (f *bytesFlag) Set(text string) error {
	n, err := flight.ParseBytes(text)
	*f = bytesFlag(n)
	return err
}

func (f *bytesFlag) String() string { return flight.FormatBytes(int64(*f)) }

func (f *bytesFlag) Type() string { return "bytes" }
