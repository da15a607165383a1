package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// collector is what the garbage collector of a process did, for whom, and who asked the runtime for
// it or to stop the world.
type collector struct {
	cycles     int64
	markNS     int64 // its workers had a P
	worker     replay.EntryID
	assists    waits
	scans      waits                     // of goroutines that were stopped to have their stacks scanned
	allocating map[format.StringID]int64 // nanoseconds in assists, by stack
	until      map[format.StringID]int64 // nanoseconds of runs that ended while they allocated, by stack
	sampled    map[format.StringID]int64 // on-CPU samples of allocations, by stack
	calls      map[callKey]*waits        // of what has the runtime collect or stop the world
	stops      map[format.StringID]waits // by the range's reason
}

// maxStacks is how many stacks of one sort are told apart in a process.
const maxStacks = 1 << 12

func newCollector() collector {
	return collector{sampled: map[format.StringID]int64{}, allocating: map[format.StringID]int64{},
		until: map[format.StringID]int64{},
		calls: map[callKey]*waits{}, stops: map[format.StringID]waits{}}
}

// add counts to a stack that is known, or becomes known if there is room.
func add(m map[format.StringID]int64, stack format.StringID, ns int64) {
	if _, known := m[stack]; known || len(m) < maxStacks {
		m[stack] += ns
	}
}

// stackFacts are what a stack means for the collector, worked out once.
type stackFacts struct {
	known, allocates bool
	reads, writes    bool // data, and does not wait for another to have done so
	call             int8 // in the table of calls, from 1 on; 0: none
}

func (p *Pass) stackFacts(id format.StringID) stackFacts {
	f := p.stacks.At(uint32(id))
	if !f.known {
		text := p.names.Stack(id)
		*f = stackFacts{known: true, allocates: calls(text, "runtime.mallocgc"), call: int8(callIn(text) + 1)}
		if t := stack.TransferOf(text); t.Transfers() && !t.Queued {
			f.reads, f.writes = !t.Writes(), t.Writes() && !flushes(text)
		}
	}
	return *f
}

// calls says whether a function is on a stack.
func calls(text, function string) bool {
	return strings.Contains(text, ";"+function+" ") || strings.HasPrefix(text, function+" ")
}

// collects takes a span of one of the runtime's own goroutines.
func (p *Pass) collects(s *replay.Span) {
	p.offCPU(s)
	if s.State == format.StateRunning && s.Flags&replay.EndUnseen == 0 && p.worker(s.Entry) {
		p.current.gc.markNS += s.Len()
		p.current.gc.worker = s.Entry
		p.current.had(s, false)
	}
}

func (p *Pass) worker(entry replay.EntryID) bool {
	return p.entries.At(uint32(entry)).worker
}

// wait takes a goroutine's wait for the collector.
func (c *collector) wait(p *Pass, s *replay.Span) {
	switch f := p.reason(s.Reason); {
	case f.assist:
		c.assists.take(own(s))
		add(c.allocating, s.Stack, own(s))
	case f.scan:
		c.scans.take(own(s))
	}
}

// called takes a stack that a goroutine of the program was seen at, for ns nanoseconds, and whether
// the wait there was one for the collector.
func (p *Pass) called(id format.StringID, ns int64, waited bool) {
	if id == format.NullString {
		return
	}
	f := p.stackFacts(id)
	if f.call == 0 {
		return
	}
	key, c := callKey{int(f.call) - 1, id}, &p.current.gc
	if c.calls[key] == nil {
		if len(c.calls) >= maxStacks {
			return
		}
		c.calls[key] = new(waits)
	}
	if k := c.calls[key]; waited {
		k.take(ns)
	} else {
		k.sumNS += ns
	}
}

// owned says whether most cycles were asked for by the program.
func (c *collector) owned() bool {
	var asked int64
	for key, k := range c.calls {
		if askable[key.call].cycle {
			asked += k.count
		}
	}
	return asked > 0 && 2*asked >= c.cycles
}

// allocator is the code that allocates most, as far as the trace shows it.
func (l *look) allocator() code {
	if sum(l.gc.sampled) >= minSamples {
		return l.heaviest(l.gc.sampled)
	}
	for _, m := range []map[format.StringID]int64{l.gc.allocating, l.gc.until} {
		if at := l.heaviest(m); at.function != "" {
			return at
		}
	}
	return code{}
}

