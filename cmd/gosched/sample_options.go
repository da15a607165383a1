package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// samplingOptions are the options of recording without probes.
type samplingOptions struct {
	rate roundsFlag
	cpus cpusFlag
	seed int64
}

func (o *samplingOptions) addFlags(flags *pflag.FlagSet) {
	flags.Var(&o.rate, "sample", "attach nothing: read all goroutines at random instants, at this `rate`, as 20/s")
	flags.Var(&o.cpus, "sample-cpu", "with --sample: the `CPU` time that gosched may take, as 1% or 0.5% of a CPU; "+
		"0: no bound; default 1%")
	flags.Int64Var(&o.seed, "seed", 0, "with --sample or --max-overhead: the `number` that makes "+
		"instants random; 0: at random")
}

// probing are the options that say how to watch what --sample does not watch.
var probing = []string{
	"for", "without", "cpu-samples", "stack-depth", "fallback", "max-overhead", "kill-switch",
	"off-at-memory-stall", "off-at-memory-use", "off-at-throttling",
}

// check finds what contradicts.
func (o *samplingOptions) check(flags *pflag.FlagSet) error {
	if !o.rate.set {
		if flags.Changed("sample-cpu") {
			return errors.New("--sample-cpu is for --sample")
		}
		if flags.Changed("seed") && !flags.Changed("max-overhead") {
			return errors.New("--seed is for --sample and --max-overhead")
		}
		return o.checkSeed()
	}
	if err := o.checkSeed(); err != nil {
		return err
	}
	for _, name := range probing {
		if flags.Changed(name) {
			return fmt.Errorf("--sample attaches nothing: --%s has no meaning beside it", name)
		}
	}
	return nil
}

func (o *samplingOptions) checkSeed() error {
	if o.seed < 0 {
		return errors.New("--seed takes a number that is not negative")
	}
	return nil
}

// maxRounds is the highest rate of rounds.
const maxRounds = 1000

// roundsFlag is how often a second goroutines are read: "20/s" or "20".
type roundsFlag struct{ rateFlag }

func (f *roundsFlag) Set(text string) (err error) {
	f.value, err = parseRate(text, "20/s", 0.001, maxRounds)
	f.set = err == nil
	return err
}

// cpusFlag is a bound in CPU-seconds a second, written as a share of one CPU: "1%".
type cpusFlag struct {
	set   bool
	value float64
}

func (f *cpusFlag) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || math.IsNaN(n) || n < 0 || n != 0 && !percent:
		return fmt.Errorf("%q is no share of a CPU: say how much of one, as in 1%%, or 0", text)
	case n != 0 && n < 0.01 || n > 10_000:
		return fmt.Errorf("%s is not between 0.01%% and 10000%%", text)
	}
	f.set, f.value = true, n/100
	return nil
}

func (f *cpusFlag) String() string { return "" }

func (f *cpusFlag) Type() string { return "CPU" }
