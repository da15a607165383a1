package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gosched/gosched/format"
)

// Run walks the trace once and hands its spans to every pass. It returns what can be said of the
// trace as a whole.
func Run(ctx context.Context, src Source, passes ...Pass) (*Summary, error) {
	w := NewWalk(passes...)
	w.begin(src.Metadata(), src.Reasons(), src.Stacks())
	for b, err := range src.Batches(ctx, format.Selection{Columns: w.wants.columns()}) {
		if err == nil {
			err = w.Feed(b)
		}
		if err != nil {
			return nil, fmt.Errorf("replay the trace: %w", err)
		}
	}
	w.end()
	return w.Summary(), nil
}

// Walk is one pass over a trace, as a value: it is fed batch by batch, from a file or while the
// trace is recorded, and its passes can be asked for results at any time. How the rows are cut into
// batches changes nothing, nor does asking. A Walk is a sink for a recording. It is not safe for
// concurrent use, and neither are its passes.
type Walk struct {
	meta   *format.Metadata
	names  *Names
	out    *outlet
	wants  Wants
	totals Summary

	now       int64
	state     walkState
	gapEnd    int64 // of the gaps that hold for every process
	gapNS     int64 // the time in them
	budgetNS  int64 // of it, for the budget
	windowing windowing
	unwatched [format.NumTransitions]int64 // up to when a class is not watched in any process
	processes []*process                   // in order of appearance
	current   *process
}

// walkState is how far a walk is.
type walkState uint8

const (
	walkNew   walkState = iota
	walkBegun           // it knows the trace
	walkWalks           // it has had a row
	walkEnded
)

// NewWalk makes a walk for these passes. It begins with Begin.
func NewWalk(passes ...Pass) *Walk {
	w := &Walk{out: newOutlet(passes), now: math.MinInt64, gapEnd: math.MinInt64}
	w.wants = w.out.union
	for class := range w.unwatched {
		w.unwatched[class] = math.MinInt64
	}
	return w
}

// Begin says what is known of the trace before its first row, and what the numbers in rows mean.
// The error is always nil.
func (w *Walk) Begin(meta format.Metadata, reasons, stacks *format.Strings) error {
	w.begin(meta, reasons, stacks)
	return nil
}

func (w *Walk) begin(meta format.Metadata, reasons, stacks *format.Strings) {
	w.meta, w.names, w.state = &meta, newNames(reasons, stacks), walkBegun
	for _, p := range w.out.passes {
		if b, ok := p.(BeginPass); ok {
			b.Begin(w.names, w.meta)
		}
	}
}

// SetMetadata says what is known of the trace now, while it is recorded: of processes, for one, that
// have come.
func (w *Walk) SetMetadata(meta format.Metadata) { *w.meta = meta }

var errNotOpen = errors.New("a walk takes batches after Begin and before End")

// Feed walks the rows of a batch, which must have the columns that the passes want. It keeps
// nothing of the batch. After an error the walk is of no more use.
func (w *Walk) Feed(b *format.Batch) error {
	if w.state == walkNew || w.state == walkEnded {
		return errNotOpen
	}
	if err := check(b, w.wants.columns()); err != nil {
		return err
	}
	for _, p := range w.out.rows {
		p.Rows(b)
	}
	w.batch(b)
	return nil
}

// Flush hands the spans that have ended so far to the passes. Until then the walk may hold back the
// latest; a pass that is asked for its result has all of them after Flush, Summary or End.
func (w *Walk) Flush() { w.out.flush() }

// Open are the spans, of the sorts that some pass wants, that have begun and not ended: as they
// would be handed out if the trace ended now, censored at their right, by process and id,
// goroutines before threads. Passes do not get them.
func (w *Walk) Open() []Span {
	w.Flush()
	if w.state != walkWalks {
		return nil
	}
	var open []Span
	for _, p := range w.told() {
		w.censorAll(p, w.endOf(p), func() {
			w.out.next().Flags &^= doubled
			open = append(open, *w.out.next())
		})
	}
	return open
}

