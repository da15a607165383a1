package record

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/stacks"
	"github.com/gosched/gosched/record/target"
)

// subject is one process of a recording, with everything that is that process's own. Ids of
// goroutines, Ps and stacks mean something only together with it.
type subject struct {
	in     *session
	number uint16 // its place in the session's subjects, which events have
	proc   *target.Process
	pid    int32 // the process's number in the root PID namespace, as the trace has it
	image  *image.Image
	binary *gobin.Binary // the image's
	choice *choice
	bias   uint64 // the image's
	config *kernel.SubjectConfig
	about  format.Process // what the trace says of it

	numbers     *kernel.Numbers // nil: the recorder is in the root PID namespace
	modules     *image.Modules
	looked      int64 // when the process was last asked for modules
	texts       *texts
	stacks      *stacks.Table
	follow      *follower
	reader      *snapshot.Reader // of its goroutines
	limits      limits
	sampler     *sampler // nil: its goroutines were never sampled
	sampling    bool     // they are
	descriptors descriptors
	cpu         cpuTime

	how     string               // by which kinds of rules it was picked; empty: it was given
	execNS  int64                // when it began its program; 0: not seen
	toldNS  int64                // up to when gaps are told in which nothing was attached
	strain  *target.StrainReader // nil: it was not asked yet
	beginNS int64                // since when it is recorded; 0: not yet
	left    chan struct{}        // closed when it is not waited for any more
	again   bool                 // its number may be another program's, which is to be looked at
	phase   phase                // of one that came after the recording's beginning, or may go before its end
	freeNS  int64                // since when the kernel side has nothing to say of it any more; 0: it may have
	final   Counts               // once it is released

	replacedNS int64  // when the process replaced its program, 0: it has not
	ended      string // why it is not recorded any more; empty: it is
	endNS      int64  // since when not, 0: it is

	reading   *reading          // the snapshot in the making, nil: none
	snapshots []format.Snapshot // those made
	read      int               // how many places of goroutines the last one looked at
	readNS    float64           // and how long that took for each
}

// newSubject finds out what will be attached where in a process. Nothing is attached yet.
func newSubject(in *session, proc *target.Process) (*subject, error) {
	s := &subject{in: in, proc: proc, left: make(chan struct{})}
	if err := s.identify(); err != nil {
		return nil, err
	}
	if err := s.readBinary(); err != nil {
		return nil, errors.Join(err, s.numbers.Close())
	}
	return s, nil
}

// close lets go of what was opened to learn about the process.
func (s *subject) close() error { return errors.Join(s.modules.Close(), s.numbers.Close()) }

// identify finds the process's number in the root PID namespace.
func (s *subject) identify() error {
	root, err := target.InRootPIDNamespace()
	if err != nil {
		return err
	}
	if root || s.in.opts.Sampling.on() { // else the kernel has to be asked, by a program
		s.pid = int32(s.proc.PID())
		return nil
	}
	if s.numbers, err = kernel.OpenNumbers(s.proc.PID()); err != nil {
		return err
	}
	s.pid, _, err = s.numbers.Read()
	if err != nil {
		return errors.Join(err, s.numbers.Close())
	}
	return nil
}

// threadIDs maps the ids that the process sees to those of the root namespace; to those of the
// mounted /proc where no recording asked for others.
func (s *subject) threadIDs() (map[int32]int32, error) {
	if s.numbers != nil {
		_, tids, err := s.numbers.Read()
		return tids, err
	}
	threads, err := s.proc.Threads()
	if err != nil {
		return nil, err
	}
	ids := make(map[int32]int32, len(threads))
	for _, t := range threads {
		ids[int32(t.NSTID)] = int32(t.TID)
	}
	return ids, nil
}

// readBinary learns from the file with the Go runtime what will be attached where.
func (s *subject) readBinary() error {
	found, err := image.Find(s.proc)
	if errors.Is(err, gobin.ErrNotGo) && s.in.opts.Ready != nil {
		err = fmt.Errorf("%w; should it load a Go library (-buildmode=c-shared), start it without gosched and "+
			"record it with -p once it has: at its start no library is in its memory", err)
	}
	if err != nil {
		return err
	}
	s.setImage(found)
	read := s.readProbes
	if s.in.opts.Sampling.on() {
		read = s.readSampled
	}
	if err := read(); err != nil {
		return errors.Join(err, s.modules.Close())
	}
	return nil
}

// setImage takes the process's Go code, and owns it.
func (s *subject) setImage(found *image.Image) {
	s.image, s.binary, s.bias = found, found.Binary, found.Bias
	s.modules = image.NewModules(s.proc, found)
}

