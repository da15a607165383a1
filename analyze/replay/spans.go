package replay

import "github.com/gosched/gosched/format"

// meet makes a goroutine that is seen for the first time by a move. It returns nil where nothing can be built on the row.
func (w *walk) meet(p *process, b *format.Batch, i int, t int64) *goroutine {
	id, from := b.GoID[i], known(b.From[i])
	if id <= format.NoGoroutine {
		w.sum.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return nil
	}
	g := p.add(id)
	w.sum.Goroutines++
	if t < p.gapEnd || from == format.StateUnknown {
		return g
	}
	p.unseen--
	g.state, g.begin = from, t
	if from != format.StateNotExist {
		w.sum.Unannounced++
		g.begin, g.flags = p.since, CensoredLeft
		w.enter(p, g)
	}
	return g
}

// enter counts a goroutine in that is found in a state without a move into it.
func (w *walk) enter(p *process, g *goroutine) {
	if g.state == format.StateRunning {
		p.occ.run(w.now, 1)
	}
}

// irregular takes a move that is not what the model expects: of a goroutine whose state is not known, from a state that it
// was not in, or a move that no goroutine makes. It closes the open span, and reports false if the row is used up.
func (w *walk) irregular(p *process, g *goroutine, b *format.Batch, i int, t int64) bool {
	from, to := known(b.From[i]), known(b.To[i])
	if t < p.gapEnd {
		w.learnEntry(p, g, b, i)
		if to == format.StateNotExist {
			p.drop(g)
		}
		return false
	}
	broken := p.model.whys[pair(from, to)] == illegal
	if g.state == format.StateUnknown {
		p.unseen--
		g.state, g.begin, g.flags = from, p.since, CensoredLeft
		w.enter(p, g)
	}
	switch {
	case broken:
		w.sum.problem(w.problemAt(ProblemMove, g, b, i, t))
		g.flags |= EndUnseen
	case g.state == from:
	case p.model.implied[g.state][from]:
		w.sum.ImpliedMoves++
		g.flags |= EndUnseen
	default:
		w.sum.problem(w.problemAt(ProblemState, g, b, i, t))
		g.flags |= EndUnseen
	}
	switch {
	case g.flags&EndUnseen != 0:
		w.cut(p, g, t, 0)
	case w.wants.Has(g.state):
		w.close(p, g, b, i, t)
	}
	return true
}

func (w *walk) problemAt(kind ProblemKind, g *goroutine, b *format.Batch, i int, t int64) Problem {
	p := Problem{Kind: kind, TimeNS: t, PID: b.PID[i], GoID: b.GoID[i], From: known(b.From[i]), To: known(b.To[i]), Reason: b.Reason[i]}
	if g != nil {
		p.Have = g.state
	}
	return p
}

// open begins the span that row i leads into.
func (w *walk) open(p *process, g *goroutine, b *format.Batch, i int, t int64) {
	to := known(b.To[i])
	g.waited = format.NullString
	if g.state == format.StateWaiting && b.From[i] == format.StateWaiting {
		g.waited = g.reason
	}
	g.begin, g.state, g.flags = t, to, 0
	g.reason, g.proc = b.Reason[i], b.Proc[i]
	if g.entry == UnknownEntry {
		w.learnEntry(p, g, b, i)
	}
	if !w.wants.Has(to) {
		return
	}
	g.stack, g.byGoID, g.byStack = b.Stack[i], b.ByGoID[i], b.ByStack[i]
	g.tid, g.cpu = b.TID[i], b.CPU[i]
	if to == format.StateRunnable && w.delay {
		g.stopNS, g.fullNS = p.occ.at(t)
	}
}

// learnEntry takes the entry function from the row's stack. The stack of a creation is the entry function alone.
func (w *walk) learnEntry(p *process, g *goroutine, b *format.Batch, i int) {
	if b.Stack[i] == format.NullString || g.entry != UnknownEntry {
		return
	}
	depth := p.maxStack
	if b.Kind[i] == format.KindGoroutine && b.From[i] == format.StateNotExist {
		depth = 0
	}
	g.entry = w.names.entryOf(b.Stack[i], depth)
}

// fill copies the open span of g, ended at t.
func (w *walk) fill(s *Span, p *process, g *goroutine, t int64) {
	*s = Span{
		Begin: g.begin, End: t, GoID: g.id, ByGoID: g.byGoID, Reason: g.reason, Stack: g.stack, ByStack: g.byStack, Waited: g.waited,
		Entry: g.entry, PID: p.pid, TID: g.tid, CPU: g.cpu, Proc: g.proc, EndTID: format.Unknown, EndCPU: format.Unknown, EndProc: format.Unknown,
		State: g.state, Why: g.why, Flags: g.flags,
	}
}

// close hands out the open span of g, ended by row i.
func (w *walk) close(p *process, g *goroutine, b *format.Batch, i int, t int64) {
	s := w.out.next()
	w.fill(s, p, g, t)
	s.EndByGoID, s.EndByStack, s.EndReason = b.ByGoID[i], b.ByStack[i], b.Reason[i]
	s.EndTID, s.EndCPU, s.EndProc = b.TID[i], b.CPU[i], b.Proc[i]
	s.Next = known(b.To[i])
	if w.delay && g.state == format.StateRunnable && s.Next == format.StateRunning && g.flags == 0 {
		s.Delay = p.delay(g, t, b.TID[i])
	}
	w.out.advance()
}

// cut hands out the open span of g without a row that ends it.
func (w *walk) cut(p *process, g *goroutine, t int64, flags Flags) {
	if !w.wants.Has(g.state) {
		return
	}
	w.fill(w.out.next(), p, g, t)
	w.out.next().Flags |= flags
	w.out.advance()
}

// run notes that g has begun to run at t on its P.
func (w *walk) run(p *process, g *goroutine, t int64) {
	p.occ.run(t, 1)
	id := p.occupy(g.proc, g.id)
	if id == format.NoGoroutine || !p.checkProcs && !p.exitUnseen {
		return
	}
	other := p.find(id)
	if other == nil || other.state != format.StateRunning || other.proc != g.proc {
		return
	}
	if p.checkProcs {
		w.sum.problem(Problem{Kind: ProblemProc, TimeNS: t, PID: p.pid, GoID: id, Have: other.state, To: format.StateRunning})
		return
	}
	w.cut(p, other, t, EndUnseen)
	p.occ.run(t, -1)
	p.drop(other)
}
