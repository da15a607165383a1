package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/stacks"
	"github.com/gosched/gosched/record/target"
)

// session is one recording while it lasts: its processes, and what they share. Its methods run on
// one goroutine, but for the writer's.
type session struct {
	opts     Options
	depth    int        // frames of a stack, 0: stacks are not recorded
	several  bool       // processes are recorded
	subjects []*subject // in order of arrival: those whose numbers are not free for others
	all      []*subject // and those that are gone
	numbered [kernel.MaxSubjects]*subject
	exits    chan *subject
	exitOf   sync.WaitGroup
	over     chan struct{} // closed when nobody asks for exits any more
	come     *arrivals     // nil: the processes are those that were given

	probes    *kernel.Probes
	order     *orderer
	rows      *rows
	out       *writer
	reasons   *format.Strings
	stacks    *format.Strings
	room      *stacks.Room
	unsampled string // why there are no on-CPU samples; empty: there are, or nobody wants them
	meta      format.Metadata
	startNS   int64 // CLOCK_MONOTONIC; 0: the recording has not begun
	endNS     int64 // 0: it has not ended
	offsetNS  int64
	turn      int   // which process's goroutines were read last
	drained   int64 // when the rings were last drained
	flushed   int64 // when the writer last got rows
	described int64 // when it last got the metadata
	machine   machineTime

	roundsCPU int64      // the recorder's CPU time when the last round ended
	roundsNS  int64      // of that, what rounds took where they are not all that it does
	roundsMay float64    // what those may take, in CPU-seconds a second; 0: what the metadata says
	governing *governing // nil: nothing bounds what it costs
}

// now is CLOCK_MONOTONIC, the clock of every event.
func now() int64 { return readClock(unix.CLOCK_MONOTONIC) }