// End ends the trace, whose metadata may say more now than at the beginning, and with it what is
// still open. The error is always nil.
func (w *Walk) End(meta format.Metadata) error {
	*w.meta = meta
	w.end()
	return nil
}

func (w *Walk) end() {
	if w.state == walkEnded {
		return
	}
	w.totals.EndNS = max(w.endNS(), w.meta.EndNS)
	if w.state != walkWalks {
		w.totals.BeginNS = min(w.meta.StartNS, w.totals.EndNS)
	}
	w.settle(w.endNS())
	for _, p := range w.told() {
		end := w.endOf(p)
		w.endRound(p)
		w.censorAll(p, end, func() { w.handedOut(w.out.next()) })
		w.censorSuspension(p, end)
	}
	w.state = walkEnded
	w.Flush()
	w.windowing.end(w)
}

// endOf is when observation of a process ended: where the metadata says that it did before the
// recording did, and not before its last row.
func (w *Walk) endOf(p *process) int64 {
	end := w.endNS()
	for i := range w.meta.Processes {
		if q := &w.meta.Processes[i]; q.PID == p.pid && q.EndNS != 0 {
			end = min(end, max(q.EndNS, p.last, p.gapEnd))
		}
	}
	return end
}

// endNS is up to when the trace goes so far.
func (w *Walk) endNS() int64 { return max(w.totals.EndNS, w.now) }

// told are the processes that the trace tells of: not that of rows which hold for all of them.
func (w *Walk) told() []*process {
	return slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool {
		return p.pid == format.Unknown && p.goroutines.peak == 0
	})
}

// Summary is what the walk says of the trace so far, and after End of the whole. It stays as it is
// while the walk goes on. It hands out spans as Flush does.
func (w *Walk) Summary() *Summary {
	w.Flush()
	sum, meta := w.totals, *w.meta
	sum.meta, sum.names = &meta, w.names
	if w.state == walkWalks {
		sum.EndNS, sum.open = w.endNS(), w.Open()
	}
	sum.Windows = w.windowing.summary(sum.EndNS, w.state == walkEnded)
	for _, p := range w.told() {
		sum.Processes++
		sum.GapNS += p.gapNS
		sum.BudgetNS += p.budgetNS
		sum.Unwatched = append(sum.Unwatched, p.unwatchedOf()...)
		end := w.endOf(p)
		observed := max(0, end-p.begin)
		sum.observed += observed
		if p.rounds > 0 {
			sum.Sampled = append(sum.Sampled, Sampled{p.pid, p.rounds, p.sampled(observed)})
		}
		if p.begin > sum.BeginNS {
			sum.begins = append(sum.begins, processBegin{p.pid, p.begin})
		}
		if end < sum.EndNS {
			sum.ends = append(sum.ends, processEnd{p.pid, end})
		}
		sum.PeakAlive += p.goroutines.peak
		if p.peakProcs > 0 && len(p.procs) > p.peakProcs {
			sum.BeyondProcs = append(sum.BeyondProcs, p.pid)
		}
	}
	return &sum
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
		format.ColEnd: len(b.EndNS), format.ColObject: len(b.Object), format.ColSince: len(b.SinceNS),
		format.ColWeight: len(b.Weight),
	} {
		if length != b.Len() && columns.Has(format.Column(c)) {
			return errColumns
		}
	}
	for i, k := range b.Kind {
		if k >= format.NumKinds || b.From[i] > format.StateWaiting || b.To[i] > format.StateWaiting {
			return fmt.Errorf("event %d of a batch has kind %d and states %d and %d, which do not exist", i, k,
				b.From[i], b.To[i])
		}
	}
	return nil
}

// batch walks the rows of a batch.
func (w *Walk) batch(b *format.Batch) {
	if b.Len() == 0 {
		return
	}
	if w.state != walkWalks {
		w.first(b.TimeNS[0], b.PID[0])
	}
	for i := 0; i < b.Len(); {
		if next := w.commonRows(w.current, b, i); next > i {
			i = next
			continue
		}
		w.row(b, i)
		i++
	}
	w.totals.Events += int64(b.Len())
}

