package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// pidFlag is the number of a process; 0: none was given.
type pidFlag int

func (f *pidFlag) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n <= 0 {
		return errNotOfType
	}
	*f = pidFlag(n)
	return nil
}

func (f *pidFlag) String() string { return strconv.Itoa(int(*f)) }

func (f *pidFlag) Type() string { return "PID" }

// pidsFlag is a list of processes, with commas between, that may be given more than once.
type pidsFlag []int

func (f *pidsFlag) Set(text string) error {
	for _, number := range strings.Split(text, ",") {
		var pid pidFlag
		if err := pid.Set(number); err != nil {
			return err
		}
		if slices.Contains(*f, int(pid)) {
			return fmt.Errorf("process %d is %w", pid, errTwice)
		}
		*f = append(*f, int(pid))
	}
	return nil
}

func (f *pidsFlag) String() string {
	var numbers []string
	for _, pid := range *f {
		numbers = append(numbers, strconv.Itoa(pid))
	}
	return strings.Join(numbers, ",")
}

func (f *pidsFlag) Type() string { return "PID" }

// errNotOfType is the error of a flag whose type says all that is to be said: see flagTypes.
var errNotOfType = errors.New("not of the flag's type")

// errTwice is wrapped by the error of a list that has something twice.
var errTwice = errors.New("given twice")

// flagTypes says what flags of a type take.
var flagTypes = map[string]string{
	"PID":        "the number of a process, as ps and pidof print it",
	"int":        "a whole number",
	"int64Slice": "whole numbers, with commas between",
	"float64":    "a number",
	"bool":       "true or false",
	"duration":   "a time with its unit, such as 500ms, 10s or 2m",
}

// flagError says of a flag's value what it should have been, where the flag's library quotes
// strconv.
func flagError(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	return valueError("--"+invalid.GetFlag().Name, invalid)
}

// valueError says what is wrong with the value of a flag that is called so where it was given.
func valueError(name string, invalid *pflag.InvalidValueError) error {
	flag := invalid.GetFlag()
	takes, ok := flagTypes[flag.Value.Type()]
	if !ok || errors.Is(invalid.Unwrap(), errTwice) {
		return fmt.Errorf("%s: %w", name, invalid.Unwrap())
	}
	return fmt.Errorf("%s takes %s: %q is none", name, takes, invalid.GetValue())
}