func (s *subject) readProbes() error {
	if err := s.image.Recordable(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	points, covered, err := s.binary.Probes()
	if err != nil {
		return err
	}
	if s.choice, err = choosePoints(points, covered, &s.in.opts); err != nil {
		return err
	}
	if err := s.lookForModules(); err != nil {
		return err
	}
	s.modules.LookForRuntimes()
	return checkBytes(s.image.Path, s.choice.points)
}

// describe says what is known of the process before its recording begins.
func (s *subject) describe() error {
	exe, err := s.proc.ExePath()
	if err != nil {
		return err
	}
	args, err := s.proc.Cmdline()
	if err != nil {
		return err
	}
	quota, err := s.proc.CPUQuota()
	if err != nil {
		return err
	}
	p := &s.about
	p.PID, p.Command, p.Executable = s.pid, strings.Join(args, " "), filepath.Clean(exe)
	p.GoVersion, p.BuildID, p.GOMAXPROCS = s.binary.GoVersion, s.binary.BuildID, s.gomaxprocs()
	p.CPUQuota, p.Coverage, p.Modules = quota, s.choice.coverage, s.modules.Describe()
	return nil
}

// openTables makes what turns the process's events into rows of the trace.
func (s *subject) openTables() error {
	s.stacks = s.newStacks(s.in.stacks, s.in.reasons, s.in.room)
	return s.openFollower(s.in.rows, s.in.reasons)
}

// openFollower makes the follower, whose rows go into a trace with this table of reasons.
func (s *subject) openFollower(r *rows, reasons stacks.Interner) error {
	waits, err := s.binary.WaitReasons()
	if err != nil {
		return err
	}
	stops, err := s.binary.STWReasons()
	if err != nil {
		return err
	}
	s.texts = newTexts(reasons, waits, stops)
	s.follow = newFollower(s.pid, r, s.texts, s.stacks)
	s.follow.withoutReady = !s.choice.sees(format.TransitionReady)
	s.follow.withoutPark = !s.choice.sees(format.TransitionPark) &&
		s.choice.sees(format.TransitionReady, format.TransitionYield)
	s.follow.seesCreate = s.choice.sees(format.TransitionCreate)
	s.follow.lateIDs = s.binary.Version.Minor < 24
	return nil
}

// configure says what the programs must know of the process.
func (s *subject) configure() error {
	layout, err := s.binary.Layout()
	if err != nil {
		return err
	}
	cfg, err := configOf(s.binary, &layout, s.choice)
	if err != nil {
		return err
	}
	cfg.Number, cfg.TGID, cfg.PID, cfg.Bias = int(s.number), int(s.pid), s.proc.PID(), s.bias
	if addr, ok := s.binary.GOMAXPROCSAddr(); ok {
		cfg.GOMAXPROCS = addr + s.bias
	}
	if addr, ok := s.binary.NewprocsAddr(); ok {
		cfg.Newprocs = addr + s.bias
	}
	s.config = cfg
	return errors.Join(s.openReader(), s.openDescriptors())
}

// register tells the programs of the process, so that they watch it.
func (s *subject) register() error {
	s.phase, s.config.Number = watched, int(s.number)
	return s.in.probes.Watch(s.config)
}

// attach puts the probes into the process's Go code.
func (s *subject) attach() error {
	if err := s.in.probes.AttachPoints(s.image.Path, s.choice.points, s.config); err != nil {
		return err
	}
	return s.attachModules()
}

// gap says that events of the process were lost or not looked for.
func (s *subject) gap(begin, end, lost int64, why format.Reason) {
	s.follow.lose(lost)
	s.in.order.gap(&event{
		op: opGap, subject: s.number, time: max(begin, s.beginNS), byGoid: end, text: uint32(s.texts.id(why)),
	})
}

// unwatched says that one class was not watched in the process.
func (s *subject) unwatched(begin, end int64, why format.Reason) {
	s.in.order.unwatched(&event{
		op: opUnwatched, subject: s.number, time: begin, byGoid: end, text: uint32(s.texts.id(why)),
	})
}

// own takes an event of the process that the recorder made.
func (s *subject) own(e event) {
	e.subject = s.number
	s.in.order.own(&e)
}

// end ends the process's part of the recording, while those of others may go on.
func (s *subject) end(at int64, why string) error {
	s.ended, s.endNS = why, at
	if s.reading != nil {
		s.endReading()
	}
	s.own(event{op: opEnded, time: at}) // what came before may still be in the rings' queues
	if s.sampling {
		s.sampling = false
		s.in.shareRounds(at)
	}
	if s.in.come != nil {
		s.in.come.retire(s)
	}
	if s.in.probes == nil {
		return nil
	}
	return s.in.probes.Leave(int(s.number))
}

// process is what the trace says of the process now.
func (s *subject) process() format.Process {
	if s.phase == released {
		return s.about
	}
	p := s.about
	p.Modules, p.Coverage = s.modules.Describe(), s.choice.coverage
	s.limits.stops.describe(&p)
	if s.sampler != nil {
		counts := s.sampler.counts
		p.Rounds = &counts
	}
	if s.follow != nil {
		counts := s.follow.Counts()
		p.Lost, p.LostStacks, p.Gaps = counts.Lost, counts.LostStacks, counts.Gaps
	}
	if s.how != "" {
		p.BeginNS = s.beginNS + s.in.offsetNS
	}
	if s.endNS != 0 {
		p.EndNS, p.EndReason = s.endNS+s.in.offsetNS, s.ended
	}
	return p
}
