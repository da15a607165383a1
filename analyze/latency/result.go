package latency

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/caveat"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Confidence is the confidence of the intervals.
const Confidence = 0.95

// Result is the answer. It encodes to the document of `gosched latency --json`.
type Result struct {
	Version      int      `json:"version"`
	DurationNS   int64    `json:"duration_ns"` // observed
	Events       int64    `json:"events"`
	Confidence   float64  `json:"confidence"`         // of the intervals
	ResolutionNS int64    `json:"time_resolution_ns"` // what the trace's times are multiples of
	Lead         []string `json:"lead"`               // the headline numbers in sentences
	Total        Row      `json:"total"`              // of the program's goroutines
	Runtime      *Row     `json:"runtime,omitempty"`  // of the runtime's own; nil where none was delayed
	// by reason those of the program, then by entry function all; each from the most delay down
	Groups    []Row            `json:"groups"`
	Histogram []stats.Row      `json:"histogram"`          // of the total, the buckets that are not empty
	Baseline  *Against         `json:"baseline,omitempty"` // nil without one
	Warnings  []report.Warning `json:"warnings"`

	noThreads bool  // the trace has no thread events
	watchedNS int64 // of DurationNS
	mixed     bool  // percentiles by reason are left out for delays without a reason
	headline  []Percentile
}

// Row is the delays of one group. A number that the trace cannot give is nil, null in JSON.
type Row struct {
	By            string       `json:"by,omitempty"` // "reason" or "entry"; empty for the total
	Name          string       `json:"name,omitempty"`
	Count         int64        `json:"count"`       // delays seen from beginning to end
	Censored      int64        `json:"censored"`    // begun before or ended after what was seen
	Broken        int64        `json:"broken"`      // delays with moves missing: not in any number here
	Percentiles   []Percentile `json:"percentiles"` // as the pass was asked for them
	MinNS         *int64       `json:"min_ns"`
	MaxNS         *int64       `json:"max_ns"` // the longest of those counted
	CensoredMaxNS *int64       `json:"censored_max_ns"`
	SumNS         int64        `json:"sum_ns"`          // of those counted
	CensoredSumNS int64        `json:"censored_sum_ns"` // what was seen of the censored
	Share         float64      `json:"share"`           // of the total's SumNS + CensoredSumNS; 0 of System
	// where the trace was recorded in windows: the delays that began, and the time of all, in the whole
	// time that the windows stand for; Share is of that then
	Scaled *stats.Scaled `json:"scaled,omitempty"`
	Parts  *replay.Delay `json:"parts"`            // of SumNS; nil where nothing is known of them
	System bool          `json:"system,omitempty"` // the runtime's own goroutines, which are not in the total
}

// Percentile is a percentile of a group's delays.
type Percentile struct {
	stats.Percentile
	Interval [2]*int64 `json:"interval_ns"` // its confidence interval; an end that is not known is nil
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	program, runtime := p.program.groups(sum.Names()), p.runtime.groups(sum.Names())
	total, system := mergeAll(program), mergeAll(runtime)
	m := maker{whole: total.delays.Sum() + total.delays.CensoredSum(), parts: total.known(sum),
		percentiles: p.percentiles(), windows: caveat.Windows(p.windows, sum)}
	if e := m.windows.Of(&total.delays); e != nil {
		m.whole = e.Scaled(Confidence).NS
	}
	r := &Result{
		Version: Version, DurationNS: sum.DurationNS(), Events: sum.Events, Confidence: Confidence,
		ResolutionNS: max(1, sum.Metadata().TimeResolutionNS),
		Total:        m.entry(named{group: total}), Histogram: total.delays.Rows(),
		noThreads: sum.ByKind[format.KindThread] == 0, watchedNS: sum.WatchedNS(),
	}
	headline := maker{percentiles: []stats.Quantile{stats.P50, stats.P99}, windows: m.windows}
	r.headline = headline.entry(named{group: total}).Percentiles
	if len(runtime) > 0 {
		system.system = true
		r.Runtime = ptr(m.entry(named{group: system}))
	}
	m.strays = m.straysOf(program)
	m.mixed = m.manyStrays(r.Total.Scaled)
	r.mixed = m.mixed
	r.Groups = append(m.entries(program), m.entries(p.entryGroups(sum.Names()))...)
	r.Lead, r.Warnings = r.lead(sum.Metadata()), warnings(r, sum, m.percentiles)
	return r
}

func mergeAll(list []named) *group {
	total := new(group)
	for _, g := range list {
		total.merge(g.group)
	}
	return total
}

// known says whether anything is known of the parts of the delays.
func (g *group) known(sum *replay.Summary) bool {
	return sum.ByKind[format.KindThread] > 0 || g.parts[replay.PartUnknown] < g.delays.Sum()
}

type named struct {
	by, name string
	*group
}

