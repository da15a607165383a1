package replay

import "github.com/gosched/gosched/format"

// transition takes a goroutine row of any sort: the long way that a regular move of a goroutine
// that is alive does not take.
func (w *Walk) transition(p *process, b *format.Batch, i int, t int64) {
	id, from, to := b.GoID[i], b.From[i], b.To[i]
	g := p.goroutines.find(id)
	if g == nil {
		if g = w.meet(p, b, i, t); g == nil {
			return
		}
	}
	act := p.model.acts[pair(from, to)]
	switch {
	case g.state != from || act&actIllegal != 0:
		if !w.irregular(p, g, b, i, t) {
			return
		}
	case act&actInferred != 0:
		w.censor(p, g, t, EndUnseen)
		p.leave(g, to, t)
	default:
		if act&actHandOut != 0 {
			w.handOut(p, g, b, i, t)
		}
		p.leave(g, to, t)
	}
	if to == format.StateNotExist {
		p.ended.note(g.id)
		p.goroutines.drop(g.id)
		return
	}
	w.open(p, g, b, i, t)
}

// open begins the span that row i leads into.
func (w *Walk) open(p *process, g *goroutine, b *format.Batch, i int, t int64) {
	move := pair(b.From[i], b.To[i])
	act := p.model.acts[move]
	g.waited = format.NullString
	if g.state == b.From[i] {
		g.waited = g.reason
	}
	g.begin, g.state, g.flags, g.reason, g.why, g.stamped = t, b.To[i], 0, b.Reason[i], p.model.whys[move], false
	g.before = b.From[i]
	if act&(actIllegal|actInferred) != 0 {
		g.flags = CensoredLeft
	}
	if act&actIllegal != 0 {
		act = 0
	}
	w.more(p, g, b, i, act)
	if g.state == format.StateRunning {
		g.proc = b.Proc[i]
		w.run(p, g, b.From[i], t)
	}
}

// more fills in what not every span needs.
func (w *Walk) more(p *process, g *goroutine, b *format.Batch, i int, act acts) {
	if g.entry == UnknownEntry {
		w.learnEntry(p, g, b, i)
	}
	if act&actYield != 0 {
		g.why = w.names.yieldWhy(b.Reason[i])
	}
	if act&actRunnable != 0 && p.wantDelay {
		g.tid, g.proc, g.stamped = b.TID[i], b.Proc[i], true
		p.occ.Set(&p.goroutines.details[g.details].begin, g.begin)
	}
	if w.wants.Details {
		d := &p.goroutines.details[g.details]
		d.byGoID, d.stack, d.byStack, d.object = b.ByGoID[i], b.Stack[i], b.ByStack[i], b.Object[i]
		g.tid, g.cpu, g.proc = b.TID[i], b.CPU[i], b.Proc[i]
	}
}

// meet makes a goroutine that is seen for the first time by a move. It returns nil where nothing
// can be built on the row.
func (w *Walk) meet(p *process, b *format.Batch, i int, t int64) *goroutine {
	id, from := b.GoID[i], b.From[i]
	if id <= format.NoGoroutine {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return nil
	}
	if from != format.StateNotExist && p.ended.has(id) {
		w.refuse(b, i, t, ProblemEnded, format.StateNotExist)
		return nil
	}
	g := p.goroutines.create(id)
	w.totals.Goroutines++
	if t < p.gapEnd || from == format.StateUnknown {
		return g
	}
	p.goroutines.unseen--
	if from == format.StateNotExist {
		g.state, g.begin = from, t
		return g
	}
	w.totals.Unannounced++
	begin := w.believed(p, g, b, i, t)
	g.state, g.begin, g.flags = from, begin, p.found()
	w.enter(p, g)
	return g
}

// refuse counts a row that contradicts those before it, and that nothing is made of.
func (w *Walk) refuse(b *format.Batch, i int, t int64, kind ProblemKind, have format.State) {
	problem := w.problemAt(kind, nil, b, i, t)
	problem.Have = have
	w.totals.problem(problem)
}

