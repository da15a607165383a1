package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/fallback"
)

// probeOptions are the options of every command that records with eBPF.
type probeOptions struct {
	purposes   forFlag
	without    transitionsFlag
	samples    rateFlag
	stackDepth int
	fallbacks  fallbacksFlag
	user       string // who runs a command; "": gosched's own
}

func (o *probeOptions) addFlags(flags *pflag.FlagSet) {
	flags.Var(&o.purposes, "for", "record only what answers to these `questions` need, to cost less: "+
		strings.Join(caveat.Asked(), ", "))
	flags.Var(&o.without, "without", "leave out `transitions`, to cost less: "+transitionNames())
	flags.Var(&o.samples, "cpu-samples", "look at what runs on each busy CPU at this `rate`, up to 10,000/s; "+
		"0: never; default 39/s")
	flags.IntVar(&o.stackDepth, "stack-depth", 0, "the most `frames` of a stack, up to 126; 0: 64")
	flags.StringVar(&o.user, "user", "", "run the command as this `user`, by name or number")
	flags.Var(&o.fallbacks, "fallback", "use `fall-backs` for older kernels even where the kernel can do better: "+
		strings.Join(fallback.Names(), ", "))
}

// transitionsFlag is a list of classes of transitions, with commas between, that may be given more
// than once.
type transitionsFlag struct{ list []format.Transition }

func (f *transitionsFlag) Set(text string) error {
	if text == "" {
		return nil
	}
	for _, name := range strings.Split(text, ",") {
		t, ok := format.ParseTransition(name)
		if !ok {
			return fmt.Errorf("no transition is called %q: there are %s", name, transitionNames())
		}
		f.list = append(f.list, t)
	}
	return nil
}

func (f *transitionsFlag) String() string { return "" }

func (f *transitionsFlag) Type() string { return "transitions" }

// rateFlag is how often something is done each second: "99/s" or "99".
type rateFlag struct {
	set   bool
	value float64
}

// maxRate is the highest rate of on-CPU samples.
const maxRate = 10_000

func (f *rateFlag) Set(text string) (err error) {
	f.value, err = parseRate(text, "99/s, or 0", 0, maxRate)
	f.set = err == nil
	return err
}

// parseRate reads a rate, of which an example is given, between two others.
func parseRate(text, example string, least, most float64) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
	if err != nil || math.IsNaN(n) {
		return 0, fmt.Errorf("%q is no rate: say how often a second, as in %s", text, example)
	}
	if n < least || n > most {
		return 0, fmt.Errorf("%s is not between %g and %g/s", text, least, most)
	}
	return n, nil
}

func (f *rateFlag) String() string { return "" }

func (f *rateFlag) Type() string { return "rate" }

// fallbacksFlag is a list of fall-backs, with commas between, that may be given more than once.
type fallbacksFlag struct{ list []string }

func (f *fallbacksFlag) Set(text string) error {
	if text == "" {
		return nil
	}
	names := strings.Split(text, ",")
	f.list = append(f.list, names...)
	return fallback.Check(names)
}

func (f *fallbacksFlag) String() string { return "" }

func (f *fallbacksFlag) Type() string { return "fall-backs" }

func transitionNames() string {
	var names []string
	for _, t := range format.Transitions() {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}