func (r *reasons) groups(names *replay.Names) []named {
	var out []named
	for why, g := range r.whys {
		if g != nil {
			out = append(out, named{"reason", replay.Why(why).String(), g})
		}
	}
	for waited := range r.waited {
		name := names.Reason(waited)
		name = wokenBy + name
		if name == wokenBy {
			name = unknownWait
		}
		out = append(out, named{"reason", name, *r.woken.At(uint32(waited))})
	}
	return out
}

func (p *Pass) entryGroups(names *replay.Names) []named {
	var out []named
	for id, g := range p.entries {
		if g != nil {
			out = append(out, named{"entry", names.Entry(replay.EntryID(id)), g})
		}
	}
	return out
}

const (
	wokenBy     = "woken: " // begins the names of delays after a wait
	unknownWait = wokenBy + "unknown wait"
)

// unattributed are the groups of delays that may belong to others: their beginning was not seen, or
// that of the wait before.
var unattributed = map[string]bool{unknownWait: true, replay.WhyUnknown.String(): true}

// straysOf are the sizes of those groups.
func (m maker) straysOf(groups []named) (out []*stats.Scaled) {
	for _, g := range mergeByName(groups) {
		if w := m.windows.Of(&g.delays); w != nil && unattributed[g.name] {
			out = append(out, w.Scaled(Confidence))
		}
	}
	return out
}

// fewStrays is how many in a hundred delays may be without a reason for the others to be a fair part.
const fewStrays = 2

// manyStrays says whether there are more strays than that among the delays of all.
func (m maker) manyStrays(all *stats.Scaled) bool {
	var n int64
	for _, s := range m.strays {
		n += s.Count
	}
	return all != nil && 100*n > fewStrays*all.Count
}

// maker makes entries.
type maker struct {
	whole       int64 // the total of all delay
	parts       bool
	percentiles []stats.Quantile
	windows     stats.Whole
	strays      []*stats.Scaled // what the groups by reason may lack
	mixed       bool            // that is so much that the others are no fair part of all
}

// entries makes one entry a name, the largest share first.
func (m maker) entries(groups []named) []Row {
	groups = mergeByName(groups)
	out := make([]Row, 0, len(groups))
	for _, g := range groups {
		out = append(out, m.entry(g))
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.SumNS+b.CensoredSumNS, a.SumNS+a.CensoredSumNS), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Name, b.Name))
	})
	return out
}

// mergeByName sums the groups of one name: a reason may have several ids in a trace that was
// joined.
func mergeByName(groups []named) []named {
	slices.SortStableFunc(groups, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	var out []named
	for _, g := range groups {
		if n := len(out); n > 0 && out[n-1].name == g.name {
			both := &group{system: g.system}
			both.merge(out[n-1].group)
			both.merge(g.group)
			out[n-1].group = both
			continue
		}
		out = append(out, g)
	}
	return out
}

func (m maker) entry(g named) Row {
	h := &g.delays
	e := Row{
		By: g.by, Name: g.name, Count: h.Count(), Censored: h.Censored(), Broken: g.broken, SumNS: h.Sum(),
		CensoredSumNS: h.CensoredSum(), System: g.system,
	}
	m.percentilesOf(&e, h)
	if h.Count() > 0 {
		e.MinNS, e.MaxNS = ptr(h.Min()), ptr(h.Max())
	}
	if h.Censored() > 0 {
		e.CensoredMaxNS = ptr(h.CensoredMax())
	}
	if m.whole > 0 && !g.system {
		e.Share = float64(e.timeNS()) / float64(m.whole)
	}
	if m.parts {
		e.Parts = new(g.parts)
	}
	return e
}

// percentilesOf fills in the percentiles, and what there was in the whole time where only windows
// were watched.
func (m maker) percentilesOf(e *Row, h *stats.Sampled) {
	if w := m.windows.Of(h); w != nil {
		list, intervals := w.Percentiles(m.percentiles, Confidence)
		apart := e.By == "reason" && !unattributed[e.Name]
		for i, p := range list {
			if apart && m.mixed {
				// waits that began in the window are the short ones, and end late in it
				p, intervals[i] = stats.Percentile{Name: p.Name}, stats.Interval{}
			}
			e.Percentiles = append(e.Percentiles, Percentile{p, ends(intervals[i])})
		}
		e.Scaled = w.Scaled(Confidence)
		if apart {
			for _, s := range m.strays {
				e.Scaled.UpTo(s)
			}
		}
		return
	}
	for i, p := range h.Percentiles(m.percentiles) {
		e.Percentiles = append(e.Percentiles, Percentile{p, ends(h.Interval(m.percentiles[i], Confidence))})
	}
}

// timeNS is the delay of all, in the whole time.
func (e *Row) timeNS() int64 {
	if e.Scaled != nil {
		return e.Scaled.NS
	}
	return e.SumNS + e.CensoredSumNS
}

func ends(in stats.Interval) (ends [2]*int64) {
	if in.LoDefined {
		ends[0] = ptr(in.Lo)
	}
	if in.HiDefined {
		ends[1] = ptr(in.Hi)
	}
	return ends
}

func ptr[T any](v T) *T { return &v }
