// Package metrics shows a recording to Prometheus while it is made: what was seen and lost, what it
// costs, and how long goroutines waited for a CPU, as native histograms by entry function.
//
// # Bounds
//
// MaxEntries entry functions have a histogram of their own, the first that had a delay; all others
// share one. A histogram has maxBuckets buckets at most.
package metrics

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

const (
	// MaxEntries is how many entry functions are told apart.
	MaxEntries = 100
	// OtherEntries is the label of all others.
	OtherEntries = "other"
	maxBuckets   = 160
	// BucketFactor is how much wider a bucket is than the one before, at most.
	BucketFactor = 1.1
)

// Figures are what the recorder says of itself a few times a second.
type Figures struct {
	Lost, LostStacks int64
	Bytes            int64
	Processes        int
	Rounds           *format.Rounds   // nil: goroutines are not sampled
	Governor         *format.Governor // nil: no budget was given
	Kept             *flight.Counts   // nil: everything is written
}

// Recording is what is shown of one. It is a sink that the recording feeds; the handler may be used
// at the same time.
type Recording struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec
	gaps     *prometheus.CounterVec
	last     prometheus.Gauge
	walk     *replay.Walk
	reasons  *format.Strings
	figures  atomic.Pointer[Figures]
}

// New shows nothing yet.
func New() *Recording {
	r := &Recording{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gosched_events_total",
			Help: "Rows that were recorded, by kind."}, []string{"kind"}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gosched_gap_seconds_total",
			Help: "Time in which something was not watched or was lost, summed over processes."}, []string{"reason"}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gosched_last_event_timestamp_seconds",
			Help: "When the latest recorded row was, since the Unix epoch."}),
	}
	waits := newDelays()
	r.walk = replay.NewWalk(waits)
	r.figures.Store(new(Figures))
	r.registry.MustRegister(r.events, r.gaps, r.last, waits.all, &told{r},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Set says what the recorder says of itself now.
func (r *Recording) Set(f Figures) { r.figures.Store(&f) }

// Handler answers scrapes.
func (r *Recording) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Begin implements record.Sink.
func (r *Recording) Begin(meta format.Metadata, reasons, stacks *format.Strings) error {
	r.reasons = reasons
	return r.walk.Begin(meta, reasons, stacks)
}

// SetMetadata takes what is known of the recording now.
func (r *Recording) SetMetadata(meta format.Metadata) { r.walk.SetMetadata(meta) }

// Feed implements record.Sink.
func (r *Recording) Feed(b *format.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	var kinds [256]int
	for i, kind := range b.Kind {
		kinds[kind]++
		if kind == format.KindGap {
			lasted := float64(max(0, b.EndNS[i]-b.TimeNS[i])) / 1e9
			r.gaps.WithLabelValues(r.reasons.Lookup(b.Reason[i])).Add(lasted)
		}
	}
	for kind, n := range kinds {
		if n > 0 {
			r.events.WithLabelValues(format.Kind(kind).String()).Add(float64(n))
		}
	}
	r.last.Set(float64(b.TimeNS[b.Len()-1]) / 1e9)
	if err := r.walk.Feed(b); err != nil {
		return err
	}
	r.walk.Flush()
	return nil
}

// End implements record.Sink.
func (r *Recording) End(meta format.Metadata) error { return r.walk.End(meta) }

// delays are how long goroutines waited for a CPU, by entry function.
type delays struct {
	all   *prometheus.HistogramVec
	names *replay.Names
	of    []prometheus.Observer // by replay.EntryID; nil: it had no delay yet
	told  map[string]bool
}

func newDelays() *delays {
	return &delays{told: map[string]bool{}, all: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "gosched_goroutine_delay_seconds",
		Help: "How long goroutines were ready and did not run, by entry function; those of which begin and end were " +
			"seen. Where probes are attached in windows, delays in windows alone.",
		NativeHistogramBucketFactor: BucketFactor, NativeHistogramMaxBucketNumber: maxBuckets,
	}, []string{"entry"})}
}

// Wants implements replay.Pass.
func (d *delays) Wants() replay.Wants {
	return replay.Wants{States: replay.StatesOf(format.StateRunnable)}
}

// Begin implements replay.BeginPass.
func (d *delays) Begin(names *replay.Names, _ *format.Metadata) { d.names = names }

// Spans implements replay.Pass.
func (d *delays) Spans(spans []replay.Span) {
	for i := range spans {
		if s := &spans[i]; s.Flags == 0 && !s.Thread && s.Next == format.StateRunning {
			d.entry(s.Entry).Observe(float64(s.Len()) / 1e9)
		}
	}
}

func (d *delays) entry(id replay.EntryID) prometheus.Observer {
	if n := int(id) + 1 - len(d.of); n > 0 {
		d.of = append(d.of, make([]prometheus.Observer, n)...)
	}
	if d.of[id] == nil {
		name := d.names.Entry(id)
		if !d.told[name] && len(d.told) == MaxEntries {
			name = OtherEntries
		} else {
			d.told[name] = true
		}
		d.of[id] = d.all.WithLabelValues(name)
	}
	return d.of[id]
}
