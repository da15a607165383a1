package main

import (
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
)

// apply has a recording keep to the budget, and say what becomes of it.
func (o *budgetOptions) apply(opts *record.Options, seed int64, notes func() io.Writer) {
	opts.MaxOverhead, opts.MaxCPUs, opts.KillSwitch = o.most.share, o.most.cpus, o.switchFile()
	if opts.Seed = uint64(seed); seed == 0 {
		opts.Seed = rand.Uint64()
	}
	opts.Governed = func(why format.Reason) { fmt.Fprintln(notes(), governedText(why)) }
}

// governedText says why probes came off.
func governedText(why format.Reason) string {
	switch why {
	case format.ReasonNone:
		return "everything is watched again"
	case format.ReasonBudget:
		return "to watch everything would cost more than it may: probes are attached in windows"
	}
	return "probes are off: " + why.String()
}