// believed is from when on g, of which nothing is known, has been in the state that row i says it
// leaves. It cannot have run on a P since before others did.
func (w *Walk) believed(p *process, g *goroutine, b *format.Batch, i int, t int64) int64 {
	from := b.From[i]
	if from == format.StateRunning && p.checkProcs && p.used(b.Proc[i]) {
		w.totals.problem(w.problemAt(ProblemProc, g, b, i, t))
		return t
	}
	return max(p.sinceWhen(from, t), min(g.begin, t))
}

// enter counts a goroutine in that is found in a state without a move into it.
func (w *Walk) enter(p *process, g *goroutine) {
	if g.state == format.StateRunning {
		p.occ.Change(w.now, 1, 0)
	}
}

// irregular takes a move that is not what the model expects: of a goroutine whose state is not
// known, from a state that it was not in, or a move that no goroutine makes. It ends the open span,
// and reports false if the row is used up.
func (w *Walk) irregular(p *process, g *goroutine, b *format.Batch, i int, t int64) bool {
	from, to := b.From[i], b.To[i]
	if t < p.gapEnd {
		w.learnEntry(p, g, b, i)
		if to == format.StateNotExist {
			p.ended.note(g.id)
			p.goroutines.drop(g.id)
		}
		return false
	}
	if g.state == format.StateUnknown {
		p.goroutines.unseen--
		begin := w.believed(p, g, b, i, t)
		g.state, g.begin, g.flags = from, begin, p.found()
		w.enter(p, g)
		if from == format.StateNotExist {
			g.entry = UnknownEntry // another goroutine had this id before the gap, in another process of this pid
		}
	}
	switch {
	case p.model.acts[pair(from, to)]&actIllegal != 0:
		w.totals.problem(w.problemAt(ProblemMove, g, b, i, t))
	case g.state == from:
		if w.wants.States.Has(from) {
			w.handOut(p, g, b, i, t)
		}
		p.leave(g, to, t)
		return true
	case p.model.implied[g.state][from]:
		w.totals.ImpliedMoves++
	default:
		w.totals.problem(w.problemAt(ProblemState, g, b, i, t))
	}
	w.censor(p, g, t, EndUnseen)
	p.leave(g, format.StateUnknown, t)
	return true
}

func (w *Walk) problemAt(kind ProblemKind, g *goroutine, b *format.Batch, i int, t int64) Problem {
	p := Problem{Kind: kind, TimeNS: t, PID: b.PID[i], GoID: b.GoID[i], From: b.From[i], To: b.To[i],
		Reason: b.Reason[i]}
	if g != nil {
		p.Have = g.state
	}
	return p
}

// learnEntry takes the entry function from the row's stack. The stack of a creation is the entry
// function alone.
func (w *Walk) learnEntry(p *process, g *goroutine, b *format.Batch, i int) {
	if b.Stack[i] == format.NullString || g.entry != UnknownEntry {
		return
	}
	depth := p.maxStack
	if b.Kind[i] == format.KindGoroutine && b.From[i] == format.StateNotExist {
		depth = 0
	}
	g.entry = w.names.entryOf(b.Stack[i], depth)
}

// fill makes the outlet's next span of g's open one, ended at t. The fields at the end are for the
// caller.
func (w *Walk) fill(p *process, g *goroutine, t int64) *Span {
	s := w.out.next()
	s.Begin, s.End, s.GoID, s.PID = g.begin, t, g.id, p.pid
	s.Reason, s.Waited, s.Entry, s.Proc = g.reason, format.NullString, g.entry, g.proc
	s.State, s.Why, s.Flags, s.Thread = g.state, g.why, g.flags, false
	if g.flags&doubled != 0 {
		s.Flags = p.undoubled(g, t)
	}
	if g.why == WhyWoken {
		s.Waited = g.waited
	}
	if w.wants.Details {
		d := &p.goroutines.details[g.details]
		s.Stack, s.ByGoID, s.ByStack, s.TID, s.CPU = d.stack, d.byGoID, d.byStack, g.tid, g.cpu
		s.Object = d.object
	}
	s.Delay, s.SuspendedNS = Delay{}, p.suspending.within(g.begin, t)
	return s
}

