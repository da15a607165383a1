package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// budgetOptions say what a recording may cost.
type budgetOptions struct {
	most       budgetFlag
	killSwitch string
	stalled    shareFlag
	memory     shareFlag
	throttling bool
}

// defaultKillSwitch is the file that switches everything off where a budget was given and no other
// file was named.
const defaultKillSwitch = "/run/gosched/off"

func (o *budgetOptions) addFlags(flags *pflag.FlagSet) {
	flags.Var(&o.most, "max-overhead", "what recording may cost: a `share` of the processes' CPU time, as in 1%, or "+
		"CPU-seconds a second, as in 0.05cpu. Beyond it, probes are attached in windows")
	flags.StringVar(&o.killSwitch, "kill-switch", "", "watch nothing as long as this `file` is there; with "+
		"--max-overhead by default "+defaultKillSwitch)
	flags.Var(&o.stalled, "off-at-memory-stall", "with a budget: watch nothing while tasks of the machine or of a "+
		"process's cgroup wait for memory for more than this `share` of the time; default 10%")
	flags.Var(&o.memory, "off-at-memory-use", "with a budget: watch nothing while a process's cgroup uses this "+
		"`share` of its memory limit; default 95%")
	flags.BoolVar(&o.throttling, "off-at-throttling", true, "with a budget: watch nothing while a process's cgroup is "+
		"stopped for its CPU quota")
}

// check finds what contradicts.
func (o *budgetOptions) check(flags *pflag.FlagSet) error {
	if o.switchFile() != "" || flags.Changed("sample") {
		return nil // --sample refuses all of them
	}
	for _, name := range pressures {
		if flags.Changed(name) {
			return fmt.Errorf("--%s is for --max-overhead and --kill-switch", name)
		}
	}
	return nil
}

// pressures are the options that say from what on the machine is in need.
var pressures = []string{"off-at-memory-stall", "off-at-memory-use", "off-at-throttling"}

// switchFile is the file that switches everything off; "": none does.
func (o *budgetOptions) switchFile() string {
	if o.killSwitch == "" && o.most != (budgetFlag{}) {
		return defaultKillSwitch
	}
	return o.killSwitch
}

// budgetFlag is what recording may cost. One of both is 0, or both are: there is no bound.
type budgetFlag struct {
	share float64 // of the recorded processes' CPU time
	cpus  float64 // CPU-seconds a second
}

func (f *budgetFlag) Set(text string) error {
	for _, unit := range []struct {
		suffix string
		of     float64
		most   float64
		to     func(float64) budgetFlag
	}{
		{"%", 0.01, 100, func(x float64) budgetFlag { return budgetFlag{share: x} }},
		{"cpu", 1, 1024, func(x float64) budgetFlag { return budgetFlag{cpus: x} }},
	} {
		number, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(x) {
			break
		}
		if x < 0.001 || x > unit.most {
			return fmt.Errorf("%s is not between 0.001%[2]s and %[3]g%[2]s", text, unit.suffix, unit.most)
		}
		*f = unit.to(x * unit.of)
		return nil
	}
	return fmt.Errorf("%q is no budget: say a share of the processes' CPU time, as in 1%%, or CPU-seconds a second, "+
		"as in 0.05cpu", text)
}

func (f *budgetFlag) String() string { return "" }

func (f *budgetFlag) Type() string { return "budget" }

// shareFlag is a part of a whole: "10%". 0: it was not said.
type shareFlag struct{ value float64 }

func (f *shareFlag) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !percent || math.IsNaN(x) {
		return fmt.Errorf("%q is no share: say how much of it, as in 10%%", text)
	}
	if x < 0.1 || x > 100 {
		return fmt.Errorf("%s is not between 0.1%% and 100%%", text)
	}
	f.value = x / 100
	return nil
}

func (f *shareFlag) String() string { return "" }

func (f *shareFlag) Type() string { return "share" }
