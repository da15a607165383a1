package latency

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// breakdownTable shows what delayed goroutines, the largest part first, with what each means.
func (r *Result) breakdownTable() report.Table {
	t := report.Table{Title: "Latency breakdown", Columns: []string{"delayed by", "total", "share", "which means"},
		Spare: []string{"total"}, Brief: briefParts}
	if r.Total.Parts == nil {
		return t
	}
	if r.Total.Censored > 0 {
		t.Title += " (censored delays left out)"
	}
	bySize := replay.Parts()
	slices.SortStableFunc(bySize, func(a, b replay.Part) int { return cmp.Compare(r.Total.Parts[b], r.Total.Parts[a]) })
	for _, p := range bySize {
		if ns := r.Total.Parts[p]; ns > 0 {
			t.Rows = append(t.Rows, []report.Cell{report.Text(p.String()), report.Duration(ns),
				shareOf(ns, r.Total.SumNS), report.Text(p.Meaning())})
		}
	}
	return t
}

func shareOf(ns, of int64) report.Cell {
	if of == 0 {
		return report.Cell{Unit: report.UnitShare, Unknown: true}
	}
	return report.Share(float64(ns) / float64(of))
}

// breakdownByReason shows the shares of what delayed each group.
func (r *Result) breakdownByReason() report.Table {
	t := report.Table{Title: "Latency breakdown by what made them runnable, in shares of each row's delay", Extra: true,
		Columns: []string{"became runnable by"},
		Spare:   []string{replay.PartUnknown.String(), replay.PartWakeUp.String(), replay.PartSTW.String()}}
	if r.Total.Parts == nil {
		return t
	}
	rows := []*Row{&r.Total}
	for i := range r.Groups {
		if r.Groups[i].By == "reason" {
			rows = append(rows, &r.Groups[i])
		}
	}
	for _, e := range rows {
		t.Rows = append(t.Rows, []report.Cell{e.name()})
	}
	for _, p := range replay.Parts() {
		if r.Total.Parts[p] == 0 {
			continue
		}
		t.Columns = append(t.Columns, p.String())
		for i, e := range rows {
			t.Rows[i] = append(t.Rows[i], shareOf(e.Parts[p], e.SumNS))
		}
	}
	return t
}

// verdicts say what it means when some parts are most of all delay.
var verdicts = []struct {
	parts []replay.Part
	text  string
}{
	{[]replay.Part{replay.PartStopped},
		"passed while the process was stopped from outside: by SIGSTOP, a debugger or a frozen cgroup."},
	{[]replay.Part{replay.PartAllBusy, replay.PartSyscall},
		"was waiting for a P: more goroutines wanted to run than GOMAXPROCS allows."},
	{[]replay.Part{replay.PartSTW}, "passed in stop-the-world pauses: gosched info lists them."},
	{[]replay.Part{replay.PartWakeUp},
		"was idle Ps being woken: the process was short of neither Ps nor CPUs."},
	{[]replay.Part{replay.PartUnknown}, "is unexplained: what the threads did then is not in the trace."},
}

// verdict are the sentences for the parts that are more than half of all delay, and for the want of
// a CPU.
func (r *Result) verdict(meta *format.Metadata) []string {
	var out []string
	if r.Total.Parts == nil || r.Total.SumNS == 0 {
		return out
	}
	for _, v := range verdicts {
		if ns := r.Total.Parts.Of(v.parts...); 2*ns > r.Total.SumNS {
			out = append(out, fmt.Sprintf("%s of the delay %s",
				report.FormatShare(float64(ns)/float64(r.Total.SumNS)), v.text))
		}
	}
	share := float64(r.Total.Parts[replay.PartOffCPU]) / float64(r.Total.SumNS)
	if share >= muchOffCPU {
		out = append(out, fmt.Sprintf("%s of the delay was waiting for a CPU%s; gosched blocking says who had it.",
			report.FormatShare(share), why(meta)))
	}
	return out
}

const (
	muchOffCPU  = 0.2 // of all delay, from which on it is said
	machineFull = 0.5 // how busy a machine is, at least, that can be said to be short of CPUs
)

// why is how a thread can have lacked a CPU, as far as the machine's own figures say.
func why(meta *format.Metadata) string {
	for i := range meta.Processes {
		if q := meta.Processes[i].CPUQuota; q > 0 {
			return fmt.Sprintf(": the process has a quota of %.3g CPUs, or other threads had the CPUs", q)
		}
	}
	m := meta.Machine
	if m == nil || m.BusyNS+m.StealNS+m.IdleNS <= 0 {
		return ": other threads had the CPUs"
	}
	all := float64(m.BusyNS + m.StealNS + m.IdleNS)
	busy := float64(m.BusyNS+m.StealNS) / all
	if busy >= machineFull {
		return fmt.Sprintf(": other threads had the CPUs, which were %s busy", report.FormatShare(busy))
	}
	return fmt.Sprintf(" although the machine's CPUs were only %s busy: others had it for short times, or the "+
		"process may use only some of them", report.FormatShare(busy))
}

// fewForPercentiles is the number of delays below which the lead names no percentile.
const fewForPercentiles = 10

// lead says the headline numbers in words.
func (r *Result) lead(meta *format.Metadata) []string {
	e, out := &r.Total, []string{}
	if e.Count == 0 {
		return out
	}
	text := fmt.Sprintf("%s; the longest took %s.", report.FormatNumber(e.Count, "delay"),
		report.FormatDuration(*e.MaxNS))
	p50, p99 := r.headline[0].NS, r.headline[1].NS
	if p50 != nil && p99 != nil && e.Count >= fewForPercentiles {
		text = fmt.Sprintf("Of %s, half took at most %s and 99%% at most %s; the longest took %s.",
			report.FormatNumber(e.Count+e.Censored, "delay"), report.FormatDuration(*p50),
			report.FormatDuration(*p99), report.FormatDuration(*e.MaxNS))
	}
	out = append(out, text)
	if r.watchedNS > 0 {
		sum := e.SumNS + e.CensoredSumNS
		out = append(out, fmt.Sprintf("On average %s waited to run (%s of delay in %s).",
			report.FormatAverage(float64(sum)/float64(r.watchedNS), "runnable goroutine"), report.FormatDuration(sum),
			report.FormatDuration(r.watchedNS)))
	}
	return append(out, r.verdict(meta)...)
}
