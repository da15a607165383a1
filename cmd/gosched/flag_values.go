package main

import (
	"errors"
	"fmt"
	"strconv"

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

// errNotOfType is the error of a flag whose type says all that is to be said: see flagTypes.
var errNotOfType = errors.New("not of the flag's type")

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
	flag := invalid.GetFlag()
	takes, ok := flagTypes[flag.Value.Type()]
	if !ok {
		return fmt.Errorf("--%s: %w", flag.Name, invalid.Unwrap())
	}
	return fmt.Errorf("--%s takes %s: %q is none", flag.Name, takes, invalid.GetValue())
}
