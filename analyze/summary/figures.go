package summary

import (
	"slices"
	"strings"
	"time"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// figure is a number, or a text, that says something of a recording in a line of many.
type figure struct {
	name    string               // with the unit; it does not change
	meaning string               // a sentence; TREND.md has it
	of      func(*Recording) any // string, int64 or float64; nil where the recording cannot say
}

// figures are all of them, in their order. Later versions append to them.
var figures = slices.Concat([]figure{
	{"start_time", "When the recording began, UTC.", func(r *Recording) any { return r.startTime(time.RFC3339Nano) }},
	{"id", "The recording's id, made of its contents.", func(r *Recording) any { return text(r.Info.ID) }},
	{"host", "The machine's name.", func(r *Recording) any { return text(r.Info.Meta.Host) }},
	{"command", "The commands of the processes.",
		func(r *Recording) any { return r.ofProcesses(func(p *format.Process) string { return p.Command }) }},
	{"build_id", "The build ids of the executables: a step where this changes too is explained by it first.",
		func(r *Recording) any { return r.ofProcesses(func(p *format.Process) string { return p.BuildID }) }},
	{"go_version", "The versions of Go.", func(r *Recording) any { return r.ofProcesses(goVersion) }},
	{"source", "How it was recorded: ebpf, or go trace.",
		func(r *Recording) any { return text(string(r.Info.Meta.Source)) }},
	{"duration_s", "The observed time.", func(r *Recording) any { return float64(r.Info.DurationNS) / 1e9 }},
	{"events", "Events in the trace.", func(r *Recording) any { return r.Info.Events }},
	{"delay_p50_ns", "Scheduling delay, from runnable to running, of the program's goroutines.",
		quantileOf(delays, stats.P50)},
	{"delay_p90_ns", "The same.", quantileOf(delays, stats.P90)},
	{"delay_p99_ns", "The same.", quantileOf(delays, stats.P99)},
	{"delay_p999_ns", "The same, p99.9.", quantileOf(delays, stats.P999)},
	{"delay_mean_ns", "The mean of the delays that were seen whole.", func(r *Recording) any { return r.mean(delays) }},
	{"delays_per_s", "How often a second a goroutine became runnable and ran.",
		func(r *Recording) any { return r.rate(delays) }},
	{"delay_s_per_s", "Delay in s/s, summed over goroutines.", perSecond(delays, delays)},
}, waits(), []figure{
	{"syscall_s_per_s", "Time in system calls in s/s.", perSecond(calls, calls)},
	{"contention_p50_ns", "Waits for a Mutex or RWMutex: what changes of code change most, and what scatters least.",
		quantileOf(contention, stats.P50)},
	{"contention_p99_ns", "The same.", quantileOf(contention, stats.P99)},
	{"contention_s_per_s", "The same waits in s/s.", perSecond(contention, waitTotal)},
	{"running_p50_ns", "How long goroutines run at a time.", quantileOf(running, stats.P50)},
	{"running_p99_ns", "The same.", quantileOf(running, stats.P99)},
	{"goroutines", "Goroutines alive at the end.", func(r *Recording) any { return optional(r.Info.Goroutines) }},
	{"goroutines_start", "Goroutines alive when observation began.",
		func(r *Recording) any { return optional(r.Info.AtStart) }},
	{"leaked_goroutines", "Goroutines that leaked; empty where a leak would not have been found.",
		func(r *Recording) any { return r.leaked() }},
	{"findings", "Findings of gosched blocking.", func(r *Recording) any { return int64(len(r.Info.Findings)) }},
	{"network_wakes", "Waits that the network ended: the work that came from outside.",
		func(r *Recording) any { return r.Info.NetworkWakes }},
	{"gap_share", "The share of the time in which events were lost or not looked for.",
		func(r *Recording) any { return r.Info.GapShare }},
	{"steal_share", "The share of the CPUs' time that the hypervisor took.",
		func(r *Recording) any { return r.stealShare() }},
	{"warnings", "Warnings; leave lines out where events were lost.",
		func(r *Recording) any { return int64(len(r.Info.Warnings)) }},
}, parts())

// The groups that figures are of.
var (
	delays     = Key{Measure: MeasureDelay, By: ByTotal}
	waitTotal  = Key{Measure: MeasureWait, By: ByTotal}
	contention = Key{Measure: MeasureWait, By: ByContention}
	calls      = Key{Measure: MeasureCall, By: ByTotal}
	running    = Key{Measure: MeasureRunning, By: ByTotal}
)

// waits are the figures of waits by class. Those of the runtime's idle goroutines are in no
// summary.
func waits() (out []figure) {
	for class := replay.ClassOther; class < replay.ClassSystem; class++ {
		name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(class.String()))
		key := Key{Measure: MeasureWait, By: ByClass, Name: class.String()}
		out = append(out, figure{"wait_" + name + "_s_per_s", "Waits of this class in s/s, summed over goroutines.",
			perSecond(key, waitTotal)})
	}
	return out
}

