package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/cmd/gosched/internal/policy"
)

// policyOptions are a policy file, whose settings become those flags of record that the command line
// does not have.
type policyOptions struct {
	path       string
	set        []policy.Setting // those that became flags
	overridden []policy.Setting // those for which the command line has something else
	before     *recordOptions   // what the command line alone said
	given      []string         // the flags that it has
}

// remember keeps what the command line alone says, for the policy to be read again.
func (o *policyOptions) remember(opts *recordOptions, flags *pflag.FlagSet) {
	before := *opts
	o.before = &before
	flags.Visit(func(f *pflag.Flag) { o.given = append(o.given, f.Name) })
}

// reload reads the policy again, and gives the options that follow from it and the command line, with
// the keys that have changed. On an error what was read before holds.
func (o *policyOptions) reload() (opts *recordOptions, changed []string, err error) {
	opts = new(recordOptions)
	flags := recordCommand(opts).Flags()
	*opts = *o.before
	for _, name := range o.given {
		flags.Lookup(name).Changed = true
	}
	opts.policy.given, opts.policy.before = o.given, o.before
	if err := opts.policy.apply(flags); err != nil {
		return nil, nil, err
	}
	if err := opts.policy.blame(opts.contradictions(flags)); err != nil {
		return nil, nil, err
	}
	return opts, changedKeys(o.set, opts.policy.set), nil
}

// changedKeys are the keys whose values differ, in the order of the file.
func changedKeys(was, is []policy.Setting) (keys []string) {
	values := func(list []policy.Setting, key string) []string {
		i := slices.IndexFunc(list, func(s policy.Setting) bool { return s.Key == key })
		if i < 0 {
			return nil
		}
		return list[i].Values
	}
	for _, s := range policy.Keys() {
		if !slices.Equal(values(was, s.Key), values(is, s.Key)) {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

func (o *policyOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.path, "policy", "", "take flags that are not given from this policy `file`, at SIGHUP again: "+
		"see help policy")
}

// apply sets the flags that the policy names and the command line does not. The first setting that is
// not valid is an error.
func (o *policyOptions) apply(flags *pflag.FlagSet) error {
	if o.path == "" {
		return nil
	}
	settings, err := readPolicy(o.path)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if flags.Changed(s.Flag) {
			o.overridden = append(o.overridden, s)
			continue
		}
		if err := setFlag(flags, s); err != nil {
			return fmt.Errorf("%s: %w", o.path, err)
		}
		o.set = append(o.set, s)
	}
	return nil
}

// readPolicy reads a policy file.
func readPolicy(path string) ([]policy.Setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	defer f.Close()
	settings, err := policy.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// setFlag gives a flag a policy's values. What is wrong with one is said as the flag itself says it.
func setFlag(flags *pflag.FlagSet, s policy.Setting) error {
	for _, value := range s.Values {
		err := flags.Set(s.Flag, value)
		if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			return valueError(s.Key, invalid)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Key, err)
		}
	}
	return nil
}

// flagNames finds flags in errors.
var flagNames = regexp.MustCompile(`--([a-z]+(?:-[a-z]+)*)`)

// blame says of an error about flags which of them are settings of the policy.
func (o *policyOptions) blame(err error) error {
	if err == nil {
		return nil
	}
	var keys []string
	for _, named := range flagNames.FindAllStringSubmatch(err.Error(), -1) {
		for _, s := range o.set {
			if s.Flag == named[1] && !slices.Contains(keys, s.Key) {
				keys = append(keys, s.Key)
			}
		}
	}
	if len(keys) == 0 {
		return err
	}
	return fmt.Errorf("%s: %s: %w", o.path, strings.Join(keys, ", "), err)
}

// note says which settings the command line overrides; "" where it does none.
func (o *policyOptions) note() string {
	if len(o.overridden) == 0 {
		return ""
	}
	var keys []string
	for _, s := range o.overridden {
		keys = append(keys, s.Key)
	}
	return fmt.Sprintf("the command line overrides %d of the %d settings of %s: %s", len(keys),
		len(o.set)+len(keys), o.path, strings.Join(keys, ", "))
}
