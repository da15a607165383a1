// Package record watches a Go process with eBPF and writes what its scheduler does into a trace.
// The process is not changed: nothing is written into its memory, and what is attached is detached
// when the recorder ends, however it ends.
//
// A recording's life: attach (probe points chosen by gobin, checked byte for byte), drain the
// kernel's ring buffers every few milliseconds, decode, order by time, follow (what the events mean
// for goroutines and threads), write. What did not fit anywhere is counted and becomes a gap in the
// trace.
package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/target"
)

// DefaultStackDepth is how many frames of a stack are recorded where Options do not say.
const DefaultStackDepth = 64

const (
	drainEvery    = 25 * time.Millisecond
	flushEvery    = 100 * time.Millisecond
	progressEvery = 200 * time.Millisecond
	// segmentDuration, flushEvery and what the order needs together are how much a killed recorder
	// loses: less than a second.
	segmentDuration = 500 * time.Millisecond
	// timeResolutionNS is what times are rounded down to. A probe takes fifty times as long, and
	// what is below is most of a trace's bytes; Go's own tracer rounds to 64 (go1.27
	// src/runtime/tracetime.go).
	timeResolutionNS = 16
)

// Options say how to record. The zero value records everything until the process exits.
type Options struct {
	Output     string              // a trace's path, or a folder for its segments
	Duration   time.Duration       // 0: until the context or the process ends
	Without    []format.Transition // what to leave out
	StackDepth int                 // frames a stack, at most MaxStackDepth; 0: DefaultStackDepth
	Recorder   string              // name and version of the program that records, for the trace's metadata
	// called once everything is attached; a process that was started for this recording goes on
	// then
	Ready     func() error
	Begun     func(time.Time) // called once everything is watched, with the trace's beginning
	Progress  func(Progress)  // called a few times a second
	Written   func(*Summary)  // called once the trace is whole, while probes may still have to be taken off
	Programs  *Programs       // keeps what is loaded into the kernel for other recordings; nil: it is for this one
	Fallbacks []string        // fall-backs to use even where the kernel can do better: see Fallbacks
	Sink      Sink            // takes the recording too while it is made; nil: the trace's file alone
}

// Check finds what is wrong with the options whatever is recorded. Record does so too.
func (o *Options) Check() error {
	if o.StackDepth < 0 || o.StackDepth > MaxStackDepth {
		return fmt.Errorf("a stack depth of %d is not between 1 and %d", o.StackDepth, MaxStackDepth)
	}
	return errors.Join(checkTransitions(o.Without), checkFallbacks(o.Fallbacks))
}

// MaxStackDepth is the largest Options.StackDepth.
const MaxStackDepth = maxFrames - 2

// Progress is how far a recording is.
type Progress struct {
	Counts
	Elapsed time.Duration
	Bytes   int64 // written so far
}

// Summary is what a recording gave.
type Summary struct {
	Progress
	Output    string
	PID       int  // as the recorder's PID namespace numbers the process; the metadata has the root's number
	Whole     bool // everything that was counted is in the trace
	OneByOne  bool // the probes are taken off one by one: the kernel takes a tenth of a second for each
	EndReason string
	Metadata  format.Metadata
}

// The reasons why a recording ends.
const (
	EndDuration    = "duration"
	EndInterrupted = "interrupted"
	EndExited      = "target exited"
	EndReplaced    = "target replaced its program"
)

// Record records a process until the options' duration, the context or the process ends. The trace
// is whole in every case; when writing it goes wrong, what was written until then stays readable
// and the error says so.
func Record(ctx context.Context, proc *target.Process, opts Options) (*Summary, error) {
	s, err := open(proc, opts)
	if err != nil {
		return nil, setUpError(proc, err)
	}
	if err := s.start(); err != nil && s.startNS == 0 {
		err = errors.Join(err, s.probes.silence(), s.opts.Programs.release(s.probes), s.close())
		s.out.discard()
		return nil, setUpError(proc, err)
	} else if err != nil {
		return s.finish("", err)
	}
	return s.finish(s.run(ctx))
}

// session is one recording while it lasts. Its methods run on one goroutine, but for the writer's.
type session struct {
	opts   Options
	proc   *target.Process
	pid    int32 // the process's number in the root PID namespace, as events and the trace have it
	image  *image.Image
	binary *gobin.Binary // the image's
	choice *choice
	bias   uint64 // the image's
	config *programConfig

	numbers    *numbers // nil: the recorder is in the root PID namespace
	modules    *image.Modules
	probes     *probes
	order      *orderer
	follow     *follower
	reader     *snapshot.Reader // of the process's goroutines
	out        *writer
	meta       format.Metadata
	startNS    int64 // CLOCK_MONOTONIC; 0: the recording has not begun
	endNS      int64 // 0: it has not ended
	offsetNS   int64
	drained    int64 // when the rings were last drained
	looked     int64 // when the process was last asked for modules
	flushed    int64 // when the writer last got rows
	replacedNS int64 // when the process replaced its program, 0: it has not
	cpu        cpuAccount
	limits     limits

	reading   *reading          // the snapshot in the making, nil: none
	snapshots []format.Snapshot // those made
	read      int               // how many places of goroutines the last one looked at
	readNS    float64           // and how long that took for each
}

