package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// probeOptions are the options of every command that records with eBPF.
type probeOptions struct {
	without    []string
	stackDepth int
	fallbacks  []string
	user       string // who runs a command; "": gosched's own
}

func (o *probeOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.without, "without", nil, "leave out `transitions`, to cost less: "+
		strings.Join(transitionNames(), ", "))
	flags.IntVar(&o.stackDepth, "stack-depth", 0, "the most `frames` of a stack; 0: what the kernel side can hold")
	flags.StringVar(&o.user, "user", "", "run the command as this `user`, by name or number")
	flags.StringSliceVar(&o.fallbacks, "fallback", nil,
		"use `fall-backs` for older kernels even where the kernel can do better: perf-uprobes, legacy-programs")
}
