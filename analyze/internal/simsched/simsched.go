// Package simsched simulates a Go scheduler and writes down what it does as a trace, for tests and
// benchmarks. Its traces are legal by construction and the same for the same seed.
package simsched

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/gosched/gosched/format"
)

// Config says what to simulate. The zero value is a small process.
type Config struct {
	Seed       uint64
	Events     int  // how many events to make, about; default 1000
	Goroutines int  // how many live at once; default 20
	Procs      int  // GOMAXPROCS; default 4
	Processes  int  // default 1
	GapEvery   int  // events between gaps, 0: none
	Threads    bool // with rows of kernel threads going on and off CPUs
	Churn      int  // one in so many running goroutines exits instead of parking; 0: 50
}

// Kinds are the entry functions of the simulated goroutines.
var Kinds = []string{"main.main", "main.worker", "main.reader", "net/http.(*conn).serve", "main.gen[go.shape.int]"}

// Waits are the wait reasons of the simulated goroutines.
var Waits = []string{"chan receive", "chan send", "select", "sync.Mutex.Lock", "IO wait", "sleep"}

var yields = []string{format.ReasonPreempted.String(), format.ReasonGosched.String(),
	format.ReasonGoyield.String()}

// Trace is a trace in memory whose batches are given as they are, whatever is selected. It is a
// replay.Source.
type Trace struct {
	batches         []*format.Batch
	meta            format.Metadata
	reasons, stacks *format.Strings
}

// Metadata implements replay.Source.
func (t *Trace) Metadata() format.Metadata { return t.meta }

// Reasons implements replay.Source.
func (t *Trace) Reasons() *format.Strings { return t.reasons }

// Stacks implements replay.Source.
func (t *Trace) Stacks() *format.Strings { return t.stacks }

// Batches implements replay.Source.
func (t *Trace) Batches(ctx context.Context, _ format.Selection) iter.Seq2[*format.Batch, error] {
	return func(yield func(*format.Batch, error) bool) {
		for _, b := range t.batches {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Half is the first half of the trace's batches.
func (t *Trace) Half() *Trace {
	half := *t
	half.batches = t.batches[:len(t.batches)/2]
	return &half
}

// Len is the number of events.
func (t *Trace) Len() int {
	n := 0
	for _, b := range t.batches {
		n += b.Len()
	}
	return n
}

// BatchSize is how many events a batch of a simulated trace has, but the last.
const BatchSize = 8192

// simulation is a scheduler at work.
type simulation struct {
	cfg     Config
	rng     *rand.Rand
	now     int64
	procs   []*process
	lost    format.StringID // the reason of gaps
	batch   *format.Batch   // filled up to BatchSize
	discard bool            // nobody records
	emit    func(*format.Batch) error
	err     error
}

type process struct {
	pid      int32
	nextID   format.GoID
	runnable []*goroutine
	waiting  []*goroutine
	syscall  []*goroutine
	running  []*goroutine   // by P
	threads  []format.State // by P: each has a thread of its own
	alive    int
}

type goroutine struct {
	id   format.GoID
	kind int
}

// New simulates, and keeps the trace in memory.
func New(cfg Config) *Trace {
	t := &Trace{reasons: format.NewStrings(), stacks: format.NewStrings(), meta: Metadata(cfg)}
	// The error is nil because the function's is.
	_ = Stream(cfg, t.reasons, t.stacks, func(b *format.Batch) error {
		keep := new(format.Batch)
		keep.AppendBatch(b, 0, b.Len())
		t.batches = append(t.batches, keep)
		return nil
	})
	return t
}

// Stream simulates and gives the trace away batch by batch, its strings numbered by the tables. A
// batch is valid during the call only. An error of emit ends the simulation.
func Stream(cfg Config, reasons, stacks *format.Strings, emit func(*format.Batch) error) error {
	cfg = withDefaults(cfg)
	intern(reasons, stacks)
	s := &simulation{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 1)), now: start, lost: reasons.Intern(lost),
		batch: new(format.Batch), emit: emit}
	for i := range cfg.Processes {
		s.procs = append(s.procs, &process{pid: int32(100 + i), nextID: 1, running: make([]*goroutine, cfg.Procs),
			threads: threads(cfg.Procs)})
	}
	gapAt := cfg.GapEvery
	for n := 0; n < cfg.Events && s.err == nil; n++ {
		p := s.procs[s.rng.IntN(len(s.procs))]
		s.now += int64(s.rng.IntN(200))
		switch {
		case gapAt > 0 && n >= gapAt:
			gapAt += cfg.GapEvery
			s.gap(p)
		case cfg.Threads && s.rng.IntN(4) == 0:
			s.thread(p)
		default:
			s.step(p)
		}
	}
	s.flush()
	return s.err
}

const start = 1_700_000_000_000_000_000

func withDefaults(cfg Config) Config {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&cfg.Events, 1000)
	set(&cfg.Goroutines, 20)
	set(&cfg.Procs, 4)
	set(&cfg.Processes, 1)
	set(&cfg.Churn, 50)
	return cfg
}