// parts are the figures of the parts of delays.
func parts() (out []figure) {
	for _, p := range replay.Parts() {
		out = append(out, figure{"delay_" + p.Key() + "_s_per_s", "Of the delays seen whole, in s/s: " + p.Meaning() +
			".",
			func(r *Recording) any {
				if r.Info.Delay == nil || r.Info.RateNS() <= 0 {
					return nil
				}
				return float64(r.Info.Delay[p]) / float64(r.Info.RateNS())
			}})
	}
	return out
}

func goVersion(p *format.Process) string { return p.GoVersion }

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func optional(v *int64) any {
	if v == nil {
		return nil
	}
	return *v
}

func (r *Recording) startTime(layout string) any {
	if r.Info.Meta.StartNS == 0 {
		return nil
	}
	return time.Unix(0, r.Info.Meta.StartNS).UTC().Format(layout)
}

// ofProcesses is what the processes say, each different text once.
func (r *Recording) ofProcesses(of func(*format.Process) string) any {
	var out []string
	for i := range r.Info.Meta.Processes {
		if s := of(&r.Info.Meta.Processes[i]); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return text(strings.Join(out, " "))
}

// histogram is that of a group; an empty one where there is no such group.
func (r *Recording) histogram(key Key) *stats.Histogram {
	if g := r.Group(key); g != nil {
		return &g.Hist
	}
	return new(stats.Histogram)
}

func quantileOf(key Key, q stats.Quantile) func(*Recording) any {
	return func(r *Recording) any {
		if v, known := r.Quantile(key, q); known {
			return v
		}
		return nil
	}
}

// perSecond is the time in a group, by the time observed. It is 0 where the recording has no such
// group but the one that it is a part of.
func perSecond(key, whole Key) func(*Recording) any {
	return func(r *Recording) any {
		if r.Group(whole) == nil || r.Info.RateNS() <= 0 {
			return nil
		}
		h := r.histogram(key)
		return float64(h.Sum()+h.CensoredSum()) / float64(r.Info.RateNS())
	}
}

func (r *Recording) mean(key Key) any {
	h := r.histogram(key)
	if h.Count() == 0 {
		return nil
	}
	return float64(h.Sum()) / float64(h.Count())
}

func (r *Recording) rate(key Key) any {
	if r.Group(key) == nil || r.Info.RateNS() <= 0 {
		return nil
	}
	return float64(r.histogram(key).Count()) / float64(r.Info.RateNS()) * 1e9
}

// leaked is how many goroutines leaked, nil where a leak would not have been found.
func (r *Recording) leaked() any {
	if !r.Info.LeaksJudged {
		return nil
	}
	n := int64(0)
	for i := range r.Info.Leaks {
		n += r.Info.Leaks[i].Count
	}
	return n
}

// stealShare is the part of the CPUs' time that the hypervisor took.
func (r *Recording) stealShare() any {
	m := r.Info.Meta.Machine
	if m == nil || m.BusyNS+m.StealNS+m.IdleNS <= 0 {
		return nil
	}
	return float64(m.StealNS) / float64(m.BusyNS+m.StealNS+m.IdleNS)
}