// readClock reads a clock with which that cannot fail. The scheduler of Go is not told, which would
// wake its monitor for a call that takes less than that.
func readClock(id uintptr) int64 {
	var ts unix.Timespec
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// open reads the executables, creates the output and loads the programs, in this order: what can be
// refused is refused before anything touches the kernel.
func open(opts Options, procs []*target.Process) (*session, error) {
	if err := errors.Join(opts.Check(), checkProcesses(procs, opts.Choose != nil)); err != nil {
		return nil, err
	}
	if opts.samplesPerSecond() == 0 {
		opts.Without = append(slices.Clone(opts.Without), format.TransitionSamples)
	}
	s := &session{opts: opts, several: len(procs) > 1 || opts.Choose != nil, over: make(chan struct{})}
	if !slices.Contains(opts.Without, format.TransitionStacks) {
		s.depth = cmp.Or(opts.StackDepth, DefaultStackDepth)
	}
	if err := target.CheckMonotonicClock(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	s.exits = make(chan *subject, kernel.MaxSubjects)
	for _, proc := range procs {
		sub, err := newSubject(s, proc)
		if err != nil {
			return nil, errors.Join(s.of(proc, err), s.close())
		}
		s.join(sub)
	}
	if err := s.chooseFirst(); err != nil {
		return nil, errors.Join(err, s.close())
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

// checkProcesses says what is wrong with what is to be recorded, whatever the processes are.
func checkProcesses(procs []*target.Process, others bool) error {
	switch {
	case len(procs) == 0 && !others:
		return errors.New("no process to record")
	case len(procs) > MaxProcesses:
		return fmt.Errorf("one recording can have %d processes, not %d", MaxProcesses, len(procs))
	}
	seen := map[int]bool{}
	for _, p := range procs {
		if seen[p.PID()] {
			return fmt.Errorf("process %d is named twice", p.PID())
		}
		seen[p.PID()] = true
	}
	return nil
}

// join takes a process in, under the first number that is free. Without one it says so.
func (s *session) join(sub *subject) bool {
	for i, has := range s.numbered {
		if has == nil {
			sub.number, s.numbered[i] = uint16(i), sub
			s.subjects, s.all = append(s.subjects, sub), append(s.all, sub)
			return true
		}
	}
	return false
}

// share divides what may be remembered between the processes that there are.
func (s *session) share() {
	n := max(len(s.subjects), 1)
	s.room.Share(n)
	for _, sub := range s.subjects {
		sub.follow.maxKnown = maxKnown / n
	}
}

// of says which process an error is about, where there are several.
func (s *session) of(proc *target.Process, err error) error {
	if !s.several {
		return err
	}
	return fmt.Errorf("process %d: %w", proc.PID(), err)
}

// close lets go of what open opened to learn about the processes.
func (s *session) close() error {
	var errs []error
	for _, sub := range s.subjects {
		errs = append(errs, sub.letGo())
	}
	return errors.Join(errs...)
}

// start attaches, lets the process go on, and reads the goroutines that are there already.
func (s *session) start() error {
	if err := s.attach(); err != nil {
		return err
	}
	if err := s.forgetRings(); err != nil {
		return err
	}
	s.startNS = now()
	s.machine.begin()
	s.drained = s.startNS
	s.order.start(s.startNS)
	for _, sub := range s.subjects {
		sub.begin(s.startNS)
	}
	if s.opts.Sampling.on() {
		s.beginRounds(s.startNS)
	}
	s.governing.begin()
	s.meta.StartNS, s.meta.Processes = s.startNS+s.offsetNS, s.processes()
	err := s.ready()
	s.confine() // after a command was let go, which takes what is given up
	s.out.begin(s.meta)
	if err != nil || s.opts.Ready != nil {
		return err
	}
	if s.probes == nil || s.governing.leaveAlone() {
		return nil
	}
	return s.readFirst()
}

func (s *session) ready() error {
	if s.opts.Ready == nil {
		return nil
	}
	return s.opts.Ready()
}

// forgetRings drops what came and what was lost while not everything was attached, and what the
// programs remember from then: a thread may have left a goroutine unseen.
func (s *session) forgetRings() error {
	if s.probes == nil {
		return nil
	}
	for _, sub := range s.subjects {
		if err := s.probes.Forget(int(sub.number)); err != nil {
			return err
		}
	}
	if err := s.probes.Drain(s.accept); err != nil {
		return err
	}
	return s.probes.TakeLosses(kernel.MaxSubjects, func(int, int64, int64) {})
}

// run drains the rings until the recording is over and says why it is. Meanwhile it reads the
// goroutines that were there at its beginning.
func (s *session) run(ctx context.Context) (string, error) {
	pace := s.cycleEvery()
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for _, sub := range s.subjects {
		s.awaitExit(sub)
	}
	defer s.exitOf.Wait()
	defer close(s.over)
	if s.come != nil {
		defer s.come.begin()()
	}
	if s.opts.Begun != nil {
		s.opts.Begun(time.Unix(0, s.meta.StartNS))
	}
	progress := time.Now()
	for {
		reason := s.wait(ctx, ticker.C)
		if err := s.step(reason == ""); err != nil {
			return reason, err
		}
		if ended, why := s.ended(); ended {
			reason = why
		}
		if reason != "" {
			return reason, nil
		}
		if p := s.cycleEvery(); p != pace {
			pace = p
			ticker.Reset(pace)
		}
		if s.opts.Progress != nil && time.Since(progress) >= progressEvery {
			progress = time.Now()
			s.opts.Progress(s.progress())
		}
	}
}

// awaitExit puts a process into s.exits when it exits, as long as s.over is open.
func (s *session) awaitExit(sub *subject) {
	s.exitOf.Go(func() {
		select {
		case <-sub.proc.Exited():
			select {
			case s.exits <- sub:
			case <-s.over:
			}
		case <-sub.left:
		case <-s.over:
		}
	})
}

// ended says whether every process's part of the recording has ended, and why that of the last did.
// Where others may come, it goes on.
func (s *session) ended() (bool, string) {
	if s.come != nil {
		return false, ""
	}
	last := s.subjects[0]
	for _, sub := range s.subjects {
		if sub.ended == "" {
			return false, ""
		}
		if sub.endNS > last.endNS {
			last = sub
		}
	}
	return true, last.ended
}

// lastEnd is when the last process's part of the recording has ended; 0: one goes on, or may come.
func (s *session) lastEnd() (last int64) {
	if s.come != nil {
		return 0
	}
	for _, sub := range s.subjects {
		if sub.endNS == 0 {
			return 0
		}
		last = max(last, sub.endNS)
	}
	return last
}

// step reads more of the goroutines that are still to be read, and drains the rings when it is
// time.
func (s *session) step(goesOn bool) error {
	if goesOn {
		if err := s.makeRounds(); err != nil {
			return err
		}
	}
	if goesOn && s.reading() {
		return errors.Join(s.readMore(), s.cycleDue())
	}
	if _, sampling := s.nextRound(); goesOn && sampling {
		return s.cycleDue()
	}
	return s.cycle()
}

// cycleEvery is how often there is something to drain, or to be looked for.
func (s *session) cycleEvery() time.Duration {
	if s.probes == nil {
		return lookEvery
	}
	return s.governing.pace()
}

// wait waits until the rings are due, or not at all while there are goroutines to read. It says why
// the recording is over, if it is.
func (s *session) wait(ctx context.Context, due <-chan time.Time) string {
	var over <-chan time.Time
	if s.opts.Duration > 0 {
		over = time.After(s.left())
	}
	var more <-chan struct{}
	if s.reading() {
		more = closed
	}
	var round <-chan time.Time
	if at, sampling := s.nextRound(); sampling {
		round = time.After(time.Duration(at - now()))
	}
	select {
	case <-round:
	case <-due:
	case <-more:
	case <-ctx.Done():
		return EndInterrupted
	case <-over:
		return EndDuration
	case sub := <-s.exits:
		if sub.ended == "" {
			sub.ended = EndExited
		}
	case <-s.until():
		return EndExited
	case b := <-s.opts.Changes:
		s.governing.change(b)
	case news := <-s.come.told():
		news()
	}
	return ""
}

// until is closed when the process has ended with which the recording does; nil: there is none.
func (s *session) until() <-chan struct{} {
	if s.opts.Until == nil {
		return nil
	}
	return s.opts.Until.Exited()
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
	for _, sub := range s.subjects {
		sub.cpu.update(sub.proc)
	}
	if err := errors.Join(s.drain(), s.governing.decide()); err != nil {
		return err
	}
	for _, sub := range s.subjects {
		if sub.beginNS == 0 {
			continue
		}
		if err := sub.look(began); err != nil {
			return s.of(sub.proc, err)
		}
	}
	merge := began - int64(orderWindow)
	take := merge - int64(lookahead)
	if s.probes == nil { // what the recorder makes itself is in order
		merge, take = began, began
	}
	if over := s.order.pending() - maxPending; over > 0 {
		merge = began - int64(drainEvery)
		take = merge
	}
	if end := s.lastEnd(); end != 0 {
		merge = min(merge, end)
	}
	s.order.merge(merge)
	s.order.take(take, s.emit, s.piece)
	s.letGo()
	if began-s.flushed >= int64(flushEvery) {
		s.flushed = began
		if began-s.described >= int64(segmentDuration)/2 {
			s.described = began
			s.out.describe(s.known(), s.order.taken+s.offsetNS)
		}
		s.rows.flush()
	}
	return s.out.err()
}

// look ends a process's part of the recording where the process has ended, and otherwise finds out
// what has changed in it that no event tells.
func (s *subject) look(at int64) error {
	switch {
	case s.endNS != 0:
		return nil
	case s.replacedNS != 0:
		return s.end(s.replacedNS, EndReplaced)
	case s.ended != "":
		return s.end(now(), s.ended)
	}
	if err := s.lookForModules(); err != nil {
		return err
	}
	if s.in.probes == nil {
		s.lookForReplaced()
	}
	s.readLimits(at)
	if !s.in.governing.resting() {
		s.lookAtDescriptors(at)
	}
	return nil
}

func (s *session) emit(e *event) { s.numbered[e.subject].follow.emit(e) }

func (s *session) piece(begin, end int64, r *span) { s.numbered[r.subject].follow.piece(begin, end, r) }
