package blocking

import (
	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Pass gathers where goroutines spent their time and what they waited for. Make one with New, run
// it with replay.Run and ask for its Result.
type Pass struct {
	Percentiles []stats.Quantile // that a Result has; nil: DefaultPercentiles

	nodes       *cause.Table
	sites       *sites
	names       namer
	meta        *format.Metadata
	idleName    format.StringID // of the kernel's idle threads, once it was seen
	processes   map[int32]*process
	goroutines  replay.ByGoroutine[goroutine] // alive
	free        []*goroutine                  // for reuse
	current     *process
	entries     []*entrySum // by replay.EntryID
	ranges      map[format.StringID]*rangeSum
	threads     threadSum
	sleeps      replay.ByID[sleepFacts] // by the kernel's state
	spans       int64                   // so far
	parts       []cause.Part            // room for resolve
	culprits    []cause.Part            // room for inTheWay
	keys        keyed
	counting    bool    // the wait in hand counts the stretches that it is for
	places      []place // by cause.ID, for merged
	pool        *cause.Pool
	approximate int64 // nanoseconds of waits whose cause is attributed approximately
	blamed      *blame
	sampling    sampling
	windows     *stats.Windows
	check       func(wait *replay.Span, parts []cause.Part)
	follow      func(s *replay.Span, parts []Part)
}

// DefaultPercentiles are those of a Result where a Pass does not say others.
var DefaultPercentiles = []stats.Quantile{stats.P50, stats.P90, stats.P99}

func (p *Pass) percentiles() []stats.Quantile {
	if p.Percentiles == nil {
		return DefaultPercentiles
	}
	return p.Percentiles
}

// namer resolves names during the walk.
type namer interface {
	Reason(format.StringID) string
	Stack(format.StringID) string
	Entry(replay.EntryID) string
}

// total is how long a node was the answer.
type total struct {
	count, ns int64
	idle      int64 // of ns in which a goroutine may have been waiting for work
	latest    int64 // the span that counted last
	times     int64 // stretches of a cause, each once however many waited for it
	delayed   int64 // of ns in which goroutines of the program were runnable
	delays    int64 // of times, those
}

// entrySum is the time of the goroutines of one entry function.
type entrySum struct {
	system                             bool
	running, offCPU, runnable, syscall int64
	waits, delays, calls, runs         lengths
}

// lengths are those of spans.
type lengths struct {
	stats.Sampled
	broken int64 // with moves missing: in no number
}

type rangeSum struct {
	count, sum, max int64
	censored        bool
}

// threadSum splits the time of goroutines on threads.
type threadSum struct {
	running, offCPU, asleep, suspended   int64
	callRunning, callBlocked, callOffCPU int64
	seen                                 bool
}

var (
	_ replay.RangePass      = (*Pass)(nil)
	_ replay.BeginPass      = (*Pass)(nil)
	_ replay.SuspensionPass = (*Pass)(nil)
	_ replay.SamplePass     = (*Pass)(nil)
	_ replay.WindowPass     = (*Pass)(nil)
)

// New makes an empty pass over a trace with these names.
func New() *Pass {
	windows := new(stats.Windows)
	return &Pass{
		windows: windows,
		nodes:   cause.NewTable(), sites: newSites(windows), processes: map[int32]*process{},
		ranges: map[format.StringID]*rangeSum{},
		pool:   cause.NewPool(),
		keys:   keyed{places: map[causeKey]uint32{}},

		sampling: sampling{seen: map[onCPU]int64{}, like: map[string]format.StringID{}},
	}
}

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true, Threads: true, Delay: true}
}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, meta *format.Metadata) { p.names, p.meta = names, meta }

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		if p.current == nil || p.current.pid != s.PID {
			p.current = p.process(s.PID)
		}
		if s.Thread {
			p.thread(s)
		} else {
			p.span(s)
		}
	}
}

// Range implements replay.RangePass.
func (p *Pass) Range(r replay.Range) {
	sum := p.ranges[r.Reason]
	if sum == nil {
		sum = new(rangeSum)
		p.ranges[r.Reason] = sum
	}
	if r.Flags&replay.CensoredLeft == 0 {
		sum.count++
	}
	sum.censored = sum.censored || r.Flags != 0
	sum.sum += r.End - r.Begin
	sum.max = max(sum.max, r.End-r.Begin)
	if r.StopWorld {
		p.process(r.PID).stopped.push(r.Begin, r.End, p.nodes.Named(KindSTW, r.Reason))
	}
}

// Window implements replay.WindowPass.
func (p *Pass) Window(w replay.Window) { p.windows.End(w.WatchedNS, w.BeforeNS) }

// Suspension implements replay.SuspensionPass.
func (p *Pass) Suspension(s replay.Suspension) {
	p.process(s.PID).suspended.push(s.Begin, s.End, p.nodes.Named(KindStopped, s.Reason))
}

