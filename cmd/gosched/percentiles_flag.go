package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/stats"
)

// percentileOptions are the percentiles that a command prints.
type percentileOptions struct{ list string }

// addFlags adds --percentiles with a usage that says what they are for.
func (o *percentileOptions) addFlags(flags *pflag.FlagSet, usage string) {
	flags.StringVar(&o.list, "percentiles", "", usage)
}

// read is the percentiles; nil where the flag was not given.
func (o *percentileOptions) read(flags *pflag.FlagSet) ([]stats.Quantile, error) {
	if !flags.Changed("percentiles") {
		return nil, nil
	}
	list, err := stats.ParseQuantiles(o.list)
	if err != nil {
		return nil, fmt.Errorf("--percentiles: %w", err)
	}
	return list, nil
}

// percentileList is percentiles as the flag takes them.
func percentileList(list []stats.Quantile) string {
	text := ""
	for _, q := range list {
		text += "," + q.Percentage()
	}
	return text[min(1, len(text)):]
}
