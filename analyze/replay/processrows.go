package replay

import "github.com/gosched/gosched/format"

// thread takes a thread row.
func (w *Walk) thread(p *process, b *format.Batch, i int, t int64) {
	if !p.followed && !w.wants.Threads && !w.wants.Suspensions || t < p.gapEnd {
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
	if lacking := th.Move(&p.occ, t, b.To[i], w.names.cpuOf(b.Reason[i])); lacking != 0 {
		p.occ.Lack(t, lacking)
	}
}

func (w *Walk) rangeRow(p *process, b *format.Batch, i int, t int64) {
	r := Range{Begin: t, End: max(t, b.EndNS[i]), PID: p.pid, Reason: b.Reason[i]}
	_, r.StopWorld = format.IsStopTheWorld(w.names.Reason(r.Reason))
	if b.From[i] != format.StateNotExist {
		r.Flags |= CensoredLeft
	}
	if b.To[i] == format.StateRunning {
		r.Flags |= CensoredRight
	}
	if r.StopWorld {
		p.occ.Stop(t, r.End)
	}
	w.out.sendRange(r)
}

// gap ends every open span of the process, or of all processes where the row names none. Of a gap of
// one class, the spans that the class could have ended.
func (w *Walk) gap(p *process, t, end int64, reason format.StringID) {
	if class := format.ParseReason(w.names.Reason(reason)).Unwatched(); class != format.TransitionNone {
		w.unwatch(p, t, max(t, end), class)
		return
	}
	budget := format.ParseReason(w.names.Reason(reason)) == format.ReasonBudget
	w.totals.Gaps++
	if budget {
		w.totals.BudgetGaps++
	}
	end = max(t, end)
	if p.pid != format.Unknown {
		w.gapIn(p, t, end, budget)
	} else {
		gapped(&w.gapNS, &w.budgetNS, w.gapEnd, t, end, budget)
		w.gapEnd = max(w.gapEnd, end)
		for _, p := range w.processes {
			w.gapIn(p, t, end, budget)
		}
	}
	w.windowing.gap(w, t, end, budget) // after the spans that it ends
}

// gapped adds a gap to the time in gaps, which is counted up to until.
func gapped(all, forBudget *int64, until, t, end int64, budget bool) {
	ns := max(0, end-max(t, until))
	*all += ns
	if budget {
		*forBudget += ns
	}
}

func (w *Walk) gapIn(p *process, t, end int64, budget bool) {
	gapped(&p.gapNS, &p.budgetNS, p.gapEnd, t, end, budget)
	p.gapForRounds(t, end)
	w.censorAll(p, t, func() { w.handedOut(w.out.next()) })
	for _, g := range p.goroutines.known() {
		p.goroutines.forget(g)
	}
	w.censorSuspension(p, t)
	p.gapEnd = max(p.gapEnd, end)
	p.since = p.gapEnd
	p.occ.Reset(t)
	p.ended.clear() // after it may come another process with this pid
	clear(p.procs)
	for i := range p.thread {
		th := &p.thread[i]
		th.State, th.stop, th.open.state = format.StateUnknown, stopUnknown, format.StateUnknown
	}
	p.goroutines.trim()
	w.totals.EndNS = max(w.totals.EndNS, end)
}

// limit takes a limit of the process that holds from t on.
func (w *Walk) limit(p *process, b *format.Batch, i int, t int64) {
	l, ok := format.ParseLimit(w.names.Reason(b.Reason[i]))
	if !ok {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return
	}
	switch l.Name {
	case format.LimitProcs:
		p.setProcs(t, int(l.Value))
	case format.LimitQuota:
		p.occ.SetQuota(l.Value > 0)
	}
	w.out.sendLimit(Limit{Limit: l, TimeNS: t, PID: p.pid})
}

// descriptor takes what a goroutine waits for, or has a system call on. One that the rows before it
// have in another state, or of which nothing is known, says nothing.
func (w *Walk) descriptor(p *process, b *format.Batch, i int, t int64) {
	what, ok := format.ParseDescriptor(w.names.Reason(b.Reason[i]))
	if state := b.To[i]; !ok || state != format.StateWaiting && state != format.StateSyscall {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return
	}
	if len(w.out.descriptors) == 0 || t < p.gapEnd {
		return
	}
	g := p.goroutines.find(b.GoID[i])
	if g == nil || g.state != b.To[i] {
		return
	}
	w.out.sendDescriptor(Descriptor{
		TimeNS: t, PID: p.pid, TID: b.TID[i], GoID: b.GoID[i], FD: b.Object[i], State: g.state, What: what,
	})
}