// span takes the time of a goroutine in one state.
func (p *Pass) span(s *replay.Span) {
	p.spans++
	g := p.goroutine(s.GoID)
	entry := p.entry(s.Entry)
	g.entry = s.Entry
	p.meet(g, s)
	switch s.State {
	case format.StateRunning:
		p.ran(g, entry, s)
	case format.StateSyscall:
		p.called(g, entry, s)
	case format.StateRunnable:
		p.delayed(g, entry, s)
	case format.StateWaiting:
		p.waited(g, entry, s)
	}
	g.next, g.off, g.samples = s.Next, g.off[:0], g.samples[:0]
	if s.Next == format.StateNotExist {
		p.drop(g)
	}
}

// meet makes the goroutine's history reach to the beginning of the span.
func (p *Pass) meet(g *goroutine, s *replay.Span) {
	switch h := &g.history; {
	case h.Begin() == h.End() && h.Empty():
		h.Start(s.Begin)
		if s.Why == replay.WhyCreated {
			g.creator, g.createStack = s.ByGoID, s.ByStack
		}
	case s.Begin > h.End():
		h.Add(s.Begin, p.nodes.Unknown(cause.WhyGap), false, p.pool)
		g.off = g.off[:0]
	}
}

func (p *Pass) entry(entry replay.EntryID) *entrySum {
	if int(entry) >= len(p.entries) {
		p.entries = append(p.entries, make([]*entrySum, int(entry)+1-len(p.entries))...)
	}
	if p.entries[entry] == nil {
		k := &entrySum{system: stack.IsSystem(p.names.Entry(entry))}
		for _, l := range []*lengths{&k.waits, &k.delays, &k.calls, &k.runs} {
			l.Windows = p.windows
		}
		p.entries[entry] = k
	}
	return p.entries[entry]
}

// count adds to what a node was the answer to in the current process. Several times in one span are
// once.
func (p *Pass) count(id cause.ID, ns int64) *total {
	t := p.total(id)
	t.ns += ns
	if t.latest != p.spans {
		t.count++
		t.latest = p.spans
	}
	return t
}

// direct counts a cause that delayed the goroutine itself. What is called the same happens once in a
// span.
func (p *Pass) direct(id cause.ID, ns int64) (t *total, fresh bool) {
	t = p.count(id, ns)
	if latest := &p.keys.latest[p.place(id)]; *latest != p.spans {
		*latest, fresh = p.spans, true
		t.times++
	}
	return t, fresh
}

// total is that of a node in the current process, valid until the next call.
func (p *Pass) total(id cause.ID) *total {
	q := p.current
	if int(id) >= len(q.totals) {
		q.totals = append(q.totals, make([]total, max(int(id)+1, 2*len(q.totals))-len(q.totals))...)
	}
	return &q.totals[id]
}

// ran takes a time in which a goroutine ran, or would have if its thread had a CPU.
func (p *Pass) ran(g *goroutine, entry *entrySum, s *replay.Span) {
	known := entry.runs.take(s)
	id := p.nodes.Code(KindRunning, s.EndStack, s.Entry)
	off := p.record(g, s, id, !entry.system)
	if known {
		p.addRun(entry, s, &off)
	}
	p.occupied(g, s, p.nodes.Code(KindQueued, s.EndStack, s.Entry))
	p.follows(s, id, off.parts)
}

// addRun counts how long a goroutine ran, and how long its thread had no CPU.
func (p *Pass) addRun(entry *entrySum, s *replay.Span, off *offSum) {
	on := s.Len() - off.ready - off.asleep - off.suspended
	entry.running += on
	entry.offCPU += off.ready + off.asleep + off.suspended
	p.threads.running += on
	p.threads.suspended += off.suspended
	p.threads.offCPU += off.ready
	p.threads.asleep += off.asleep
	if !entry.system {
		p.countOff(off)
	}
}

// called takes a time in a system call, or in C.
func (p *Pass) called(g *goroutine, entry *entrySum, s *replay.Span) {
	id := p.nodes.Call(KindSyscall, s.Reason, s.Stack)
	site := p.sites.list[p.sites.of(s, p.names)]
	blocked := !entry.system && !site.system && site.beside == "" && s.Flags == 0
	off := p.record(g, s, id, blocked)
	p.threads.callBlocked += off.asleep + off.suspended
	p.threads.callOffCPU += off.ready
	p.threads.callRunning += s.Len() - off.asleep - off.suspended - off.ready
	entry.syscall += s.Len()
	p.occupied(g, s, p.nodes.Call(KindHeld, s.Reason, s.Stack))
	p.follows(s, id, off.parts)
	if !site.lengths.take(s) {
		return
	}
	entry.calls.take(s)
	if blocked {
		p.direct(id, s.Len()-off.ready-off.held)
		p.countOff(&off)
	}
}

// take counts a span's length, and says whether it is known at all.
func (l *lengths) take(s *replay.Span) bool {
	switch {
	case s.Flags&replay.EndUnseen != 0:
		l.broken++
		return false
	case s.Flags&replay.AfterGap != 0:
		l.AddFound(s.Len())
	case s.Flags.Censored():
		l.AddCensored(s.Len())
	default:
		l.Add(s.Len())
	}
	return true
}

