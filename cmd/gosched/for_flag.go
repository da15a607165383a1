package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/format"
)

// forFlag are questions that a recording is for, with commas between: what none of them needs is left
// out.
type forFlag struct{ names []string }

func (f *forFlag) Set(text string) error {
	names := strings.Split(text, ",")
	for _, name := range names {
		if !caveat.IsQuestion(name) {
			return fmt.Errorf("%q is no question that a recording can be made for: there are %s", name,
				strings.Join(caveat.Asked(), ", "))
		}
	}
	f.names = append(f.names, names...)
	return nil
}

func (f *forFlag) String() string { return "" }

func (f *forFlag) Type() string { return "questions" }

// leavesOut are the classes of transitions that none of the questions needs.
func (f *forFlag) leavesOut() []format.Transition {
	classes, _ := caveat.Unneeded(f.names...)
	if len(f.names) == 0 {
		return nil
	}
	return classes
}

// purpose is what the recording is for; empty where it is for everything.
func (f *forFlag) purpose() string { return strings.Join(f.names, ", ") }

// checkPurpose refuses what contradicts: what is left out follows from the questions, or is listed.
func checkPurpose(flags *pflag.FlagSet) error {
	if flags.Changed("for") && flags.Changed("without") {
		return errors.New("either --for or --without, not both: --for says by itself what to leave out")
	}
	return nil
}