// Metadata describes the recording of such a simulation.
func Metadata(cfg Config) format.Metadata {
	cfg = withDefaults(cfg)
	meta := format.Metadata{SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, StartNS: start}
	for i := range cfg.Processes {
		meta.Processes = append(meta.Processes, format.Process{PID: int32(100 + i), GoVersion: "go1.26.8",
			GOMAXPROCS: cfg.Procs, Coverage: format.FullCoverage()})
	}
	return meta
}

// intern numbers the strings that rows use by position.
func intern(reasons, stacks *format.Strings) {
	for _, reason := range append(append([]string(nil), Waits...), yields...) {
		reasons.Intern(reason)
	}
	for i, k := range Kinds {
		stacks.Intern(fmt.Sprintf("%s /src/main.go:%d", k, 10*i+1))
	}
	for i, k := range Kinds {
		stacks.Intern(fmt.Sprintf("%s /src/main.go:%d;main.wait /src/wait.go:7", k, 10*i+5))
	}
}

const lost = "events lost"

func threads(n int) []format.State {
	states := make([]format.State, n)
	for i := range states {
		states[i] = format.StateWaiting
	}
	return states
}

// thread moves a thread onto or off a CPU, or wakes it.
func (s *simulation) thread(p *process) {
	proc := s.rng.IntN(len(p.threads))
	from, to := p.threads[proc], format.StateRunnable
	switch {
	case from == format.StateRunnable:
		to = format.StateRunning
	case from == format.StateRunning && s.rng.IntN(2) == 0:
		to = format.StateWaiting
	}
	p.threads[proc] = to
	s.write(row{kind: format.KindThread, time: s.now, pid: p.pid, tid: p.tid(proc), proc: format.Unknown, from: from,
		to: to})
}

func (p *process) tid(proc int) int32 { return p.pid + 1 + int32(proc) }

// step lets one thing happen in a process.
func (s *simulation) step(p *process) {
	proc := s.rng.IntN(len(p.running))
	if g := p.running[proc]; g != nil {
		s.stop(p, g, proc)
		return
	}
	switch {
	case p.alive < s.cfg.Goroutines && s.rng.IntN(4) == 0 || p.alive == 0:
		s.create(p)
	case len(p.syscall) > 0 && s.rng.IntN(3) == 0:
		s.syscallExit(p, proc)
	case len(p.waiting) > 0 && (len(p.runnable) == 0 || s.rng.IntN(4) == 0):
		s.ready(p)
	case len(p.runnable) > 0:
		s.run(p, proc)
	default:
		s.create(p)
	}
}

func (s *simulation) create(p *process) {
	g := &goroutine{id: p.nextID, kind: s.rng.IntN(len(Kinds))}
	p.nextID++
	p.alive++
	p.runnable = append(p.runnable, g)
	e := s.row(p, g, format.StateNotExist, format.StateRunnable, -1)
	e.stack = format.StringID(1 + g.kind)
	s.write(e)
}