// maxInOrder is up to how many parts of one span are kept in their order. Of more, those of one
// cause are put together.
const maxInOrder = 48

// merged puts parts of one cause together where there are many.
func (p *Pass) merged(parts []cause.Part) []cause.Part {
	if len(parts) <= maxInOrder {
		return parts
	}
	n := 0
	for _, part := range parts {
		if int(part.ID) >= len(p.places) {
			p.places = append(p.places, make([]place, 2*int(part.ID)+1-len(p.places))...)
		}
		at := &p.places[part.ID]
		if at.span == p.spans {
			parts[at.index].NS += part.NS
			parts[at.index].New += part.New
			continue
		}
		*at = place{p.spans, n}
		parts[n] = part
		n++
	}
	return parts[:n]
}

// place is where a node is among the parts of a span.
type place struct {
	span  int64
	index int
}

// delayed takes a time in which a goroutine could have run.
func (p *Pass) delayed(g *goroutine, entry *entrySum, s *replay.Span) {
	entry.runnable += s.Len()
	if !entry.delays.take(s) || s.Next != format.StateRunning {
		p.parts = append(p.parts[:0], cause.Part{ID: p.nodes.Unknown(unknownOf(s)), NS: s.Len()})
	} else {
		p.parts = p.merged(p.inTheWay(s, p.parts[:0]))
	}
	at := s.Begin
	for i := len(p.parts) - 1; i >= 0; i-- {
		at += p.parts[i].NS
		counts := !entry.system && s.Flags&replay.EndUnseen == 0
		g.history.Add(at, p.parts[i].ID, counts, p.pool)
		if counts {
			t, fresh := p.direct(p.parts[i].ID, p.parts[i].NS)
			t.delayed += p.parts[i].NS
			if fresh {
				t.delays++
			}
		}
	}
	if p.follow != nil {
		p.follow(s, p.parts)
	}
}

// unknownOf says why the cause of a censored span is not known.
func unknownOf(s *replay.Span) cause.Why {
	if s.Flags&replay.EndUnseen != 0 {
		return cause.WhyUnseen
	}
	return cause.WhyNever
}

// mostOfTheTime says whether a wait lasted for most of what has been seen so far of the recording.
// Who waits as long for a sync.WaitGroup waits for the end of all that the program does, as main
// does, and is not delayed. What else lasts as long at the beginning is next to nothing.
func (p *Pass) mostOfTheTime(s *replay.Span) bool {
	return p.meta != nil && 2*s.Len() > s.End-p.meta.StartNS
}

// isAlone says whether a wait is a goroutine's own, for the outside: it blocks nobody until somebody
// waits for it. One to write is no such wait.
func (p *Pass) isAlone(id cause.ID) bool {
	n := p.nodes.At(id)
	return n.Depth == 1 && outside(p.nodes.At(n.Leaf)) && !p.sites.list[n.Where].writes
}

// unsaid says that the trace does not have for what and where a goroutine waits: it waited already
// after a time that was not watched. Whoever ended it, what it was for is not known.
func unsaid(s *replay.Span) bool {
	return s.Flags&replay.AfterGap != 0 && s.Reason == format.NullString && s.Stack == format.NullString
}

// waited takes a wait.
func (p *Pass) waited(g *goroutine, entry *entrySum, s *replay.Span) {
	id := p.sites.of(s, p.names)
	site := p.sites.list[id]
	known := site.lengths.take(s)
	entry.waits.take(s)
	if known && s.Flags&replay.CensoredRight == 0 {
		p.sites.woken(id, s, p.names)
	}
	receives := g.idleAt(site)
	if s.EndByGoID != format.NoGoroutine {
		receives = !p.hands(id, s) && receives
		g.took = id
	}
	idle := receives || site.gathers && p.mostOfTheTime(s)
	if known && idle && (g.again || s.Flags.Censored()) {
		site.idle += s.Len()
	}
	g.again = g.again || receives
	p.counting = known && !idle && !site.system && site.beside == ""
	if unsaid(s) {
		p.parts = append(p.parts[:0], cause.Part{ID: p.nodes.Unknown(cause.WhyGap), NS: s.Len()})
	} else {
		p.parts = p.merged(p.resolve(site, s, p.parts[:0]))
	}
	at := s.Begin
	for i := len(p.parts) - 1; i >= 0; i-- {
		part := &p.parts[i]
		leaf := p.nodes.At(part.ID).Leaf
		part.ID = p.nodes.Wait(id, part.ID)
		at += part.NS
		alone := p.isAlone(part.ID)
		g.history.Add(at, part.ID, !alone, p.pool)
		if !known {
			continue
		}
		if t := p.count(part.ID, part.NS); idle {
			t.idle += part.NS
		}
		if p.counting && !alone {
			p.total(leaf).times += int64(part.New)
		}
	}
	if p.check != nil {
		p.check(s, p.parts)
	}
	if p.follow != nil {
		p.follow(s, p.parts)
	}
}
