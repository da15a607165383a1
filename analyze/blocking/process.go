package blocking

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// goroutine is what is remembered of a goroutine that is alive.
type goroutine struct {
	id          format.GoID
	history     history
	off         []offCPU     // times without a CPU since the history's end
	next        format.State // the state since the history's end
	shallowest  int          // frames of its own when it waited, at least; 0: it has not yet
	again       bool         // it has waited there before, as who waits for work does
	creator     format.GoID  // who made it, where the history reaches back to that
	createStack format.StringID
}

// offCPU is a time in which a goroutine's thread was not on a CPU.
type offCPU struct {
	begin, end int64
	node       nodeID
	asleep     bool // and did not want to be
	suspended  bool // of asleep: stopped from outside
}

// process is what is remembered of a process.
type process struct {
	pid       int32
	procs     []*history               // who ran on each P
	threads   map[int32]*ring          // when each thread lacked a CPU
	cpus      map[int32]*ring          // when threads of the process ran on each CPU
	commands  map[format.StringID]bool // of names of threads, whether the process's own have it
	stopped   ring                     // when the world was
	suspended ring                     // when all threads were stopped from outside
	parts     []part                   // room for refined
	pieces    []part                   // room for unstopped
}

// idleAt says whether a goroutine that waits at the site may be waiting for work: it can receive
// some there, and never waits further up its stack.
func (g *goroutine) idleAt(s *site) bool {
	if g.shallowest == 0 || s.depth < g.shallowest {
		g.shallowest = max(1, s.depth)
	}
	return s.receives && s.depth <= g.shallowest
}

// ring remembers the latest stretches of something that happens one after the other.
type ring struct {
	list [ringSize]run
	n    int // so far
}

const ringSize = 32

type run struct {
	begin, end int64
	node       nodeID
}

