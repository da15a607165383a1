package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// metric is something that the recorder says of itself.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*Figures) (float64, bool) // false: it does not say so in this recording
}

// metrics are all of them.
var metrics = []metric{
	{"gosched_lost_events_total", "Events that did not reach the trace.", prometheus.CounterValue,
		func(f *Figures) (float64, bool) { return float64(f.Lost), true }},
	{"gosched_lost_stacks_total", "Stacks that did not reach the trace.", prometheus.CounterValue,
		func(f *Figures) (float64, bool) { return float64(f.LostStacks), true }},
	{"gosched_written_bytes_total", "Bytes of trace that were written.", prometheus.CounterValue,
		func(f *Figures) (float64, bool) { return float64(f.Bytes), true }},
	{"gosched_processes", "Processes that are recorded now.", prometheus.GaugeValue,
		func(f *Figures) (float64, bool) { return float64(f.Processes), true }},
	{"gosched_rounds_total", "Rounds in which goroutines were read without probes.", prometheus.CounterValue,
		ofRounds(func(f *Figures) int64 { return f.Rounds.Made })},
	{"gosched_rounds_left_out_total", "Rounds that were left out to keep to the recorder's CPU time.",
		prometheus.CounterValue, ofRounds(func(f *Figures) int64 { return f.Rounds.LeftOut })},
	{"gosched_budget_ratio", "What recording may cost, of the recorded processes' CPU time.", prometheus.GaugeValue,
		ofGovernor(func(g *format.Governor) float64 { return g.MaxOverhead })},
	{"gosched_overhead_ratio", "What recording costs as measured, since it began, of the recorded processes' CPU " +
		"time.", prometheus.GaugeValue, ofGovernor(func(g *format.Governor) float64 { return g.Overhead })},
	{"gosched_budget_used_ratio", "What recording costs, since it began, of what it may, which of idle processes is " +
		"more than a share of their CPU time: above 1 it costs too much.", prometheus.GaugeValue,
		func(f *Figures) (float64, bool) {
			if f.Governor == nil || f.Governor.AllowedCPUs == 0 {
				return 0, false
			}
			return f.Governor.CPUs / f.Governor.AllowedCPUs, true
		}},
	{"gosched_duty_cycle_ratio", "The share of the time in which probes were attached.", prometheus.GaugeValue,
		ofGovernor(func(g *format.Governor) float64 { return g.DutyCycle })},
	{"gosched_windows_total", "Times in which probes were attached.", prometheus.CounterValue,
		ofGovernor(func(g *format.Governor) float64 { return float64(g.Windows) })},
	{"gosched_kept_seconds", "How far back reaches what a trigger would save.", prometheus.GaugeValue,
		func(f *Figures) (float64, bool) {
			if f.Kept == nil {
				return 0, false
			}
			return float64(f.Kept.KeptNS) / 1e9, true
		}},
	{"gosched_kept_bytes", "Size of what a trigger would save.", prometheus.GaugeValue,
		ofKept(func(c *flight.Counts) int64 { return c.KeptBytes })},
	{"gosched_unwritten_segments_total", "Segments that could not be written.", prometheus.CounterValue,
		ofKept(func(c *flight.Counts) int64 { return c.Unwritten })},
	{"gosched_triggers_total", "Triggers.", prometheus.CounterValue,
		ofKept(func(c *flight.Counts) int64 { return c.Triggers })},
	{"gosched_triggers_suppressed_total", "Triggers that saved nothing, as there were too many, or something was " +
		"being saved.", prometheus.CounterValue, ofKept(func(c *flight.Counts) int64 { return c.Suppressed })},
	{"gosched_saved_traces_total", "Traces that triggers saved.", prometheus.CounterValue,
		ofKept(func(c *flight.Counts) int64 { return c.Saved })},
	{"gosched_failed_traces_total", "Traces that could not be saved.", prometheus.CounterValue,
		ofKept(func(c *flight.Counts) int64 { return c.Failed })},
	{"gosched_goroutines", "Goroutines alive in all processes, as far as is known.", prometheus.GaugeValue,
		ofKept(func(c *flight.Counts) int64 { return c.Goroutines })},
}

func ofRounds(of func(*Figures) int64) func(*Figures) (float64, bool) {
	return func(f *Figures) (float64, bool) {
		if f.Rounds == nil {
			return 0, false
		}
		return float64(of(f)), true
	}
}

func ofGovernor(of func(*format.Governor) float64) func(*Figures) (float64, bool) {
	return func(f *Figures) (float64, bool) {
		if f.Governor == nil {
			return 0, false
		}
		return of(f.Governor), true
	}
}

func ofKept(of func(*flight.Counts) int64) func(*Figures) (float64, bool) {
	return func(f *Figures) (float64, bool) {
		if f.Kept == nil {
			return 0, false
		}
		return float64(of(f.Kept)), true
	}
}

// told collects what the recorder says of itself.
type told struct{ of *Recording }

// Describe implements prometheus.Collector.
func (t *told) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics {
		out <- prometheus.NewDesc(m.name, m.help, nil, nil)
	}
}

// Collect implements prometheus.Collector.
func (t *told) Collect(out chan<- prometheus.Metric) {
	figures := t.of.figures.Load()
	for _, m := range metrics {
		if value, says := m.value(figures); says {
			out <- prometheus.MustNewConstMetric(prometheus.NewDesc(m.name, m.help, nil, nil), m.kind, value)
		}
	}
}
