package replay

import "github.com/gosched/gosched/format"

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
		g = p.goroutines.create(id)
		w.totals.Goroutines++
		w.totals.AtStart[state]++
	} else {
		w.totals.AtEnd[state]++
	}
	w.windowing.read = w.windowing.read || t >= p.gapEnd
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
		id: g.id, entry: g.entry, details: g.details, begin: begin, flags: p.found(), state: b.To[i],
		reason: b.Reason[i],
		tid:    format.Unknown, cpu: format.Unknown, proc: b.Proc[i],
	}
	if w.wants.Details {
		g.tid, g.cpu = b.TID[i], b.CPU[i]
		d := &p.goroutines.details[g.details]
		d.byGoID, d.stack, d.byStack, d.object = format.NoGoroutine, b.Stack[i], format.NullString, b.Object[i]
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
	w.censor(p, g, t, EndUnseen)
	p.leave(g, format.StateUnknown, t)
	w.adopt(p, g, b, i, t)
}
