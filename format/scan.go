package format

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gosched/gosched/format/internal/flat"
)

// Batches gives the events of a selection. Stripes of row groups are decoded
// ahead, by several goroutines, and delivered in order; a few stripes are in
// memory at a time, however large the files are.
func (r *Reader) Batches(ctx context.Context, sel Selection) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		s := newScan(ctx, r, sel)
		defer s.stop()
		for j := range s.order {
			<-j.done
			if j.err == nil {
				j.err = ctx.Err()
			}
			if j.err != nil {
				yield(nil, j.err)
				return
			}
			if j.batch.Len() > 0 && !yield(j.batch, nil) {
				return
			}
			s.pool.Put(j.batch)
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

const defaultWorkers = 2

// scan is one walk over a reader's files: a planner that makes a job of every
// stripe, and workers that decode them.
type scan struct {
	reader *Reader
	filter *filter
	ctx    context.Context
	cancel context.CancelFunc
	order  chan *job // as they are to be delivered
	work   chan *job // as they are to be decoded
	pool   sync.Pool // of *Batch
	wg     sync.WaitGroup
}

// job is a stripe to decode, or a batch that is there already, or an error.
type job struct {
	file   *openFile
	group  *group
	stripe int
	some   bool // not all events are selected
	batch  *Batch
	err    error
	done   chan struct{}
}

// openFile is a file that is closed when its last user leaves.
type openFile struct {
	*flat.File
	name   string
	closer io.Closer
	users  atomic.Int32
}

func (f *openFile) leave() {
	if f.users.Add(-1) == 0 {
		f.closer.Close()
	}
}

func newScan(ctx context.Context, r *Reader, sel Selection) *scan {
	workers := sel.Workers
	if workers <= 0 {
		workers = defaultWorkers
	}
	s := &scan{
		reader: r,
		filter: newFilter(sel),
		order:  make(chan *job, workers+1),
		work:   make(chan *job, workers+1),
	}
	s.pool.New = func() any { return new(Batch) }
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.wg.Go(s.plan)
	for range workers {
		s.wg.Go(s.decode)
	}
	return s
}

// stop ends the scan's goroutines and waits for them.
func (s *scan) stop() {
	s.cancel()
	s.wg.Wait()
}

// plan makes the jobs.
func (s *scan) plan() {
	defer close(s.order)
	defer close(s.work)
	if err := s.planAll(); err != nil {
		s.deliver(nil, err)
	}
}

// deliver passes a batch or an error to the consumer, in its turn.
func (s *scan) deliver(b *Batch, err error) bool {
	j := &job{batch: b, err: err, done: make(chan struct{})}
	close(j.done)
	return s.send(s.order, j)
}

func (s *scan) send(to chan *job, j *job) bool {
	select {
	case to <- j:
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *scan) planAll() (err error) {
	defer recoverCorrupt(&err)
	z, err := flat.NewDecompressor()
	if err != nil {
		return err
	}
	defer z.Close()
	for i, in := range s.reader.inputs {
		if s.filter.sel.UntilNS != 0 && in.rows > 0 && in.first >= s.filter.sel.UntilNS {
			break
		}
		if gap, reason, ok := s.reader.gapBefore(i); ok && !s.planGap(gap, reason) {
			break
		}
		if in.rows == 0 {
			continue
		}
		if err := s.planFile(z, in); err != nil {
			return fmt.Errorf("read %s: %w", in.name, err)
		}
	}
	return nil
}

// planGap delivers a gap that no file has.
func (s *scan) planGap(gap Event, reason string) bool {
	gap.Reason = s.reader.tables.reasons.Intern(reason)
	b := new(Batch)
	b.Append(gap)
	s.filter.apply(b, nil)
	s.filter.project(b)
	return s.deliver(b, nil)
}

// planFile makes the jobs of a file.
func (s *scan) planFile(z *flat.Decompressor, in *input) error {
	file, closer, err := in.openFlat()
	if err != nil {
		return err
	}
	f := &openFile{File: file, name: in.name, closer: closer}
	f.users.Add(1)
	defer f.leave()
	for g := range file.Groups() {
		if s.judgeGroup(file, g) == takeNone {
			continue
		}
		if none, err := s.lacksGoroutines(z, file, g); err != nil {
			return err
		} else if none {
			continue
		}
		group, err := openGroup(z, file, g, s.filter.read, s.reader.tables)
		if err != nil {
			return err
		}
		if !s.planGroup(f, group) {
			return nil
		}
	}
	return nil
}

// planGroup makes the jobs of a row group. It returns false when the scan is over.
func (s *scan) planGroup(f *openFile, g *group) bool {
	for stripe := range g.stripes() {
		v := s.judgeStripe(g, stripe)
		if v == takeNone {
			continue
		}
		j := &job{file: f, group: g, stripe: stripe, some: v == takeSome, done: make(chan struct{})}
		f.users.Add(1)
		if !s.send(s.work, j) {
			f.leave()
			return false
		}
		if !s.send(s.order, j) {
			return false
		}
	}
	return true
}

// judgeGroup judges a row group by its statistics.
func (s *scan) judgeGroup(file *flat.File, g int) verdict {
	times, _ := file.ChunkBounds(g, int(ColTime))
	first, last, ok := intBounds(times)
	if !ok {
		return takeSome
	}
	ends, nulls := file.ChunkBounds(g, int(ColEnd))
	_, end, ok := intBounds(ends)
	if !ok && nulls < int64(file.GroupRows(g)) {
		return takeSome
	}
	return s.filter.judgeTimes(first, last, end, ok)
}

// lacksGoroutines says whether the row group has nothing of the goroutines
// selected, by the dictionary of its goids alone.
func (s *scan) lacksGoroutines(z *flat.Decompressor, file *flat.File, g int) (bool, error) {
	_, nulls := file.ChunkBounds(g, int(ColEnd))
	if s.filter.set == nil || nulls < int64(file.GroupRows(g)) || !file.DictionaryOnly(g, int(ColGoID)) {
		return false, nil
	}
	ids, err := flat.IntDictionary[GoID](z, file, g, int(ColGoID))
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(ids, func(id GoID) bool { return s.filter.set[id] }), nil
}

// judgeStripe judges a stripe by its pages' statistics.
func (s *scan) judgeStripe(g *group, stripe int) verdict {
	if s.filter.set != nil && s.noGoroutineIn(g, stripe) {
		return takeNone
	}
	first, last, ok := g.bounds(ColTime, stripe)
	if !ok {
		if s.filter.read == s.filter.want && s.filter.set == nil && s.filter.sel.FromNS == 0 &&
			s.filter.sel.UntilNS == 0 {
			return takeAll
		}
		return takeSome
	}
	_, end, ok := g.bounds(ColEnd, stripe)
	if !ok && !g.allNull(ColEnd, stripe) {
		return takeSome
	}
	return s.filter.judgeTimes(first, last, end, ok)
}

// noGoroutineIn says whether the goids of a stripe are known to be none of those
// selected, and no range or gap to be in it.
func (s *scan) noGoroutineIn(g *group, stripe int) bool {
	if !g.allNull(ColEnd, stripe) {
		return false
	}
	if g.allNull(ColGoID, stripe) {
		return true
	}
	least, most, ok := g.bounds(ColGoID, stripe)
	if !ok {
		return false
	}
	for id := range s.filter.set {
		if int64(id) >= least && int64(id) <= most {
			return false
		}
	}
	return true
}

// decode does jobs until there are no more.
func (s *scan) decode() {
	z, err := flat.NewDecompressor()
	if err == nil {
		defer z.Close()
	}
	var rows []int32
	for j := range s.work {
		if err != nil {
			j.err = err
		} else if s.ctx.Err() == nil {
			rows, j.err = s.do(z, j, rows)
		}
		j.file.leave()
		close(j.done)
	}
}

// do decodes a job's stripe and drops what is not selected. It gives back the memory for rows.
func (s *scan) do(z *flat.Decompressor, j *job, rows []int32) (_ []int32, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read %s: %w: %v", j.file.name, ErrCorrupt, p)
		}
	}()
	b := s.pool.Get().(*Batch)
	if err := j.group.decode(z, j.stripe, b); err != nil {
		return rows, fmt.Errorf("read %s: %w", j.file.name, err)
	}
	if j.some {
		rows = s.filter.apply(b, rows)
	}
	j.batch = b
	s.filter.project(b)
	return rows, nil
}
