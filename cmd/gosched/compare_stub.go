package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"
)

// compareOptions stand in for those of the command that compares recordings.
type compareOptions struct{}

func (o *compareOptions) addFlags(*pflag.FlagSet) {}

func (o *compareOptions) check() error { return nil }

func runCompare(context.Context, compareOptions, []string, []string, io.Writer, io.Writer) error {
	return nil
}
