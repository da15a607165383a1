package latency

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
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
	{[]replay.Part{replay.PartOffCPU, replay.PartIdleOffCPU},
		"was waiting for a CPU: other threads had the CPUs, or a CPU quota stopped the process; " +
			"gosched blocking says which."},
	{[]replay.Part{replay.PartAllBusy, replay.PartSyscall},
		"was waiting for a P: more goroutines wanted to run than GOMAXPROCS allows."},
	{[]replay.Part{replay.PartSTW}, "passed in stop-the-world pauses: gosched info lists them."},
	{[]replay.Part{replay.PartWakeUp}, "was the runtime waking up Ps: the process was short of neither Ps nor CPUs."},
	{[]replay.Part{replay.PartUnknown}, "is unexplained: what the threads did then is not in the trace."},
}

// verdict is the sentence for the parts that are more than half of all delay; empty where none are.
func (r *Result) verdict() string {
	if r.Total.Parts == nil || r.Total.SumNS == 0 {
		return ""
	}
	for _, v := range verdicts {
		if ns := r.Total.Parts.Of(v.parts...); 2*ns > r.Total.SumNS {
			return fmt.Sprintf("%s of the delay %s", report.FormatShare(float64(ns)/float64(r.Total.SumNS)), v.text)
		}
	}
	return ""
}

// fewForPercentiles is the number of delays below which the lead names no percentile.
const fewForPercentiles = 10

// lead says the headline numbers in words.
func (r *Result) lead(delays *stats.Histogram) []string {
	e, out := &r.Total, []string{}
	if e.Count == 0 {
		return out
	}
	text := fmt.Sprintf("%s; the longest took %s.", report.FormatNumber(e.Count, "delay"),
		report.FormatDuration(*e.MaxNS))
	p50, ok50 := delays.Quantile(stats.P50)
	p99, ok99 := delays.Quantile(stats.P99)
	if ok50 && ok99 && e.Count >= fewForPercentiles {
		text = fmt.Sprintf("Of %s, half took at most %s and 99%% at most %s; the longest took %s.",
			report.FormatNumber(e.Count+e.Censored, "delay"), report.FormatDuration(p50),
			report.FormatDuration(p99), report.FormatDuration(*e.MaxNS))
	}
	out = append(out, text)
	if r.DurationNS > 0 {
		sum := e.SumNS + e.CensoredSumNS
		out = append(out, fmt.Sprintf("On average %s waited to run (%s of delay in %s).",
			report.FormatAverage(float64(sum)/float64(r.DurationNS), "runnable goroutine"), report.FormatDuration(sum),
			report.FormatDuration(r.DurationNS)))
	}
	if v := r.verdict(); v != "" {
		out = append(out, v)
	}
	return out
}
