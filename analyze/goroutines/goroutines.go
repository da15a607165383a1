package goroutines

import (
	"github.com/gosched/gosched/analyze/goroutines/internal/queue"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Pass follows every goroutine of a walk. Make one with New, run it with replay.Run and ask for its
// Result.
type Pass struct {
	alive   replay.ByGoroutine[goroutine]
	sites   *sites
	origins origins
	queue   *queue.Tracker
	names   *replay.Names
	begun   int64 // goroutines of the program that ended, and were there when they were first looked for
}

var (
	_ replay.BeginPass    = (*Pass)(nil)
	_ replay.SnapshotPass = (*Pass)(nil)
)

// goroutine is one that is alive, with what was counted of it.
type goroutine struct {
	replay.GoroutineID
	first      int64 // when it was first seen
	created    bool  // at first, by a go statement that is in the trace
	spanned    bool  // it has had a span
	before     bool  // its first span began before observation did
	entry      replay.EntryID
	creator    format.GoID
	goStack    format.StringID // the creator's, or the go statement's frame alone
	woken      int64
	waits      int64
	waitingNS  int64
	runningNS  int64
	runnableNS int64
	syscallNS  int64
	begin, end int64 // of the last state
	since      since
	state      format.State
	flags      replay.Flags
	reason     format.StringID // of the last state, "" while running
	stack      format.StringID // where it was seen last
}

// New makes an empty pass.
func New() *Pass {
	return &Pass{sites: newSites(), origins: origins{of: map[originKey]*origin{}}, queue: queue.New()}
}

// Wants implements replay.Pass.
func (p *Pass) Wants() replay.Wants {
	return replay.Wants{States: replay.AllStates, Details: true, Suspensions: true}
}

// Begin implements replay.BeginPass.
func (p *Pass) Begin(names *replay.Names, _ *format.Metadata) {
	p.names = names
	p.queue.Begin(names)
}

// Snapshot implements replay.SnapshotPass: snapshots know who created a goroutine.
func (p *Pass) Snapshot(s replay.Snapshot) {
	if s.CreatedAt == format.NullString && s.SinceNS == 0 {
		return
	}
	g := p.goroutine(s.PID, s.GoID, s.TimeNS)
	if s.CreatedAt != format.NullString && g.goStack == format.NullString {
		g.creator, g.goStack = s.ByGoID, s.CreatedAt
	}
	g.since.tell(&s)
}

// goroutine is one that is alive, first seen now where it is not known.
func (p *Pass) goroutine(pid int32, id format.GoID, now int64) *goroutine {
	g := p.alive.Find(pid, id)
	if g == nil {
		g = &goroutine{GoroutineID: replay.GoroutineID{PID: pid, GoID: id}, first: now}
		p.alive.Put(pid, id, g)
	}
	return g
}

// Spans implements replay.Pass.
func (p *Pass) Spans(spans []replay.Span) {
	for i := range spans {
		s := &spans[i]
		g := p.goroutine(s.PID, s.GoID, s.Begin)
		g.take(s)
		p.queue.Span(s)
		if s.State == format.StateWaiting {
			p.sites.wait(s, g.begin, p.names)
		}
		if s.Next == format.StateNotExist {
			p.origins.ended(g, p.names)
			if g.before && !p.system(g) {
				p.begun++
			}
			p.alive.Drop(s.PID, s.GoID)
		}
	}
}

// take counts a span and makes it the goroutine's last.
func (g *goroutine) take(s *replay.Span) {
	g.first = min(g.first, s.Begin)
	if !g.spanned {
		g.spanned, g.before = true, s.Flags&replay.CensoredLeft != 0
	}
	if s.Entry != replay.UnknownEntry {
		g.entry = s.Entry
	}
	g.begin, g.end, g.state, g.flags, g.reason = s.Begin, s.End, s.State, s.Flags, s.Reason
	if ns, known := g.since.of(s); known {
		g.begin, g.flags = ns, g.flags&^replay.CensoredLeft
	}
	switch s.State {
	case format.StateRunnable:
		g.runnable(s)
	case format.StateRunning:
		if s.Flags&replay.EndUnseen == 0 {
			g.runningNS += s.Len()
		}
		g.reason, g.stack = format.NullString, s.EndStack
	case format.StateSyscall:
		g.syscallNS += s.Len()
		g.stack = s.Stack
	case format.StateWaiting:
		g.waits++
		g.waitingNS += s.Len()
		g.stack = s.Stack
	}
}

func (g *goroutine) runnable(s *replay.Span) {
	g.runnableNS += s.Len()
	switch s.Why {
	case replay.WhyCreated:
		g.created, g.creator, g.goStack = true, s.ByGoID, s.ByStack
	case replay.WhyWoken:
		g.woken++
	}
	if s.Stack != format.NullString {
		g.stack = s.Stack
	}
}