// first begins with the first row.
func (w *Walk) first(first int64, pid int32) {
	w.state = walkWalks
	t := first
	if w.meta.StartNS != 0 && w.meta.StartNS < t {
		t = w.meta.StartNS
	}
	at := max(t, first)
	w.totals.BeginNS, w.totals.EndNS, w.now = t, t, t
	w.process(pid, at)
}

// row takes any row, with everything that commonRows leaves to it.
func (w *Walk) row(b *format.Batch, i int) {
	p, t := w.current, b.TimeNS[i]
	if t < w.now {
		w.totals.problem(w.problemAt(ProblemOrder, nil, b, i, t))
		t = w.now
	}
	w.now = t
	if pid := b.PID[i]; pid != p.pid {
		p = w.process(pid, t)
	}
	p.last = t
	if t >= p.occ.StopEnd() {
		p.occ.Start()
	}
	if t >= p.unwatched.next {
		w.watchAgain(p, t)
	}
	w.totals.ByKind[b.Kind[i]]++
	switch b.Kind[i] {
	case format.KindGoroutine:
		w.totals.pairs[pair(b.From[i], b.To[i])]++
		w.transition(p, b, i, t)
	case format.KindThread:
		w.thread(p, b, i, t)
	case format.KindRange:
		w.rangeRow(p, b, i, t)
	case format.KindGap:
		w.gap(p, t, b.EndNS[i], b.Reason[i])
	case format.KindSnapshot:
		if !w.inRound(p, b, i, t) {
			w.snapshot(p, b, i, t)
		}
	case format.KindRound:
		w.round(p, b, i, t)
	case format.KindLimit:
		w.limit(p, b, i, t)
	case format.KindSample:
		w.sample(p, b, i, t)
	case format.KindDescriptor:
		w.descriptor(p, b, i, t)
	}
}

// process returns what is known of a process, which becomes the current one.
func (w *Walk) process(pid int32, at int64) *process {
	for _, p := range w.processes {
		if p.pid == pid {
			w.current = p
			return p
		}
	}
	p := newProcess(pid, w.meta, w.wants)
	p.begin = min(p.begin, at) // times in rows are rounded
	p.gapEnd, p.gapNS, p.budgetNS = w.gapEnd, w.gapNS, w.budgetNS
	if p.begin > w.totals.BeginNS { // of the gaps only what is left of the last is its own
		p.gapNS = max(p.begin, w.gapEnd) - p.begin
		p.budgetNS = min(p.budgetNS, p.gapNS)
	}
	p.begin = max(p.begin, w.totals.BeginNS)
	p.since = max(p.begin, w.gapEnd)
	p.occ.Begin(p.begin)
	w.processes = append(w.processes, p)
	w.current = p
	for class, end := range w.unwatched {
		if end > w.now {
			w.unwatchIn(p, w.now, end, format.Transition(class))
		}
	}
	return p
}

// commonRows takes rows from i on as long as they are goroutine and thread rows of p in order of
// time, and returns the index of the first that is not. It is the walk's inner loop: what happens
// to nearly every event is in it, and the rest is called.
func (w *Walk) commonRows(p *process, b *format.Batch, i int) int {
	times := b.TimeNS
	n := len(times)
	kinds, pids, ids, froms, tos := b.Kind[:n], b.PID[:n], b.GoID[:n], b.From[:n], b.To[:n]
	reasons, procs, stacks := b.Reason[:n], b.Proc[:n], b.Stack[:n]
	pairs, model, first, threads, now := &w.totals.pairs, p.model, i, 0, w.now
	for ; i < n; i++ {
		t := times[i]
		kind := kinds[i]
		if kind > format.KindThread || pids[i] != p.pid || t < now || t >= p.occ.StopEnd() || t >= p.unwatched.next {
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
	if i > first {
		p.last = now
	}
	w.totals.ByKind[format.KindGoroutine] += int64(i - first - threads)
	w.totals.ByKind[format.KindThread] += int64(threads)
	return i
}
