package main

import (
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/governor"
)

// apply has a recording keep to the budget, and say what becomes of it.
func (o *budgetOptions) apply(opts *record.Options, seed int64, notes func() io.Writer) {
	opts.MaxOverhead, opts.MaxCPUs, opts.KillSwitch = o.most.share, o.most.cpus, o.switchFile()
	opts.Need = o.need()
	if opts.Seed = uint64(seed); seed == 0 {
		opts.Seed = rand.Uint64()
	}
	opts.Governed = func(why format.Reason) { fmt.Fprintln(notes(), governedText(why)) }
}

// need is from what on everything is off for want of memory or CPU time.
func (o *budgetOptions) need() governor.Need {
	return governor.Need{Stalled: o.stalled.value, Memory: o.memory.value, NoThrottled: !o.throttling}
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
