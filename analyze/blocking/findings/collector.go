package findings

import (
	"cmp"
	"fmt"
	"maps"
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
	special          bool // it means anything at all: most stacks do not
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
		f.special = f.allocates || f.reads || f.writes || f.call != 0
	}
	return *f
}

// special is stackFacts of a stack alone, for nearly every span.
func (p *Pass) special(id format.StringID) bool {
	if f := p.stacks.At(uint32(id)); f.known {
		return f.special
	}
	return p.stackFacts(id).special
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
	if p.reason(s.Reason).assist {
		add(c.allocating, s.Stack, own(s))
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
	explains := l.forCollector(nil)
	took := l.costs(explains)
	if len(took) > 0 {
		text += ", and goroutines waited " + strings.Join(took[:min(len(took), namedCosts)], ", ")
	}
	facts := "the collector had " + rate
	if procs := l.procs * float64(l.watchedNS); procs > 0 && c.markNS > 0 {
		facts += "; marking had " + report.FormatShare(float64(c.markNS)/procs) + " of the Ps' time"
	}
	evidence := []string{capital(facts) + "."}
	if len(took) > 0 {
		evidence = append(evidence, "Goroutines waited "+strings.Join(took, ", ")+".")
	}
	return []hit{{code: at, behind: "the garbage collector", explains: explains, clause: text, evidence: evidence}}
}

// namedCosts is how many of the costs are in the sentence.
const namedCosts = 2

// costNames are what goroutines wait for because of the collector, by the name of the root cause.
var costNames = map[string]string{
	"marking":                       "behind its workers",
	"beginning a cycle":             "for another to begin a cycle",
	format.ReasonPreempted.String(): "to be scanned",
	"GC assist marking":             "to help it before they may allocate",
	"GC assist wait":                "to help it before they may allocate",
	"GC mark assist wait for work":  "to help it before they may allocate",
	"wait for GC cycle":             "for a cycle to end",
	"wait until GC ends":            "for a cycle to end",
}

// costName says what a root cause is that is the collector's.
func costName(c *blocking.Leaf) string {
	switch c.Kind {
	case blocking.KindSTW:
		return "while the world was stopped for it"
	case blocking.KindOffCPU:
		return "for a CPU that its workers had"
	}
	return cmp.Or(costNames[c.Name], "for it otherwise")
}

// costs are what the collector is explained to have cost, the most first. They add up to all of it.
func (l *look) costs(e explained) (out []string) {
	const rest = "behind its workers while these had no CPU"
	by := map[string]int64{rest: l.account.ns(e)}
	for _, i := range e.chains {
		if c := &l.account.chains[i]; isCollector(c.Cause) {
			by[costName(c.Cause)] += c.NS
			by[rest] -= c.NS
		}
	}
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		if by[name] > 0 {
			out = append(out, report.FormatDuration(by[name])+" "+name)
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
