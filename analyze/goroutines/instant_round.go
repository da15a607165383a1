package goroutines

import (
	"maps"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
)

// roundBefore is the goroutines of the latest round that began before an instant.
type roundBefore struct {
	beginNS int64
	found   []standing
}

// Round implements replay.RoundPass.
func (p *Instant) Round(r *replay.Round) {
	if r.BeginNS > p.timeNS {
		return
	}
	before := roundBefore{r.BeginNS, p.rounds[r.PID].found[:0]}
	for i := range r.Goroutines {
		g := &r.Goroutines[i]
		before.found = append(before.found, standing{
			GoroutineID: replay.GoroutineID{PID: r.PID, GoID: g.GoID}, state: g.State, reason: g.Reason,
			sinceNS: p.timeNS, creator: g.ByGoID, goStack: g.CreatedAt, stack: g.Stack,
		})
	}
	p.rounds[r.PID] = before
}

// standing is what is known of the goroutines at the instant: of a process of which no span is, what
// the latest round before it found.
func (p *Instant) standing() []standing {
	out := slices.Clone(p.found)
	for _, pid := range slices.Sorted(maps.Keys(p.rounds)) {
		if !p.spanned(pid) {
			out = append(out, p.rounds[pid].found...)
		}
	}
	return out
}

func (p *Instant) spanned(pid int32) bool {
	return slices.ContainsFunc(p.found, func(s standing) bool { return s.PID == pid })
}

// SinceRound is how long before the instant the rounds began that its profile is of; 0 where it is of
// none. It is the longest of these times.
func (p *Instant) SinceRound() (ns int64) {
	for pid, r := range p.rounds {
		if !p.spanned(pid) {
			ns = max(ns, p.timeNS-r.beginNS)
		}
	}
	return ns
}
