package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gosched/gosched/format"
)

// Run walks the trace once and hands its spans to every pass. It returns what can be said of the trace as a whole.
func Run(ctx context.Context, src Source, passes ...Pass) (*Summary, error) {
	w := newWalk(src, passes)
	for {
		b, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = check(b)
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
	meta  *format.Metadata
	names *Names
	out   *outlet
	wants States
	delay bool
	sum   *Summary

	now       int64
	begun     bool
	gapEnd    int64      // of the gaps that hold for every process
	processes []*process // in order of appearance
	current   *process
}

func newWalk(src Source, passes []Pass) *walk {
	w := &walk{meta: src.Metadata(), names: newNames(src), out: newOutlet(passes), now: math.MinInt64, gapEnd: math.MinInt64}
	w.wants, w.delay = w.out.union.States, w.out.union.Delay
	w.sum = &Summary{names: w.names}
	return w
}

var errColumns = errors.New("a batch has columns of different lengths")

func check(b *format.Batch) error {
	n := b.Len()
	for _, l := range [...]int{
		len(b.EndNS), len(b.Kind), len(b.PID), len(b.TID), len(b.CPU), len(b.Proc), len(b.GoID),
		len(b.From), len(b.To), len(b.Reason), len(b.Stack), len(b.ByGoID), len(b.ByStack),
	} {
		if l != n {
			return errColumns
		}
	}
	return nil
}

// batch walks the rows of a batch. Goroutine rows take the short way.
func (w *walk) batch(b *format.Batch) {
	if b.Len() == 0 {
		return
	}
	if !w.begun {
		w.begin(b.TimeNS[0], b.PID[0])
	}
	p := w.current
	for i, t := range b.TimeNS {
		if t < w.now {
			t = w.backwards(b, i)
		}
		w.now = t
		if pid := b.PID[i]; pid != p.pid {
			p = w.process(pid)
		}
		if t >= p.occ.stopEnd {
			p.occ.start()
		}
		if b.Kind[i] == format.KindGoroutine {
			w.transition(p, b, i, t)
		} else {
			w.other(p, b, i, t)
		}
	}
	w.sum.Events += int64(b.Len())
}

func (w *walk) begin(t int64, pid int32) {
	w.begun = true
	if w.meta != nil && w.meta.StartNS != 0 && w.meta.StartNS < t {
		t = w.meta.StartNS
	}
	w.sum.BeginNS, w.sum.EndNS = t, t
	w.process(pid)
}

func (w *walk) backwards(b *format.Batch, i int) int64 {
	w.sum.problem(Problem{Kind: ProblemOrder, TimeNS: b.TimeNS[i], PID: b.PID[i], GoID: b.GoID[i], From: b.From[i], To: b.To[i]})
	return w.now
}

// process returns what is known of a process, which becomes the current one.
func (w *walk) process(pid int32) *process {
	for _, p := range w.processes {
		if p.pid == pid {
			w.current = p
			return p
		}
	}
	p := newProcess(pid, w.meta)
	p.since, p.gapEnd = max(w.sum.BeginNS, w.gapEnd), w.gapEnd
	p.occ.last = w.sum.BeginNS
	w.processes = append(w.processes, p)
	w.current = p
	return p
}

// transition takes a goroutine row. It is one function because it is run once an event: a regular move of a known
// goroutine goes through it from top to bottom.
func (w *walk) transition(p *process, b *format.Batch, i int, t int64) {
	id, from, to := b.GoID[i], known(b.From[i]), known(b.To[i])
	w.sum.ByKind[format.KindGoroutine]++
	w.sum.pairs[pair(from, to)]++
	g := p.find(id)
	if g == nil {
		if g = w.meet(p, b, i, t); g == nil {
			return
		}
	}
	old, why := g.state, p.model.whys[pair(from, to)]
	if old != from || why == illegal {
		if !w.irregular(p, g, b, i, t) {
			return
		}
	} else if w.wants.Has(from) {
		w.close(p, g, b, i, t)
	}
	if old == format.StateRunning {
		p.vacate(g.proc, id)
		p.occ.run(t, -1)
	}
	if to == format.StateNotExist {
		p.drop(g)
		return
	}
	w.open(p, g, b, i, t)
	switch why {
	case WhyYielded:
		g.why = w.names.yieldWhy(b.Reason[i])
	case illegal:
		g.why, g.flags = WhyUnknown, CensoredLeft
	default:
		g.why = why
	}
	if to == format.StateRunning {
		w.run(p, g, t)
	}
}
