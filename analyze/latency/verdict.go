package latency

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/report"
)

// legend says in a line each what the columns of the table of parts mean; replay.Delay has the
// definitions.
var legend = []string{
	"stopped: the world was stopped",
	"off CPU: the goroutine's thread was ready and had no CPU",
	"no P: every P ran a goroutine",
	"syscall: a P was held by a system call",
	"starved: a P had no goroutine, and a thread for it had no CPU",
	"idle P: a P was free; the runtime took that long to find out",
	"unknown: what the threads did then is not in the trace",
}

// suspendedLegend is the line of a column that is there only where it is not nothing.
const suspendedLegend = "suspended: the whole process was stopped from outside"

// suspended says whether any delay was because the process was stopped.
func (r *Result) suspended() bool { return r.Total.Parts != nil && r.Total.Parts.SuspendedNS > 0 }

// verdicts say what it means when some parts are most of all delay.
var verdicts = []struct {
	part func(*Parts) int64
	text string
}{
	{
		func(p *Parts) int64 { return p.SuspendedNS },
		"of all delay was while the process was stopped from outside (suspended): by SIGSTOP, a debugger or a " +
			"frozen cgroup.",
	},
	{func(p *Parts) int64 { return p.OffCPUNS + p.StarvedNS }, "of all delay was waiting for a CPU of the machine " +
		"(off CPU, starved): other threads or processes had them, or a quota."},
	{func(p *Parts) int64 { return p.NoPNS + p.SyscallNS }, "of all delay was waiting for a P (no P, syscall): more " +
		"goroutines wanted to run than GOMAXPROCS lets."},
	{func(p *Parts) int64 { return p.StoppedNS },
		"of all delay was in a stopped world: see the ranges in gosched info."},
	{func(p *Parts) int64 { return p.IdlePNS }, "of all delay was the runtime waking up a P: the process was not " +
		"short of anything."},
	{func(p *Parts) int64 { return p.UnknownNS }, "of all delay cannot be taken apart: what the threads did then is " +
		"not in the trace."},
}

// verdict is the sentence for the parts that are more than half of all delay; empty where none are.
func (r *Result) verdict() string {
	if r.Total.Parts == nil || r.Total.SumNS == 0 {
		return ""
	}
	for _, v := range verdicts {
		if part := v.part(r.Total.Parts); 2*part > r.Total.SumNS {
			return fmt.Sprintf("%s %s", report.FormatShare(float64(part)/float64(r.Total.SumNS)), v.text)
		}
	}
	return ""
}

// partsNotes are what a reader of the table of parts should know.
func (r *Result) partsNotes() []string {
	var notes []string
	if v := r.verdict(); v != "" {
		notes = append(notes, v)
	}
	lines := legend
	if r.suspended() {
		lines = append([]string{suspendedLegend}, legend...)
	}
	return append(notes, strings.Join(lines, "; ")+".")
}
