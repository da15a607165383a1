package main

import (
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
)

// layoutOptions say how much of a result is printed for people, and how wide.
type layoutOptions struct {
	top       int // 0: what fits a screen
	all, wide bool
}

func layoutFlags(cmd *cobra.Command, o *layoutOptions) { o.addFlags(cmd.Flags()) }

func (o *layoutOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.top, "top", 0, "print the first `rows` of each table, not a screen of them")
	flags.BoolVar(&o.all, "all", false, "print every table and every row")
	flags.BoolVar(&o.wide, "wide", false, "print names in full, however wide the tables get")
}

func (o *layoutOptions) check(flags *pflag.FlagSet) error {
	switch top := flags.Changed("top"); {
	case top && o.top < 1:
		return errors.New("--top must be at least 1")
	case top && o.all:
		return errors.New("either --top or --all, not both")
	}
	return nil
}

// present prints a result: the document for people, or the result as JSON.
func present(out io.Writer, asJSON bool, layout layoutOptions, result any, document *report.Document) error {
	if asJSON {
		return report.WriteJSON(out, result)
	}
	opts := textOptions(out)
	opts.Rows, opts.All, opts.Wide = layout.top, layout.all, layout.wide || opts.Wide
	return report.WriteText(out, document, opts)
}

// plainWidth is how many columns sentences have that go to a file or a pipe.
const plainWidth = 100

// textOptions fit text to the terminal that out is, or to COLUMNS where that is set, as watch(1)
// does for the commands that it runs. In a file or a pipe tables are as wide as they need.
func textOptions(out io.Writer) report.Options {
	opts := report.Options{Width: plainWidth, Wide: true}
	if width, ok := status.Terminal(out); ok {
		opts = report.Options{Width: width, Color: os.Getenv("NO_COLOR") == ""}
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		opts.Width, opts.Wide = width, false
	}
	return opts
}