// heaviest is the function with the most time, at the place in it with the most.
func (l *look) heaviest(m map[format.StringID]int64) code {
	functions, places := map[string]int64{}, map[code]int64{}
	for id, ns := range m {
		if at := l.code(id); at.function != "" {
			functions[at.function] += ns
			places[at] += ns
		}
	}
	var best code
	for at, ns := range places {
		if best.function == "" || cmp.Or(cmp.Compare(functions[at.function], functions[best.function]),
			cmp.Compare(ns, places[best]), cmp.Compare(best.function, at.function), cmp.Compare(best.at, at.at)) > 0 {
			best = at
		}
	}
	return best
}

// isCollector says whether a root cause is the garbage collector.
func isCollector(c *blocking.Leaf) bool {
	switch c.Kind {
	case blocking.KindGC:
		return true
	case blocking.KindSTW:
		return strings.Contains(c.Name, "(GC ")
	case blocking.KindOffCPU:
		return c.Own && c.Name == markWorker
	}
	return false
}

// forCollector is what the collector is the cause of, and what else matches. Where the thread of a
// worker that had a P lacked a CPU, what was delayed behind it counts too.
func (l *look) forCollector(more func(*blocking.Chain) bool) explained {
	certain := l.account.which(func(c *blocking.Chain) bool {
		return isCollector(c.Cause) || more != nil && more(c)
	})
	if l.gc.worker == replay.UnknownEntry {
		return certain
	}
	behind := l.entries.At(uint32(l.gc.worker)).behindNS
	for _, i := range certain.chains {
		if c := &l.account.chains[i]; c.Direct() && c.Cause.Kind == blocking.KindGC {
			behind -= c.NS
		}
	}
	return l.account.withSome(certain, behind, func(c *blocking.Chain) bool {
		return c.Direct() && c.Cause.Kind == blocking.KindOffCPU
	})
}

func gcPressure(l *look) []hit {
	c := &l.gc
	if c.cycles < 3 || c.owned() {
		return nil
	}
	at, who := l.allocator(), "the program"
	if at.function != "" {
		who = named(at)
	}
	rate := fmt.Sprintf("%.3g cycles a second", float64(c.cycles)/l.seconds())
	text := fmt.Sprintf("%s allocates so much that the garbage collector (GC) has %s", who, rate)
	parts := l.costs()
	if len(parts) > 0 {
		text += ": " + parts[0]
	}
	return []hit{{code: at, behind: "the garbage collector", explains: l.forCollector(nil), clause: text,
		evidence: []string{capital(strings.Join(append([]string{"the collector had " + rate}, parts...), "; ")) + "."}}}
}

// costs are what the collector took, the most first.
func (l *look) costs() (out []string) {
	type cost struct {
		ns   int64
		text string
	}
	c := &l.gc
	list := []cost{}
	if procs := l.procs * float64(l.end-l.begin); procs > 0 && c.markNS > 0 {
		share := report.FormatShare(float64(c.markNS) / procs)
		list = append(list, cost{c.markNS, "marking had " + share + " of the Ps' time"})
	}
	for _, w := range []struct {
		waits
		text string
	}{{c.assists, "goroutines that allocate waited to help it"}, {c.scans, "goroutines were stopped to be scanned"},
		{l.collections(), "the world was stopped for it"}} {
		if w.count > 0 {
			list = append(list, cost{w.sumNS, fmt.Sprintf("%s %s, %s in all", w.text,
				report.FormatNumber(w.count, "time"), report.FormatDuration(w.sumNS))})
		}
	}
	slices.SortStableFunc(list, func(a, b cost) int { return cmp.Compare(b.ns, a.ns) })
	for _, x := range list {
		out = append(out, x.text)
	}
	return out
}

// collections are the stops of the world for the collector.
func (l *look) collections() (out waits) {
	for id, w := range l.gc.stops {
		if strings.Contains(l.names.Reason(id), "(GC ") {
			out.sum(w)
		}
	}
	return out
}

// sum adds others.
func (w *waits) sum(o waits) {
	w.count += o.count
	w.sumNS += o.sumNS
	w.maxNS = max(w.maxNS, o.maxNS)
}
