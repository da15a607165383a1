package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// probeOptions are the options of every command that records with eBPF.
type probeOptions struct {
	without     []string
	stackDepth  int
	perfUprobes bool
	user        string // who runs a command; "": gosched's own
}

func (o *probeOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.without, "without", nil, "leave out `transitions`, to cost less: "+strings.Join(transitionNames(), ", "))
	flags.IntVar(&o.stackDepth, "stack-depth", 0, "the most `frames` of a stack; 0: what the kernel side can hold")
	flags.StringVar(&o.user, "user", "", "run the command as this `user`, by name or number")
	flags.BoolVar(&o.perfUprobes, "perf-uprobes", false, "attach one by one even where the kernel can attach all probes at once")
}
