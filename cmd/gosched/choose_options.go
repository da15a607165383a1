package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/record/choose"
)

// chooseOptions are the options that pick processes by rules, as they come.
type chooseOptions struct {
	cgroups    []string
	containers []string
	comms      []string
	exes       []string
	allGo      bool
	follow     bool
}

func (o *chooseOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.cgroups, "cgroup", nil, "processes in this cgroup or below: its `path`, or its folder")
	flags.StringArrayVar(&o.containers, "container", nil, "processes in the container with this `id`, or the only one "+
		"whose id begins so")
	flags.StringArrayVar(&o.comms, "comm", nil, "processes of this short `name`, as ps -o comm prints it, or a glob")
	flags.StringArrayVar(&o.exes, "exe", nil, "processes whose executable has this `name`, or with slashes this path; "+
		"or a glob")
	flags.BoolVar(&o.allGo, "all-go", false, "every Go process")
}

// addFollow adds the flag that picks the processes of a command.
func (o *chooseOptions) addFollow(flags *pflag.FlagSet) {
	flags.BoolVar(&o.follow, "follow", false, "with a command: record the processes that it starts, and they start")
}

// rules are the kinds of rules that were given, as their flags.
func (o *chooseOptions) rules() (given []string) {
	for flag, patterns := range o.patterns() {
		if len(patterns) > 0 {
			given = append(given, flag)
		}
	}
	slices.Sort(given)
	return given
}

// unmatched says that no process was what the patterns say; "" where there are none.
func (o *chooseOptions) unmatched() string {
	var given []string
	for _, flag := range o.rules() {
		for _, pattern := range o.patterns()[flag] {
			given = append(given, flag+" "+pattern)
		}
	}
	if len(given) == 0 {
		return ""
	}
	return "no process matched " + strings.Join(given, ", ")
}

// patterns are what was given with each flag.
func (o *chooseOptions) patterns() map[string][]string {
	return map[string][]string{
		"--cgroup": o.cgroups, "--container": o.containers, "--comm": o.comms, "--exe": o.exes,
	}
}

// any says whether processes are picked by rules.
func (o *chooseOptions) any() bool { return o.allGo || o.follow || len(o.rules()) > 0 }

// check finds what contradicts.
func (o *chooseOptions) check(command bool) error {
	given := o.rules()
	switch {
	case o.follow && !command:
		return errors.New("--follow is for a command; processes that run already are picked by --cgroup, " +
			"--container, --comm or --exe")
	case o.allGo && (len(given) > 0 || o.follow):
		return errors.New("--all-go picks every Go process: it has no meaning beside other rules")
	case command && o.allGo:
		return errors.New("either --all-go or a command, not both")
	case command && !o.follow && len(given) > 0:
		return fmt.Errorf("%s: of a command, what it starts can be picked, with --follow", strings.Join(given, ", "))
	}
	return o.choose().Check()
}

// choose are the rules as they are given.
func (o *chooseOptions) choose() *choose.Rules {
	return &choose.Rules{Cgroups: o.cgroups, Containers: o.containers, Comms: o.comms, Exes: o.exes}
}
