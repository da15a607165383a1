package replay

import (
	"strings"

	"github.com/gosched/gosched/format"
)

// thread takes a thread row.
func (w *Walk) thread(p *process, b *format.Batch, i int, t int64) {
	if !p.wantDelay && !w.wants.Threads && !w.wants.Suspensions || t < p.gapEnd {
		return
	}
	if b.TID[i] < 0 || b.To[i] == format.StateUnknown {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return
	}
	th := p.threadOf(b.TID[i])
	w.suspend(p, th, b, i, t)
	if w.wants.Threads {
		w.threadRow(p, th, b, i, t)
	}
	if ready := th.move(&p.occ, t, b.To[i]); ready != 0 {
		p.occ.thread(t, ready)
	}
}

// stopPrefix begins the Go execution trace's name of every stop-the-world range (go1.26
// src/internal/trace/event.go).
const stopPrefix = "stop-the-world"

func (w *Walk) rangeRow(p *process, b *format.Batch, i int, t int64) {
	r := Range{Begin: t, End: max(t, b.EndNS[i]), PID: p.pid, Reason: b.Reason[i]}
	r.StopWorld = strings.HasPrefix(w.names.Reason(r.Reason), stopPrefix)
	if b.From[i] != format.StateNotExist {
		r.Flags |= CensoredLeft
	}
	if b.To[i] == format.StateRunning {
		r.Flags |= CensoredRight
	}
	if r.StopWorld {
		p.occ.stop(t, r.End)
	}
	w.out.sendRange(r)
}

// gap ends every open span of the process, or of all processes where the row names none.
func (w *Walk) gap(p *process, t, end int64) {
	w.totals.Gaps++
	if p.pid != format.Unknown {
		w.gapIn(p, t, max(t, end))
		return
	}
	w.gapNS += max(0, end-max(t, w.gapEnd))
	w.gapEnd = max(w.gapEnd, end)
	for _, p := range w.processes {
		w.gapIn(p, t, max(t, end))
	}
}

func (w *Walk) gapIn(p *process, t, end int64) {
	p.gapNS += max(0, end-max(t, p.gapEnd))
	w.cutAll(p, t, w.out.advance)
	for _, g := range p.goroutines.known() {
		p.goroutines.forget(g)
	}
	w.cutSuspension(p, t)
	p.gapEnd = max(p.gapEnd, end)
	p.since = p.gapEnd
	p.occ.reset(t)
	p.ended.clear() // after it may come another process with this pid
	clear(p.procs)
	for i := range p.thread {
		th := &p.thread[i]
		th.state, th.stop, th.open.state = format.StateUnknown, stopUnknown, format.StateUnknown
	}
	p.goroutines.trim()
	w.totals.EndNS = max(w.totals.EndNS, end)
}

// snapshot takes a goroutine as the process's memory showed it: news of one whose state is not
// known, and a check of one whose state is.
func (w *Walk) snapshot(p *process, b *format.Batch, i int, t int64) {
	id, state := b.GoID[i], b.To[i]
	if id <= format.NoGoroutine || state <= format.StateNotExist {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return
	}
	g := p.goroutines.find(id)
	kind, have := p.refuses(g, b, i, t)
	if kind != ProblemEnded {
		w.out.sendSnapshot(b, i, t)
	}
	if kind != numProblems {
		w.refuse(b, i, t, kind, have)
		return
	}
	if g == nil {
		g = p.goroutines.add(id)
		w.totals.Goroutines++
		w.totals.AtStart[state]++
	} else {
		w.totals.AtEnd[state]++
	}
	w.learnEntry(p, g, b, i)
	switch {
	case t < p.gapEnd:
	case g.state == format.StateUnknown:
		w.adopt(p, g, b, i, p.foundSince(g, b, i, t))
	case g.state != state:
		w.disagree(p, g, b, i, t)
	}
}

// refuses says how a snapshot's row contradicts what came before it, if it cannot be believed, and
// what was so instead. What is read of memory is older than the row, which is late by a goroutine's
// last move.
func (p *process) refuses(g *goroutine, b *format.Batch, i int, t int64) (ProblemKind, format.State) {
	state, proc := b.To[i], b.Proc[i]
	switch {
	case t < p.gapEnd:
	case g == nil && p.ended.has(b.GoID[i]):
		return ProblemEnded, format.StateNotExist
	case g != nil && g.state == state:
	case g != nil && g.state != format.StateUnknown && g.before == state && !p.model.implied[g.state][state]:
		return ProblemSnapshot, g.state
	case state == format.StateRunning && p.checkProcs && p.used(proc) && p.procs[proc] != b.GoID[i]:
		return ProblemProc, format.StateUnknown
	}
	return numProblems, format.StateUnknown
}

// foundSince is from when on a goroutine of which nothing else is known has been in the state that
// a snapshot's row says.
func (p *process) foundSince(g *goroutine, b *format.Batch, i int, t int64) int64 {
	if b.To[i] == format.StateRunning && b.Proc[i] < 0 || p.ended.full {
		return t // it may be another's P, or have ended
	}
	return max(p.sinceWhen(b.To[i], t), min(g.begin, t))
}

// adopt opens the span of a goroutine that a snapshot shows, which began at an unknown time.
func (w *Walk) adopt(p *process, g *goroutine, b *format.Batch, i int, begin int64) {
	if g.state == format.StateUnknown {
		p.goroutines.unseen--
	}
	*g = goroutine{
		id: g.id, entry: g.entry, details: g.details, begin: begin, flags: CensoredLeft, state: b.To[i],
		reason: b.Reason[i],
		tid:    format.Unknown, cpu: format.Unknown, proc: b.Proc[i],
	}
	if w.wants.Details {
		g.tid, g.cpu = b.TID[i], b.CPU[i]
		d := &p.goroutines.details[g.details]
		d.byGoID, d.stack, d.byStack = format.NoGoroutine, b.Stack[i], format.NullString
	}
	w.enter(p, g)
	if g.state == format.StateRunning {
		p.occupy(g.proc, g.id)
	}
}

// disagree takes a snapshot's word against the model's.
func (w *Walk) disagree(p *process, g *goroutine, b *format.Batch, i int, t int64) {
	if p.model.implied[g.state][b.To[i]] {
		w.totals.ImpliedMoves++
	} else {
		w.totals.problem(w.problemAt(ProblemSnapshot, g, b, i, t))
	}
	w.cut(p, g, t, EndUnseen)
	p.leave(g, format.StateUnknown, t)
	w.adopt(p, g, b, i, t)
}

// limit takes a limit of the process that holds from t on.
func (w *Walk) limit(p *process, b *format.Batch, i int, t int64) {
	l, ok := format.ParseLimit(w.names.Reason(b.Reason[i]))
	if !ok {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return
	}
	if l.Name == format.LimitProcs {
		p.setProcs(t, int(l.Value))
	}
	w.out.sendLimit(Limit{Limit: l, TimeNS: t, PID: p.pid})
}