// handOut hands out the open span of g, ended by row i.
func (w *Walk) handOut(p *process, g *goroutine, b *format.Batch, i int, t int64) {
	s := w.fill(p, g, t)
	s.EndReason, s.EndProc, s.Next = b.Reason[i], b.Proc[i], b.To[i]
	if w.wants.Details {
		s.EndByGoID, s.EndStack, s.EndByStack = b.ByGoID[i], b.Stack[i], b.ByStack[i]
		s.EndTID, s.EndCPU = b.TID[i], b.CPU[i]
		if s.State == format.StateRunning && w.names.isOver(s.EndStack) {
			s.EndStack = format.NullString
		}
	}
	if w.wants.Delay && s.State == format.StateRunnable && s.Next == format.StateRunning && s.Flags == 0 {
		p.delay(&s.Delay, g, t, b.TID[i])
	}
	w.handedOut(s)
}

// handedOut counts the outlet's next span, which is finished.
func (w *Walk) handedOut(s *Span) {
	if s.State == format.StateRunning && s.Flags&leftOut == leftOut {
		w.totals.leaveOut(s)
		s.Flags &^= doubled
	}
	w.out.advance()
}

// censor hands out the open span of g, if it is wanted, without a row that ends it.
func (w *Walk) censor(p *process, g *goroutine, t int64, flags Flags) {
	if w.wants.States.Has(g.state) {
		w.fillCensored(p, g, t, flags)
		w.handedOut(w.out.next())
	}
}

// fillCensored makes the outlet's next span of g's open one, ended at t without a row.
func (w *Walk) fillCensored(p *process, g *goroutine, t int64, flags Flags) {
	s := w.fill(p, g, t)
	s.Flags |= flags
	s.EndReason, s.EndProc, s.Next = format.NullString, format.Unknown, format.StateUnknown
	if w.wants.Details {
		s.EndByGoID, s.EndStack, s.EndByStack = format.NoGoroutine, format.NullString, format.NullString
		s.EndTID, s.EndCPU = format.Unknown, format.Unknown
	}
}

// run notes that g has begun to run at t on its P. Of a goroutine that comes from a system call the
// P is not certain: the event is where it sets out to get one, and another thread may have the old
// one by now (go1.26 src/runtime/proc.go, exitsyscall).
func (w *Walk) run(p *process, g *goroutine, from format.State, t int64) {
	p.occ.Change(t, 1, 0)
	if from == format.StateSyscall {
		return
	}
	if int(uint32(g.proc)) < len(p.procs) {
		other := &p.procs[g.proc]
		if *other == format.NoGoroutine || *other == vacated {
			*other = g.id
			return
		}
	}
	w.runBeside(p, g, t)
}

// runBeside is the end of run where the P is new, unknown or taken by another goroutine.
func (w *Walk) runBeside(p *process, g *goroutine, t int64) {
	id := p.occupy(g.proc, g.id)
	if id == format.NoGoroutine {
		return
	}
	other := p.goroutines.find(id)
	if other == nil || other.proc != g.proc {
		return
	}
	if other.state == format.StateSyscall && other.holds {
		other.holds = false
		p.occ.Change(t, 0, -1)
	}
	if other.state != format.StateRunning || !p.checkProcs && !p.exitUnseen {
		return
	}
	if p.checkProcs {
		w.totals.problem(Problem{Kind: ProblemProc, TimeNS: t, PID: p.pid, GoID: id, Have: other.state,
			From: format.StateRunnable, To: format.StateRunning})
		w.double(p, other, t)
		return
	}
	w.censor(p, other, t, EndUnseen)
	p.occ.Change(t, -1, 0)
	p.goroutines.drop(id)
}