// now is CLOCK_MONOTONIC, the clock of every event.
func now() int64 {
	var ts unix.Timespec
	// It cannot fail with this clock.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// open reads the executable, creates the output and loads the programs, in this order: what can be
// refused is refused before anything touches the kernel.
func open(proc *target.Process, opts Options) (*session, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	if opts.StackDepth == 0 {
		opts.StackDepth = DefaultStackDepth
	}
	s := &session{opts: opts, proc: proc}
	if err := target.CheckMonotonicClock(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err := s.identify(); err != nil {
		return nil, err
	}
	if err := s.readBinary(); err != nil {
		return nil, errors.Join(err, s.numbers.close())
	}
	if err := s.openOutput(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.load(); err != nil {
		s.out.discard()
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close lets go of what open opened to learn about the process.
func (s *session) close() error { return errors.Join(s.modules.Close(), s.numbers.close()) }

// start attaches, lets the process go on, and reads the goroutines that are there already.
func (s *session) start() error {
	if err := s.attach(); err != nil {
		return err
	}
	if err := s.forgetRings(); err != nil {
		return err
	}
	s.startNS = now()
	s.cpu.begin(s.proc)
	s.drained = s.startNS
	// what was seen while not everything was attached is no recording
	s.order.upTo, s.order.taken = s.startNS, s.startNS
	s.meta.StartNS = s.startNS + s.offsetNS
	s.watchLimits()
	s.out.begin(s.meta)
	if s.opts.Ready != nil {
		return s.opts.Ready()
	}
	return s.beginReading(0)
}

// forgetRings drops what came and what was lost while not everything was attached, and what the
// programs remember from then: a thread may have left a goroutine unseen.
func (s *session) forgetRings() error {
	if err := errors.Join(s.probes.forget(), s.probes.drain(s.accept)); err != nil {
		return err
	}
	_, _, err := s.probes.takeLosses()
	return err
}

// run drains the rings until the recording is over and says why it is. Meanwhile it reads the
// goroutines that were there at its beginning.
func (s *session) run(ctx context.Context) (string, error) {
	ticker := time.NewTicker(drainEvery)
	defer ticker.Stop()
	if s.opts.Begun != nil {
		s.opts.Begun(time.Unix(0, s.meta.StartNS))
	}
	progress := time.Now()
	for {
		reason := s.wait(ctx, ticker.C)
		if err := s.step(reason == ""); err != nil {
			return reason, err
		}
		if s.replacedNS != 0 {
			reason = EndReplaced
		}
		if reason != "" {
			return reason, nil
		}
		if s.opts.Progress != nil && time.Since(progress) >= progressEvery {
			progress = time.Now()
			s.opts.Progress(s.progress())
		}
	}
}

// step reads more of the goroutines that are still to be read, and drains the rings when it is
// time.
func (s *session) step(goesOn bool) error {
	if s.reading == nil || !goesOn {
		return s.cycle()
	}
	return errors.Join(s.readMore(), s.cycleDue())
}

// wait waits until the rings are due, or not at all while there are goroutines to read. It says why
// the recording is over, if it is.
func (s *session) wait(ctx context.Context, due <-chan time.Time) string {
	var over <-chan time.Time
	if s.opts.Duration > 0 {
		over = time.After(s.left())
	}
	var more <-chan struct{}
	if s.reading != nil {
		more = closed
	}
	select {
	case <-due:
	case <-more:
	case <-ctx.Done():
		return EndInterrupted
	case <-over:
		return EndDuration
	case <-s.proc.Exited():
		return EndExited
	}
	return ""
}

// closed is a channel that is always ready.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// cycle takes what the rings hold and writes what is old enough to be in order.
func (s *session) cycle() error {
	began := now()
	s.cpu.update(s.proc)
	if err := s.drain(); err != nil {
		return err
	}
	if err := s.lookForModules(); err != nil {
		return err
	}
	s.readLimits(began)
	merge := began - int64(orderWindow)
	take := merge - int64(lookahead)
	if over := s.order.pending() - maxPending; over > 0 {
		merge = began - int64(drainEvery)
		take = merge
	}
	if s.replacedNS != 0 {
		merge = min(merge, s.replacedNS)
	}
	s.order.merge(merge)
	s.order.take(take, s.follow.emit, s.follow.piece)
	if began-s.flushed >= int64(flushEvery) {
		s.flushed = began
		s.follow.rows.flush()
	}
	return s.out.err()
}

// drain moves every record from the rings to the orderer, and turns what was lost into a gap.
func (s *session) drain() error {
	began := now()
	if err := s.probes.drain(s.accept); err != nil {
		return err
	}
	lost, lostStacks, err := s.probes.takeLosses()
	if err != nil {
		return err
	}
	s.follow.counts.LostStacks += lostStacks
	if lost > 0 {
		s.gap(s.drained, now(), lost, textRingFull)
	}
	s.tellLate(began)
	s.drained = began
	return nil
}

// tellLate turns events that came too late for their place in the order, up to a time, into a gap.
func (s *session) tellLate(to int64) {
	if s.order.late > 0 {
		s.gap(s.order.taken, to, s.order.late, textLate)
		s.order.late = 0
	}
}

func (s *session) gap(begin, end, lost int64, why text) {
	s.follow.counts.Lost += lost
	s.order.gap(&event{op: opGap, time: max(begin, s.startNS), byGoid: end, text: uint32(s.follow.texts.id(why))})
}

// accept takes one record from a ring.
func (s *session) accept(ring int, raw []byte) error {
	if len(raw) > 0 && op(raw[0]) == opStack {
		hash, def, err := decodeStack(raw)
		if err == nil {
			s.follow.stacks.Define(hash, def)
		}
		return err
	}
	var e event
	if err := decode(raw, &e); err != nil {
		return err
	}
	switch e.op {
	case opExec:
		s.replacedNS = e.time
		return nil
	case opThreadOn:
		_, comm := threadText(raw)
		e.text = uint32(s.follow.texts.command(comm))
	case opThreadOff:
		state, comm := threadText(raw)
		if state&taskDead != 0 {
			e.flags |= flagDead
		}
		e.text = uint32(s.follow.texts.threadReason(e.flags&flagInvoluntary != 0, state, comm))
	}
	if s.startNS == 0 || e.time < s.startNS { // seen before everything was attached
		s.follow.seeEarly(&e)
		return nil
	}
	s.order.push(ring, &e)
	s.limitOf(ring, &e)
	return nil
}

// finish writes what is left, closes the trace and detaches. The kernel may take seconds for that,
// in which the programs are silent.
func (s *session) finish(reason string, err error) (*Summary, error) {
	if s.reading != nil {
		s.endReading()
	}
	if err == nil && reason != EndExited && reason != EndReplaced && s.proc.Alive() {
		err = s.readLast(reason)
	}
	err = errors.Join(err, s.drain()) // before losses come that do not matter any more
	end := now()
	if s.replacedNS != 0 {
		end = s.replacedNS
	}
	s.endNS = end
	machine := s.cpu.end(s.proc)
	err = errors.Join(err, s.probes.silence(), s.probes.drain(s.accept))
	s.tellLate(end) // of what was still at work in a probe
	released := make(chan error, 1)
	go func() { released <- s.opts.Programs.release(s.probes) }()
	s.order.merge(end)
	s.order.take(end, s.follow.emit, s.follow.piece)

	s.meta.EndNS, s.meta.EndReason = end+s.offsetNS, reason
	if err != nil && reason == "" {
		s.meta.EndReason = err.Error()
	}
	if err == nil {
		s.meta.Machine = machine
	}
	sum, err := s.closeTrace(err)
	return sum, errors.Join(err, <-released, s.close())
}

// closeTrace ends the trace. err is what has gone wrong before.
func (s *session) closeTrace(err error) (*Summary, error) {
	s.describeSnapshots()
	s.meta.Lost = s.follow.counts.Lost
	s.describeModules()
	s.meta.LostStacks = s.follow.counts.LostStacks + s.follow.stacks.Lost()
	// it may have ended the recording
	if closing := s.out.close(s.meta, s.follow.rows.batch); !errors.Is(err, closing) {
		err = errors.Join(err, closing)
	}
	sum := &Summary{
		Progress: s.progress(), Output: s.opts.Output, PID: s.proc.PID(), Whole: err == nil,
		OneByOne: !s.probes.multi, EndReason: s.meta.EndReason, Metadata: s.meta,
	}
	if s.opts.Written != nil && err == nil {
		s.opts.Written(sum)
	}
	return sum, err
}

func (s *session) progress() Progress {
	c := s.follow.counts
	c.LostStacks += s.follow.stacks.Lost()
	end := s.endNS
	if end == 0 {
		end = now()
	}
	return Progress{Counts: c, Elapsed: time.Duration(end - s.startNS), Bytes: s.out.bytes()}
}
