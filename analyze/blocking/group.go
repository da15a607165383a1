package blocking

import (
	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Site is the waits or the system calls at one place, whole. The histogram is the pass's own and
// not to be changed.
type Site struct {
	Reason  string // of a wait; of a system call its name
	Stack   string // root first, empty where it is not known
	Class   replay.Class
	Syscall bool
	System  bool // the runtime's own goroutines
	Other   bool // what is left over: waits and system calls at places that were not told apart
	Lengths *stats.Histogram
	Broken  int64
	IdleNS  int64    // of Lengths, what was seen, in which goroutines may have been waiting for work
	Causes  []Shared // of waits, the most first
}

// Sites are all sites, in no order that means anything. Call it after the walk.
func (p *Pass) Sites() []Site {
	var out []Site
	bySite := p.blame().bySite
	for id, s := range p.sites.list {
		if s.lengths.empty() {
			continue
		}
		out = append(out, Site{
			Reason: p.names.Reason(s.reason), Stack: p.names.Stack(s.stack), Class: s.class, Syscall: s.syscall,
			System: s.system, Other: id == 0,
			Lengths: &s.lengths.Histogram, Broken: s.lengths.broken, IdleNS: s.idle,
			Causes: shares(bySite[cause.Site(id)]),
		})
	}
	return out
}

// EntrySpans are the spans of the goroutines of one entry function, whole.
type EntrySpans struct {
	Name               string
	System             bool // the runtime's own
	Waits, Calls, Runs Lengths
}

// Lengths are those of spans. The histogram is the pass's own and not to be changed.
type Lengths struct {
	*stats.Histogram
	Broken int64 // with moves missing: in no number
}

// Entries are the spans by entry function, in the order in which these were first seen.
func (p *Pass) Entries() []EntrySpans {
	var out []EntrySpans
	for id, k := range p.entries {
		if k != nil {
			out = append(out, EntrySpans{p.names.Entry(replay.EntryID(id)), k.system, k.waits.whole(), k.calls.whole(),
				k.runs.whole()})
		}
	}
	return out
}

func (l *lengths) whole() Lengths { return Lengths{&l.Histogram, l.broken} }

// NetworkWakes is the number of waits that the network ended: those of which the trace says so, and
// where it has no word for it, those for the network that no goroutine ended. Waits at pairs that
// were not told apart are not among them.
func (p *Pass) NetworkWakes() int64 {
	var n int64
	for key, pair := range p.sites.pairs {
		if key.waker != format.NullString {
			continue
		}
		kind, said := outsides[format.ParseReason(p.names.Reason(key.reason))]
		if !said {
			kind = outsideOf[p.sites.list[key.site].class]
		}
		if kind == KindNetwork {
			n += pair.count
		}
	}
	return n
}
