package summary

import (
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Limit is the values of GOMAXPROCS or of the CPU quota that a process had for at least a twentieth
// of the recording, in the order in which they came first. A value of 0 is no limit.
type Limit struct {
	PID    int32     `json:"pid"`
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
}

const (
	minHeld   = 20 // a value that held for less than one part in so many of the recording is left out
	maxValues = 64 // of one limit that are told apart
)

// limits is a pass that gathers for how long each value of a limit held.
type limits struct {
	list []*held
}

// held is the values of one limit of one process.
type held struct {
	pid   int32
	name  string
	value float64 // since since
	since int64
	times []heldFor
}

type heldFor struct {
	value float64
	ns    int64
}

var (
	_ replay.LimitPass = (*limits)(nil)
	_ replay.BeginPass = (*limits)(nil)
)

// Wants implements replay.Pass: no spans.
func (p *limits) Wants() replay.Wants { return replay.Wants{} }

// Spans implements replay.Pass.
func (p *limits) Spans([]replay.Span) {}

// Begin implements replay.BeginPass. That there is no quota is known of recorded processes alone.
func (p *limits) Begin(_ *replay.Names, meta *format.Metadata) {
	for _, q := range meta.Processes {
		if q.GOMAXPROCS > 0 {
			procs := float64(q.GOMAXPROCS)
			p.list = append(p.list, &held{pid: q.PID, name: format.LimitProcs, value: procs, since: meta.StartNS})
		}
		if q.CPUQuota > 0 || meta.Source == format.SourceEBPF {
			p.list = append(p.list, &held{pid: q.PID, name: format.LimitQuota, value: q.CPUQuota, since: meta.StartNS})
		}
	}
}

// Limit implements replay.LimitPass.
func (p *limits) Limit(l replay.Limit) {
	for _, h := range p.list {
		if h.pid == l.PID && h.name == l.Name {
			h.until(l.TimeNS)
			h.value = l.Value
			return
		}
	}
	p.list = append(p.list, &held{pid: l.PID, name: l.Name, value: l.Value, since: l.TimeNS})
}

// until counts the time that the value held.
func (h *held) until(t int64) {
	ns := max(0, t-h.since)
	h.since = t
	i := slices.IndexFunc(h.times, func(f heldFor) bool { return f.value == h.value })
	switch {
	case i >= 0:
		h.times[i].ns += ns
	case len(h.times) < maxValues:
		h.times = append(h.times, heldFor{h.value, ns})
	}
}

// result is what held, given what the walk says of the trace. Of a limit whose values all held but
// shortly, it is the last.
func (p *limits) result(sum *replay.Summary) []Limit {
	out := []Limit{}
	for _, each := range p.list {
		h := held{each.pid, each.name, each.value, each.since, slices.Clone(each.times)}
		h.until(sum.EndOf(h.pid))
		l := Limit{PID: h.pid, Name: h.name}
		for _, f := range h.times {
			if minHeld*f.ns >= sum.DurationOf(h.pid) {
				l.Values = append(l.Values, f.value)
			}
		}
		if l.Values == nil {
			l.Values = []float64{h.value}
		}
		out = append(out, l)
	}
	return out
}
