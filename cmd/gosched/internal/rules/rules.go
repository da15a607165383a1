// Package rules measures what a flight recorder's rules compare, while it records: delays and
// goroutines once a second, findings of blocked time in windows of ten. It knows the rules'
// decisions from record/flight, and asks the analyzers for the values.
package rules

import (
	"time"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

const (
	every  = time.Second      // delays and goroutines are looked at
	window = 10 * time.Second // findings are of
	// fewest is how many delays a second has at least for its percentiles to say anything.
	fewest = 20
)

// Standing tells how things stand after the rows fed last: the goroutines' states, as snapshot rows.
type Standing interface {
	Standing() (rows *format.Batch, told []format.Snapshot, atNS int64)
	Known() int
}

// Watch is a sink of a recording that tells which rules begin to hold.
type Watch struct {
	watcher  *flight.Watcher
	fire     func(flight.Cause)
	standing Standing

	meta            format.Metadata
	reasons, stacks *format.Strings
	now             int64 // time of the last row

	delays *delays
	walk   *replay.Walk // for the delays; nil: no rule wants them
	looked time.Time

	account *blocking.Pass // of the window; nil: no rule wants findings
	found   *findings.Pass
	open    *replay.Walk // the window's
	opened  time.Time
}

// New watches rules for a recording whose states are told by standing, and tells fire which hold.
func New(rules []flight.Rule, standing Standing, fire func(flight.Cause)) *Watch {
	return &Watch{watcher: flight.NewWatcher(rules), fire: fire, standing: standing}
}

// percentiles are the metrics that are percentiles of delays.
var percentiles = []struct {
	metric   flight.Metric
	quantile stats.Quantile
}{
	{flight.MetricP50, stats.P50}, {flight.MetricP90, stats.P90}, {flight.MetricP99, stats.P99},
	{flight.MetricP999, stats.P999},
}

// Begin implements record.Sink.
func (w *Watch) Begin(meta format.Metadata, reasons, stacks *format.Strings) error {
	w.meta, w.reasons, w.stacks, w.now = meta, reasons, stacks, meta.StartNS
	w.looked, w.opened = time.Now(), time.Now()
	for _, p := range percentiles {
		if w.watcher.Wants(p.metric) && w.walk == nil {
			w.delays = new(delays)
			w.walk = replay.NewWalk(w.delays)
			if err := w.walk.Begin(meta, reasons, stacks); err != nil {
				return err
			}
		}
	}
	if w.watcher.Wants(flight.MetricFinding) {
		return w.openWindow(meta)
	}
	return nil
}

// openWindow begins a window for findings.
func (w *Watch) openWindow(meta format.Metadata) error {
	w.account = blocking.New()
	w.found = findings.New(w.account)
	w.open = replay.NewWalk(w.account, w.found)
	w.meta = meta
	return w.open.Begin(meta, w.reasons, w.stacks)
}

// Feed implements record.Sink.
func (w *Watch) Feed(b *format.Batch) error {
	if n := b.Len(); n > 0 {
		w.now = max(w.now, b.TimeNS[n-1])
	}
	for _, walk := range []*replay.Walk{w.walk, w.open} {
		if walk == nil || b.Len() == 0 {
			continue
		}
		if err := walk.Feed(b); err != nil {
			return err
		}
	}
	now := time.Now()
	if now.Sub(w.looked) >= every {
		w.looked = now
		w.look(now)
	}
	if w.open != nil && now.Sub(w.opened) >= window {
		w.opened = now
		return w.nextWindow(now)
	}
	return nil
}

// look measures what is measured every second.
func (w *Watch) look(now time.Time) {
	values := []flight.Value{{Metric: flight.MetricGoroutines, Value: float64(w.standing.Known())}}
	metrics := []flight.Metric{flight.MetricGoroutines}
	if w.walk != nil {
		for _, s := range w.walk.Open() { // those that still wait
			if s.State == format.StateRunnable && !s.Thread {
				w.delays.all.Add(max(0, w.now-s.Begin))
			}
		}
		for _, p := range percentiles {
			metrics = append(metrics, p.metric)
			if v, ok := w.delays.all.Quantile(p.quantile); ok && w.delays.all.Count() >= fewest {
				values = append(values, flight.Value{Metric: p.metric, Value: float64(v)})
			}
		}
		w.delays.all = stats.Histogram{}
	}
	w.tell(w.watcher.Observe(now, values, metrics...))
}

func (w *Watch) tell(causes []flight.Cause) {
	for _, c := range causes {
		w.fire(c)
	}
}

// nextWindow asks for the findings of a window, and begins the next with the goroutines as they are.
func (w *Watch) nextWindow(now time.Time) error {
	meta := w.meta
	meta.EndNS = w.now
	if err := w.open.End(meta); err != nil {
		return err
	}
	var values []flight.Value
	for _, f := range w.found.Result(w.open.Summary()).Findings {
		values = append(values, flight.Value{Metric: flight.MetricFinding, Finding: f.Name, Value: f.Share})
	}
	w.tell(w.watcher.Observe(now, values, flight.MetricFinding))
	rows, told, at := w.standing.Standing()
	meta.StartNS, meta.EndNS, meta.Snapshots = at, 0, told
	if err := w.openWindow(meta); err != nil {
		return err
	}
	return w.open.Feed(rows)
}

// End implements record.Sink.
func (w *Watch) End(format.Metadata) error { return nil }

// delays are scheduling delays, since they were last taken.
type delays struct{ all stats.Histogram }

// Wants implements replay.Pass.
func (d *delays) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable)}
}

// Spans implements replay.Pass.
func (d *delays) Spans(spans []replay.Span) {
	for i := range spans {
		if s := &spans[i]; s.Flags == 0 && !s.Thread && s.State == format.StateRunnable {
			d.all.Add(s.Len())
		}
	}
}

// FindingNames are the names that a rule about findings can have.
func FindingNames() (names []string) {
	for _, r := range findings.Rules() {
		names = append(names, r.Name)
	}
	return names
}
