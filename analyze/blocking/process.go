package blocking

import (
	"github.com/gosched/gosched/analyze/blocking/internal/cause"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// goroutine is what is remembered of a goroutine that is alive.
type goroutine struct {
	id          format.GoID
	history     cause.History
	off         []offCPU     // times without a CPU since the history's end
	samples     []marker     // of it running, in order of time
	next        format.State // the state since the history's end
	shallowest  int          // frames of its own when it waited, at least, and 1; 0: it has not yet
	again       bool         // it has waited there before, as who waits for work does
	took        cause.Site   // where a goroutine ended its latest wait, until it ends one there itself
	entry       replay.EntryID
	creator     format.GoID // who made it, where the history reaches back to that
	createStack format.StringID
}

// offCPU is a time in which a goroutine's thread was not on a CPU.
type offCPU struct {
	begin, end int64
	node       cause.ID
	asleep     bool // and did not want to be
	suspended  bool // of asleep: stopped from outside
}

// process is what is remembered of a process.
type process struct {
	pid       int32
	procs     []*proc                  // who had each P
	threads   rings                    // when each thread lacked a CPU
	cpus      rings                    // when threads of the process ran on each CPU, with the entry functions
	commands  map[format.StringID]bool // of names of threads, whether the process's own have it
	stopped   ring                     // when the world was
	suspended ring                     // when all threads were stopped from outside
	totals    []total                  // of its goroutines, by cause.ID
	taken     ring                     // when any thread lacked a CPU, by the ends
}

// proc is what goroutines did on a P. Between them it is free, being handed on, or with one in a
// system call.
type proc struct {
	cause.History
	held cause.ID // the system call of the goroutine that left it last; 0: it did not leave for one
}

// idleAt says whether a goroutine that waits at the site may be waiting for work: it can receive
// some there, and never waits further up its stack.
func (g *goroutine) idleAt(s *site) bool {
	if s.partial { // how far up its stack is not known, and says nothing of its other waits
		return s.receives
	}
	if g.shallowest == 0 || s.depth+1 < g.shallowest {
		g.shallowest = s.depth + 1
	}
	return s.receives && s.depth+1 <= g.shallowest
}

// ring remembers the latest stretches of something that happens one after the other.
type ring struct {
	list [ringSize]run
	n    int // so far
}

const ringSize = 32

type run struct {
	begin, end int64
	node       cause.ID
}

// push remembers a stretch that came after all others.
func (r *ring) push(begin, end int64, id cause.ID) {
	r.list[r.n%ringSize] = run{begin, end, id}
	r.n++
}

// before is the i-th latest run, and whether it is remembered.
func (r *ring) before(i int) (*run, bool) {
	if i >= min(r.n, ringSize) {
		return nil, false
	}
	return &r.list[(r.n-1-i)%ringSize], true
}

// rings are those of threads or CPUs. The zero rings are empty.
type rings struct {
	all  map[int32]*ring
	near [64]keyedRing // some of those that were asked for of late
}

type keyedRing struct {
	*ring
	key int32
}

// find is the ring of a key, nil where it has none.
func (t *rings) find(key int32) *ring {
	at := &t.near[uint32(key)%uint32(len(t.near))]
	if at.ring == nil || at.key != key {
		*at = keyedRing{t.all[key], key}
	}
	return at.ring
}

// of is the ring of a key, new where it has none.
func (t *rings) of(key int32) *ring {
	r := t.find(key)
	if r == nil {
		if t.all == nil {
			t.all = map[int32]*ring{}
		}
		r = new(ring)
		t.all[key] = r
	}
	return r
}

func (p *Pass) process(pid int32) *process {
	q := p.processes[pid]
	if q == nil {
		q = &process{pid: pid, commands: map[format.StringID]bool{}}
		p.processes[pid] = q
	}
	return q
}

// goroutine is one of the current process, new where it is not known.
func (p *Pass) goroutine(id format.GoID) *goroutine {
	if g := p.find(id); g != nil {
		return g
	}
	g := new(goroutine)
	if n := len(p.free); n > 0 {
		g, p.free = p.free[n-1], p.free[:n-1]
	}
	g.id = id
	p.goroutines.Put(p.current.pid, id, g)
	return g
}

// find is the goroutine of the current process if it is known, or nil.
func (p *Pass) find(id format.GoID) *goroutine { return p.goroutines.Find(p.current.pid, id) }

// maxFree bounds how many goroutines that are gone are kept for reuse.
const maxFree = 1 << 10

func (p *Pass) drop(g *goroutine) {
	p.goroutines.Drop(p.current.pid, g.id)
	g.history.Clear(p.pool)
	if len(p.free) < maxFree {
		*g = goroutine{off: g.off[:0], samples: g.samples[:0], history: g.history}
		p.free = append(p.free, g)
	}
}

// maxProcs bounds the table of Ps.
const maxProcs = 1 << 16

// proc is one of the process's Ps, nil where the P is not known.
func (q *process) proc(id int32) *proc {
	if id < 0 || id >= maxProcs {
		return nil
	}
	for int(id) >= len(q.procs) {
		q.procs = append(q.procs, nil)
	}
	if q.procs[id] == nil {
		q.procs[id] = new(proc)
	}
	return q.procs[id]
}

// offSum is how long a goroutine's thread was off the CPU.
type offSum struct {
	ready, asleep int64
	suspended     int64        // stopped from outside; in neither of those
	held          int64        // of suspended, what delayed the end of a system call
	parts         []cause.Part // the causes of both, but for the sleep in a system call
}

func (p *Pass) countOff(off *offSum) {
	for _, o := range off.parts {
		p.direct(o.ID, o.NS)
	}
}

// record appends a running goroutine's time, or one's in a system call, to its history: id while
// its thread was on the CPU. In a system call a thread that sleeps is part of the call. What it was
// blocked by itself is counted by the caller if it says so.
func (p *Pass) record(g *goroutine, s *replay.Span, id cause.ID, counted bool) (sum offSum) {
	call := counted && s.State == format.StateSyscall
	at := s.Begin
	p.parts = p.parts[:0]
	for i := range g.off {
		o := &g.off[i]
		begin, end := max(o.begin, at), min(o.end, s.End)
		if end <= begin {
			continue
		}
		at = end
		if sum.count(o, end-begin); o.asleep && s.State == format.StateSyscall && !o.outlasted(s.End) {
			continue
		}
		if o.suspended && s.State == format.StateSyscall {
			sum.held += end - begin
		}
		p.parts = cause.Merge(p.parts, cause.Part{ID: o.node, NS: end - begin})
		p.run(&g.history, g, begin, id, call)
		g.history.Add(end, o.node, counted, p.pool)
	}
	p.run(&g.history, g, s.End, id, call)
	g.off = g.off[:0]
	sum.parts = p.parts
	return sum
}

// count takes a time off the CPU.
func (sum *offSum) count(o *offCPU, ns int64) {
	switch {
	case o.suspended:
		sum.suspended += ns
	case o.asleep:
		sum.asleep += ns
	default:
		sum.ready += ns
	}
}

// promptNS is how soon after a suspension something ends that the suspension delayed: the runtime
// looks after the network and timers every 10 ms at least (go1.26 src/runtime/proc.go, sysmon).
const promptNS = 10_000_000

// outlasted says whether a suspension delayed something that ended at t, and that could else have
// ended by itself: what ended long after it was not delayed. When it would have ended the trace
// cannot tell, so all of the suspension counts.
func (o *offCPU) outlasted(t int64) bool { return o.suspended && t-o.end <= promptNS }

// occupied notes that a goroutine had a P, running or in a system call. Where another goroutine has
// been seen on the P since, it had lost it.
func (p *Pass) occupied(g *goroutine, s *replay.Span, id cause.ID) {
	h := p.current.proc(s.Proc)
	if s.Proc == format.Unknown {
		h = p.current.proc(s.EndProc) // it was there when the recording began
	}
	switch {
	case h == nil || s.Flags&^(replay.CensoredLeft|replay.AfterGap) != 0 || s.Begin < h.End():
		return
	case h.Empty():
		h.Start(s.Begin)
	}
	h.Add(s.Begin, h.between(p.nodes), false, p.pool)
	p.run(&h.History, g, s.End, id, false)
	h.held = 0
	if s.State == format.StateRunning && s.Next == format.StateSyscall {
		h.held = p.nodes.Call(KindHeld, s.EndReason, s.EndStack)
	}
}

// between is what a P does after the end of its history: it is with a goroutine in a system call,
// for as long as nobody takes it, or it is free.
func (h *proc) between(nodes *cause.Table) cause.ID {
	if h.held != 0 {
		return h.held
	}
	return nodes.WakeUp
}

// without is a time that belongs to a cause, the latest first, but for the runs that are
// remembered.
func (r *ring) without(from, to int64, id cause.ID, list []cause.Part) []cause.Part {
	for i := 0; to > from; i++ {
		stop, ok := r.before(i)
		if !ok || stop.end <= from {
			break
		}
		begin, end := max(stop.begin, from), min(stop.end, to)
		if end <= begin {
			continue
		}
		if end < to {
			list = append(list, cause.Part{ID: id, NS: to - end})
		}
		list = append(list, cause.Part{ID: stop.node, NS: end - begin})
		to = begin
	}
	if to > from {
		list = append(list, cause.Part{ID: id, NS: to - from})
	}
	return list
}