func (s *simulation) ready(p *process) {
	g := s.take(&p.waiting)
	p.runnable = append(p.runnable, g)
	e := s.row(p, g, format.StateWaiting, format.StateRunnable, s.rng.IntN(len(p.running)))
	e.by = format.GoID(1 + s.rng.IntN(int(p.nextID)))
	s.write(e)
}

func (s *simulation) run(p *process, proc int) {
	g := p.runnable[0]
	p.runnable = p.runnable[1:]
	p.running[proc] = g
	s.write(s.row(p, g, format.StateRunnable, format.StateRunning, proc))
}

func (s *simulation) syscallExit(p *process, proc int) {
	g := s.take(&p.syscall)
	if s.rng.IntN(2) == 0 {
		p.runnable = append(p.runnable, g)
		s.write(s.row(p, g, format.StateSyscall, format.StateRunnable, -1))
		return
	}
	p.running[proc] = g
	s.write(s.row(p, g, format.StateSyscall, format.StateRunning, proc))
}

// stop takes a running goroutine off its P.
func (s *simulation) stop(p *process, g *goroutine, proc int) {
	p.running[proc] = nil
	e := s.row(p, g, format.StateRunning, format.StateWaiting, proc)
	e.stack = format.StringID(1 + len(Kinds) + g.kind)
	switch n := s.rng.IntN(20); {
	case s.rng.IntN(s.cfg.Churn) == 0:
		p.alive--
		e.to, e.stack = format.StateNotExist, 0
	case n < 2:
		p.runnable = append(p.runnable, g)
		e.to, e.reason = format.StateRunnable, format.StringID(1+len(Waits)+s.rng.IntN(len(yields)))
	case n < 5:
		p.syscall = append(p.syscall, g)
		e.to = format.StateSyscall
	default:
		p.waiting = append(p.waiting, g)
		e.reason = format.StringID(1 + s.rng.IntN(len(Waits)))
	}
	s.write(e)
}

// take removes one at random.
func (s *simulation) take(list *[]*goroutine) *goroutine {
	l := *list
	i := s.rng.IntN(len(l))
	g := l[i]
	l[i] = l[len(l)-1]
	*list = l[:len(l)-1]
	return g
}

// gap loses some events of a process.
func (s *simulation) gap(p *process) {
	e := row{kind: format.KindGap, time: s.now, pid: p.pid, tid: format.Unknown, proc: format.Unknown, reason: s.lost}
	s.discard = true
	for range s.rng.IntN(20) {
		s.now += int64(s.rng.IntN(200))
		s.step(p)
	}
	s.discard = false
	e.end = s.now
	s.write(e)
}

type row struct {
	kind          format.Kind
	time, end     int64
	pid, tid      int32
	proc          int32
	goid, by      format.GoID
	from, to      format.State
	reason, stack format.StringID
}

func (s *simulation) row(p *process, g *goroutine, from, to format.State, proc int) row {
	r := row{time: s.now, pid: p.pid, goid: g.id, from: from, to: to, tid: format.Unknown, proc: format.Unknown}
	if proc >= 0 {
		r.tid, r.proc = p.tid(proc), int32(proc)
	}
	return r
}

// write appends a row, unless nobody records.
func (s *simulation) write(r row) {
	if s.discard {
		return
	}
	e := format.NoEvent
	e.Kind, e.TimeNS, e.EndNS, e.PID, e.TID, e.Proc = r.kind, r.time, r.end, r.pid, r.tid, r.proc
	e.GoID, e.ByGoID, e.From, e.To, e.Reason, e.Stack = r.goid, r.by, r.from, r.to, r.reason, r.stack
	s.batch.Append(e)
	if s.batch.Len() == BatchSize {
		s.flush()
	}
}

func (s *simulation) flush() {
	if s.batch.Len() > 0 && s.err == nil {
		s.err = s.emit(s.batch)
	}
	s.batch.Reset()
}