func (r *ring) add(begin, end int64, id nodeID) {
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

func (p *Pass) process(pid int32) *process {
	q := p.processes[pid]
	if q == nil {
		q = &process{pid: pid, threads: map[int32]*ring{}, cpus: map[int32]*ring{},
			commands: map[format.StringID]bool{}}
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
	for i := range g.history.blocks {
		p.pool.room += len(g.history.blocks[i].parts)
	}
	if len(p.free) < maxFree {
		*g = goroutine{off: g.off[:0], history: history{recent: g.history.recent[:0]}}
		p.free = append(p.free, g)
	}
}

// maxProcs bounds the table of Ps.
const maxProcs = 1 << 16

// proc is what goroutines did on a P, nil where the P is not known. Between them it is free, or
// being handed on.
func (q *process) proc(id int32) *history {
	if id < 0 || id >= maxProcs {
		return nil
	}
	for int(id) >= len(q.procs) {
		q.procs = append(q.procs, nil)
	}
	if q.procs[id] == nil {
		q.procs[id] = new(history)
	}
	return q.procs[id]
}

// offSum is how long a goroutine's thread was off the CPU.
type offSum struct {
	ready, asleep int64
	suspended     int64  // stopped from outside; in neither of those
	held          int64  // of suspended, what held up a system call
	parts         []part // the causes of both, but for the sleep in a system call
}

func (p *Pass) countOff(off *offSum) {
	for _, o := range off.parts {
		p.count(o.node, o.ns)
	}
}

// record appends a running goroutine's time, or one's in a system call, to its history: id while
// its thread was on the CPU. In a system call a thread that sleeps is part of the call.
func (p *Pass) record(g *goroutine, s *replay.Span, id nodeID) (sum offSum) {
	at := s.Begin
	p.parts = p.parts[:0]
	for i := range g.off {
		o := &g.off[i]
		begin, end := max(o.begin, at), min(o.end, s.End)
		if end <= begin {
			continue
		}
		at = end
		if sum.add(o, end-begin); o.asleep && s.State == format.StateSyscall && !o.outlasted(s.End) {
			continue
		}
		if o.suspended && s.State == format.StateSyscall {
			sum.held += end - begin
		}
		p.parts = mergePart(p.parts, part{o.node, end - begin})
		g.history.add(begin, id, &p.pool)
		g.history.add(end, o.node, &p.pool)
	}
	g.history.add(s.End, id, &p.pool)
	g.off = g.off[:0]
	sum.parts = p.parts
	return sum
}

// add counts a time off the CPU.
func (sum *offSum) add(o *offCPU, ns int64) {
	switch {
	case o.suspended:
		sum.suspended += ns
	case o.asleep:
		sum.asleep += ns
	default:
		sum.ready += ns
	}
}

// promptNS is how soon after a suspension something ends that the suspension held up: the runtime
// looks after the network and timers every 10 ms at least (go1.26 src/runtime/proc.go, sysmon).
const promptNS = 10_000_000

// outlasted says whether a suspension held up something that ended at t, and that could else have
// ended by itself: what ended long after it was not held up. When it would have ended the trace
// cannot tell, so all of the suspension counts.
func (o *offCPU) outlasted(t int64) bool { return o.suspended && t-o.end <= promptNS }

// occupied notes that a goroutine had a P, running or in a system call. Where another goroutine has
// been seen on the P since, it had lost it.
func (p *Pass) occupied(s *replay.Span, id nodeID) {
	h := p.current.proc(s.Proc)
	switch {
	case h == nil || s.Flags != 0 || s.Begin < h.end:
		return
	case len(h.recent) == 0:
		h.begin, h.end = s.Begin, s.Begin
	}
	h.add(s.Begin, p.nodes.waking, &p.pool)
	h.add(s.End, id, &p.pool)
}

// inTheWay takes a runnable span apart by what went on where it ran in the end: who had that P,
// else whether the thread lacked a CPU. The latest comes first.
func (p *Pass) inTheWay(s *replay.Span, list []part) []part {
	q := p.current
	h := q.proc(s.EndProc)
	if h == nil {
		return append(list, part{p.nodes.unknown(unknownWaker), s.Len()})
	}
	from, to := min(max(h.begin, s.Begin), s.End), max(s.Begin, min(h.end, s.End))
	if to < s.End {
		list = q.idle(to, s.End, s.EndTID, p.nodes, list)
	}
	n := len(list)
	list, estimated := h.between(from, to, list)
	if p.estimated += estimated; len(h.blocks) == 0 || h.blocks[len(h.blocks)-1].end <= s.Begin {
		list = q.refined(n, to, s.EndTID, p.nodes, list)
	}
	switch {
	case from <= s.Begin:
	case h.forgot:
		list = append(list, part{p.nodes.unknown(unknownHistory), from - s.Begin})
	default: // nobody has been seen on the P yet
		list = q.idle(s.Begin, from, s.EndTID, p.nodes, list)
	}
	return list
}

// refined takes apart the times in which a P was free, of the parts from n on, which end at to and
// whose order is known.
func (q *process) refined(n int, to int64, tid int32, nodes *nodes, list []part) []part {
	if q.threads[tid] == nil && q.stopped.n == 0 && q.suspended.n == 0 {
		return list
	}
	parts := append(q.parts[:0], list[n:]...)
	q.parts, list = parts, list[:n]
	for _, part := range parts {
		if part.node == nodes.waking {
			list = q.idle(to-part.ns, to, tid, nodes, list)
		} else {
			list = q.unstopped(to-part.ns, to, part.node, list)
		}
		to -= part.ns
	}
	return list
}

// idle takes apart a time in which no goroutine ran on a P: its thread was without a CPU, or it was
// being woken.
func (q *process) idle(from, to int64, tid int32, n *nodes, list []part) []part {
	if r := q.threads[tid]; r != nil {
		for i := 0; to > from; i++ {
			off, ok := r.before(i)
			if !ok || off.end <= from {
				break
			}
			begin, end := max(off.begin, from), min(off.end, to)
			if end <= begin {
				continue
			}
			if end < to {
				list = q.unstopped(end, to, n.waking, list)
			}
			list = append(list, part{off.node, end - begin})
			to = begin
		}
	}
	if to > from {
		list = q.unstopped(from, to, n.waking, list)
	}
	return list
}

// unstopped is a time that belongs to a cause, but for that in which the process was stopped from
// outside, or the world was.
func (q *process) unstopped(from, to int64, id nodeID, list []part) []part {
	if q.suspended.n == 0 {
		return q.stopped.without(from, to, id, list)
	}
	at := len(list)
	list = q.suspended.without(from, to, id, list)
	parts := append(q.pieces[:0], list[at:]...)
	q.pieces, list = parts, list[:at]
	for _, p := range parts {
		if p.node == id {
			list = q.stopped.without(to-p.ns, to, id, list)
		} else {
			list = append(list, p)
		}
		to -= p.ns
	}
	return list
}

// without is a time that belongs to a cause, the latest first, but for the runs that are
// remembered.
func (r *ring) without(from, to int64, id nodeID, list []part) []part {
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
			list = append(list, part{id, to - end})
		}
		list = append(list, part{stop.node, end - begin})
		to = begin
	}
	if to > from {
		list = append(list, part{id, to - from})
	}
	return list
}
