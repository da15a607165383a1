package replay

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gosched/gosched/format"
)

// Run walks the trace once and hands its spans to every pass. It returns what can be said of the
// trace as a whole.
func Run(ctx context.Context, src Source, passes ...Pass) (*Summary, error) {
	w := newWalk(src, passes)
	columns := w.wants.columns()
	for b, err := range src.Batches(ctx, format.Selection{Columns: columns}) {
		if err == nil {
			err = check(b, columns)
		}
		if err != nil {
			return nil, fmt.Errorf("replay the trace: %w", err)
		}
		for _, p := range w.out.rows {
			p.Rows(b)
		}
		w.batch(b)
	}
	w.finish()
	return w.sum, nil
}

// walk is the state of one pass over a trace.
type walk struct {
	meta  format.Metadata
	names *Names
	out   *outlet
	wants Wants
	sum   *Summary

	now       int64
	begun     bool
	gapEnd    int64      // of the gaps that hold for every process
	gapNS     int64      // the time in them
	processes []*process // in order of appearance
	current   *process
}

func newWalk(src Source, passes []Pass) *walk {
	w := &walk{meta: src.Metadata(), names: newNames(src), out: newOutlet(passes), now: math.MinInt64,
		gapEnd: math.MinInt64}
	w.wants = w.out.union
	w.sum = &Summary{names: w.names, meta: &w.meta}
	for _, p := range passes {
		if b, ok := p.(BeginPass); ok {
			b.Begin(w.names, &w.meta)
		}
	}
	return w
}

var errColumns = errors.New("a batch has columns of different lengths")

// check makes sure that a batch can be walked without looking.
func check(b *format.Batch, columns format.ColumnSet) error {
	for c, length := range [format.NumColumns]int{
		format.ColTime: len(b.TimeNS), format.ColKind: len(b.Kind), format.ColPID: len(b.PID),
		format.ColTID: len(b.TID), format.ColCPU: len(b.CPU),
		format.ColProc: len(b.Proc), format.ColGoID: len(b.GoID), format.ColFrom: len(b.From), format.ColTo: len(b.To),
		format.ColReason: len(b.Reason),
		format.ColStack:  len(b.Stack), format.ColByGoID: len(b.ByGoID), format.ColByStack: len(b.ByStack),
		format.ColEnd: len(b.EndNS),
	} {
		if length != b.Len() && columns.Has(format.Column(c)) {
			return errColumns
		}
	}
	for i, k := range b.Kind {
		if k > format.KindLimit || b.From[i] > format.StateWaiting || b.To[i] > format.StateWaiting {
			return fmt.Errorf("event %d of a batch has kind %d and states %d and %d, which do not exist", i, k,
				b.From[i], b.To[i])
		}
	}
	return nil
}

// batch walks the rows of a batch.
func (w *walk) batch(b *format.Batch) {
	if b.Len() == 0 {
		return
	}
	if !w.begun {
		w.begin(b.TimeNS[0], b.PID[0])
	}
	for i := 0; i < b.Len(); {
		if next := w.commonRows(w.current, b, i); next > i {
			i = next
			continue
		}
		w.row(b, i)
		i++
	}
	w.sum.Events += int64(b.Len())
}

func (w *walk) begin(t int64, pid int32) {
	w.begun = true
	if w.meta.StartNS != 0 && w.meta.StartNS < t {
		t = w.meta.StartNS
	}
	w.sum.BeginNS, w.sum.EndNS, w.now = t, t, t
	w.process(pid)
}

// row takes any row, with everything that commonRows leaves to it.
func (w *walk) row(b *format.Batch, i int) {
	p, t := w.current, b.TimeNS[i]
	if t < w.now {
		w.sum.problem(w.problemAt(ProblemOrder, nil, b, i, t))
		t = w.now
	}
	w.now = t
	if pid := b.PID[i]; pid != p.pid {
		p = w.process(pid)
	}
	if t >= p.occ.stopEnd {
		p.occ.start()
	}
	w.sum.ByKind[b.Kind[i]]++
	switch b.Kind[i] {
	case format.KindGoroutine:
		w.sum.pairs[pair(b.From[i], b.To[i])]++
		w.transition(p, b, i, t)
	case format.KindThread:
		w.thread(p, b, i, t)
	case format.KindRange:
		w.rangeRow(p, b, i, t)
	case format.KindGap:
		w.gap(p, t, b.EndNS[i])
	case format.KindSnapshot:
		w.snapshot(p, b, i, t)
	case format.KindLimit:
		w.limit(p, b, i, t)
	}
}

// process returns what is known of a process, which becomes the current one.
func (w *walk) process(pid int32) *process {
	for _, p := range w.processes {
		if p.pid == pid {
			w.current = p
			return p
		}
	}
	p := newProcess(pid, &w.meta, w.wants)
	p.since, p.gapEnd, p.gapNS = max(w.sum.BeginNS, w.gapEnd), w.gapEnd, w.gapNS
	p.occ.now.t = w.sum.BeginNS
	w.processes = append(w.processes, p)
	w.current = p
	return p
}

// commonRows takes rows from i on as long as they are goroutine and thread rows of p in order of
// time, and returns the index of the first that is not. It is the walk's inner loop: what happens
// to nearly every event is in it, and the rest is called.
func (w *walk) commonRows(p *process, b *format.Batch, i int) int {
	times := b.TimeNS
	n := len(times)
	kinds, pids, ids, froms, tos := b.Kind[:n], b.PID[:n], b.GoID[:n], b.From[:n], b.To[:n]
	reasons, procs, stacks := b.Reason[:n], b.Proc[:n], b.Stack[:n]
	pairs, model, first, threads, now := &w.sum.pairs, p.model, i, 0, w.now
	for ; i < n; i++ {
		t := times[i]
		kind := kinds[i]
		if kind > format.KindThread || pids[i] != p.pid || t < now || t >= p.occ.stopEnd {
			break
		}
		now = t
		if kind == format.KindThread {
			threads++
			w.thread(p, b, i, t)
			continue
		}
		from, to := froms[i], tos[i]
		move := pair(from, to)
		pairs[move]++
		act := model.acts[move]
		g := p.goroutines.find(ids[i])
		if g == nil || act&actSlow != 0 || g.state != from {
			w.now = now
			w.transition(p, b, i, t)
			continue
		}
		if act&actHandOut != 0 {
			w.handOut(p, g, b, i, t)
		}
		if act&actLeave != 0 {
			p.leave(g, to, t)
		}
		g.waited, g.before = g.reason, from
		g.begin, g.state, g.flags, g.reason, g.why, g.stamped = t, to, 0, reasons[i], model.whys[move], false
		if act&actRun != 0 {
			g.proc = procs[i]
			w.run(p, g, from, t)
		}
		if act&(actDetails|actYield|actRunnable) != 0 || g.entry == UnknownEntry && stacks[i] != format.NullString {
			w.more(p, g, b, i, act)
		}
	}
	w.now = now
	w.sum.ByKind[format.KindGoroutine] += int64(i - first - threads)
	w.sum.ByKind[format.KindThread] += int64(threads)
	return i
}
