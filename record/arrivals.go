package record

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/choose"
	"github.com/gosched/gosched/record/container"
	"github.com/gosched/gosched/record/target"
)

// phase is how far a process is that comes or goes while others are recorded.
type phase uint8

const (
	prepared phase = iota // what will be attached is known
	watched               // the kernel side knows it; probes are being attached, or are
	leaving               // its probes are being taken off
	released              // its number is free, and what it took is given back
)

// pollEvery is how often /proc is looked at for processes of which no event has told.
const pollEvery = time.Second

// arrivals finds processes while the recording goes on, and takes those out that have ended. What
// takes time, as reading executables and attaching, is done on goroutines of its own, so that the
// rings are drained; what they have to say is done by functions on the session's goroutine.
type arrivals struct {
	in    *session
	watch *choose.Watch // the scout's alone, once that has begun
	exact bool          // the kernel side numbers processes as /proc does

	events chan started  // what the kernel side told
	news   chan func()   // for the session's goroutine
	over   chan struct{} // nobody listens any more
	work   sync.WaitGroup

	stopped bool     // over is closed
	unsaid  []func() // what the scout had to say after that

	pids   map[int32]bool    // of all whose part has begun
	missed map[string]Missed // by reason
	late   []time.Duration
}

// started is a process that began a program.
type started struct {
	pid, parent int
	at          int64
}

// maxTold is how many processes that have begun a program wait to be looked at. Of others /proc
// tells, later.
const maxTold = 1024

func newArrivals(s *session) (*arrivals, error) {
	root, err := target.InRootPIDNamespace()
	if err != nil {
		return nil, err
	}
	rules := *s.opts.Choose
	rules.Except = append(slices.Clone(rules.Except), os.Getpid())
	return &arrivals{
		in: s, watch: choose.NewWatch("/proc", &rules), exact: root,
		events: make(chan started, maxTold), news: make(chan func()), over: make(chan struct{}),
		pids: map[int32]bool{}, missed: map[string]Missed{},
	}, nil
}

// chooseFirst takes in the processes that are there to be picked when the recording begins.
func (s *session) chooseFirst() error {
	if s.opts.Choose == nil {
		return nil
	}
	var err error
	if s.come, err = newArrivals(s); err != nil {
		return err
	}
	for _, sub := range s.subjects {
		s.come.pids[sub.pid] = true
	}
	found, err := s.come.watch.Poll()
	if err != nil {
		return err
	}
	for i := range found {
		sub, err := s.come.find(&found[i], 0)
		if sub == nil && err == nil {
			continue
		}
		if err == nil && !s.join(sub) {
			err = errors.Join(errNoNumber, sub.letGo())
		}
		if err != nil {
			s.come.miss(found[i].PID, err)
		}
	}
	return nil
}

// Why a process that was picked is not recorded.
var (
	errNoNumber = fmt.Errorf("%d are recorded already", MaxProcesses)
	errEnded    = errors.New("ended before it could be watched")
	errAgain    = errors.New("it has the number of a process that was recorded before")
	errReplaced = errors.New("replaced its program before it could be watched")
	errUnseen   = errors.New("ended before it could be looked at, so that it is not known whether it is a Go program")
	errNotGo    = errors.New("not a Go program")
)

// find opens a process that was picked and learns what would be attached. It is nil without an
// error for one that was given, or found already.
func (a *arrivals) find(f *choose.Found, began int64) (*subject, error) {
	proc, err := target.Open(f.PID)
	if err != nil {
		return nil, err
	}
	sub, err := newSubject(a.in, proc)
	if err != nil {
		return nil, errors.Join(err, proc.Close())
	}
	if a.in.startNS == 0 && a.pids[sub.pid] { // later the session's goroutine looks
		return nil, sub.letGo()
	}
	sub.how, sub.execNS = f.How, began
	sub.about.Chosen, sub.about.Comm, sub.about.Cgroup = f.How, f.Comm, f.Cgroup()
	sub.about.ProgramNS = began + a.in.offsetNS
	if began == 0 {
		sub.about.ProgramNS = target.StartedNS(f.Started)
	}
	if c := f.Container; c.ID != "" {
		sub.about.Container = DescribeContainer(c)
	}
	return sub, nil
}

// DescribeContainer is what a trace says of a container, with what the runtime's files say of it.
func DescribeContainer(c container.Container) *format.Container {
	c = container.Describe(c, container.Roots...)
	return &format.Container{
		ID: c.ID, Runtime: c.Runtime, Name: c.Name, Image: c.Image, Pod: c.Pod, PodUID: c.PodUID,
		Namespace: c.Namespace,
	}
}

// prepare makes everything that a process needs to be recorded which no process shares.
func (s *subject) prepare() error {
	if err := errors.Join(s.describe(), s.openTables()); err != nil {
		return err
	}
	if s.in.opts.Sampling.on() {
		return s.openReader()
	}
	s.withoutSamples()
	return s.configure()
}

// letGo closes a process that was found by a rule, and what was opened to learn about it.
func (s *subject) letGo() error {
	err := s.close()
	if s.how != "" {
		err = errors.Join(err, s.proc.Close())
	}
	return err
}

// each does something for every process. One that was picked by a rule is not recorded where that
// fails, as when it has ended; for one that was named it is an error.
func (s *session) each(do func(*subject) error) error {
	for _, sub := range slices.Clone(s.subjects) {
		err := do(sub)
		switch {
		case err == nil:
		case sub.how == "":
			return s.of(sub.proc, err)
		default:
			s.come.miss(sub.proc.PID(), err)
			s.numbered[sub.number] = nil
			gone := func(has *subject) bool { return has == sub }
			s.subjects, s.all = slices.DeleteFunc(s.subjects, gone), slices.DeleteFunc(s.all, gone)
			_ = sub.letGo() // it was only read
			if s.probes != nil {
				err = errors.Join(s.probes.Detach(int(sub.number)), s.probes.Vacate(int(sub.number), int(sub.pid)))
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// begin has the scout go out, until the function is called that it returns.
func (a *arrivals) begin() (stop func()) {
	a.work.Go(a.scout)
	return func() {
		a.stopped = true
		close(a.over)
		a.work.Wait()
	}
}

// tell takes an event of a process that has begun a program.
func (a *arrivals) tell(e *event) {
	if a == nil {
		return
	}
	select {
	case a.events <- started{int(e.tid), int(e.proc), e.time}:
	default: // /proc will tell
	}
}

// told has what is to be done on the session's goroutine.
func (a *arrivals) told() <-chan func() {
	if a == nil {
		return nil
	}
	return a.news
}

// say has the session's goroutine do something. It says false where that listens no more.
func (a *arrivals) say(do func()) bool {
	select {
	case a.news <- do:
		return true
	case <-a.over:
		return false
	}
}

// sayMissed is for the scout: it has a process counted that is not recorded, when the recording has
// ended if that listens no more.
func (a *arrivals) sayMissed(pid int, err error) {
	count := func() { a.miss(pid, err) }
	if !a.say(count) {
		a.unsaid = append(a.unsaid, count)
	}
}

// scout looks for processes: where an event has told of one, and now and then at all.
func (a *arrivals) scout() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-a.over:
			return
		case <-ticker.C:
			a.poll()
		case e := <-a.events:
			if !a.exact {
				a.poll()
			} else if f, ok := a.watch.Told(e.pid, e.parent); ok {
				a.arrive(&f, e.at)
			} else if a.watch.Gone(e.pid) {
				a.sayMissed(e.pid, errUnseen)
			}
		}
	}
}

func (a *arrivals) poll() {
	found, err := a.watch.Poll()
	for i := range found {
		a.arrive(&found[i], 0)
	}
	if err != nil && !errors.Is(err, choose.ErrAmbiguous) {
		a.say(func() { a.miss(0, err) })
	}
}

// arrive learns about a process and hands it to the session.
func (a *arrivals) arrive(f *choose.Found, began int64) {
	sub, err := a.find(f, began)
	if err == nil && sub != nil {
		if err = sub.prepare(); err != nil {
			err = errors.Join(err, sub.letGo())
		}
	}
	switch {
	case err != nil:
		a.sayMissed(f.PID, err)
	case sub != nil && !a.say(func() { a.takeIn(sub) }):
		_ = sub.letGo() // it was only read
		a.sayMissed(f.PID, errEnding)
	}
}

// lateness is how long those that began meanwhile were not recorded.
func (a *arrivals) lateness() []time.Duration {
	if a == nil {
		return nil
	}
	slices.Sort(a.late)
	return a.late
}

// takeIn gives a process a number and has its probes attached.
func (a *arrivals) takeIn(sub *subject) {
	s := a.in
	err := error(nil)
	switch {
	case a.known(sub):
		err = errAgain
	case !s.join(sub):
		err = errNoNumber
	}
	if err == nil {
		s.share()
		s.awaitExit(sub)
	}
	if err == nil && s.probes == nil {
		a.attached(sub, nil)
		return
	}
	if err == nil {
		err = sub.register()
	}
	if err != nil {
		a.refuse(sub, err)
		return
	}
	a.work.Go(func() {
		err := sub.attach()
		if !a.say(func() { a.attached(sub, err) }) {
			return // the end of the recording takes everything off
		}
	})
}

// known says whether a process has the number of another one of the recording.
func (a *arrivals) known(sub *subject) bool {
	return a.pids[sub.pid] || slices.ContainsFunc(a.in.subjects, func(has *subject) bool { return has.pid == sub.pid })
}

// refuse gives up a process before its part has begun.
func (a *arrivals) refuse(sub *subject, err error) {
	if err != errReplaced {
		a.miss(sub.proc.PID(), err)
	}
	if a.in.numbered[sub.number] == sub {
		a.in.all = slices.DeleteFunc(a.in.all, func(has *subject) bool { return has == sub })
		sub.endNS, sub.again = now(), errors.Is(err, errReplaced) && a.exact
		a.retire(sub)
		return
	}
	_ = sub.letGo() // it was only read
}

// attached begins a process's part of the recording, now that its probes are attached.
func (a *arrivals) attached(sub *subject, err error) {
	s := a.in
	if err == nil {
		err = sub.same()
	}
	if err == nil && s.probes != nil {
		err = s.governing.know(sub)
	}
	if err == nil && s.probes != nil {
		err = s.probes.Forget(int(sub.number))
	}
	if err == nil {
		err = s.drain() // what came of it is from before its part began
	}
	if err != nil {
		a.refuse(sub, err)
		return
	}
	sub.begin(now())
	if sub.execNS != 0 {
		a.late = append(a.late, time.Duration(sub.beginNS-sub.execNS))
	}
	s.out.tell(s.metadataNow())
	if s.opts.Sampling.on() || s.governing.samples() {
		sub.beginRounds(sub.beginNS, s.meta.GoroutineSampling)
		s.shareRounds(sub.beginNS)
		return
	}
	if s.governing.resting() {
		return // a window reads its goroutines
	}
	if err := sub.beginReading(0); err != nil {
		sub.note(format.TransitionRun, fmt.Sprintf("the goroutines that were there could not be read: %v", err))
	}
}

// same is an error where the process has another program than the one that was looked at, or ended.
func (s *subject) same() error {
	if s.replacedNS != 0 {
		return errReplaced
	}
	if other, err := s.proc.Replaced(); err == nil && other {
		return errReplaced
	}
	if s.ended != "" || !s.proc.Alive() {
		return errEnded
	}
	return nil
}

// begin begins the process's part of the recording.
func (s *subject) begin(at int64) {
	s.beginNS = at
	s.cpu.begin(s.proc)
	s.watchLimits()
	if s.in.come != nil {
		s.in.come.pids[s.pid] = true
	}
}

// counts are those of the process's rows until now.
func (s *subject) counts() Counts {
	if s.follow == nil {
		return s.final
	}
	return s.follow.Counts()
}

var errEnding = errors.New("the recording ended before it could be watched")

// recorded are the processes whose part goes on.
func (s *session) recorded() (pids []int) {
	for _, sub := range s.subjects {
		if sub.beginNS != 0 && sub.endNS == 0 {
			pids = append(pids, sub.proc.PID())
		}
	}
	return pids
}

// metadataNow is the trace's metadata with the processes that there are now.
func (s *session) metadataNow() format.Metadata {
	meta := s.meta
	meta.Processes = nil
	for _, sub := range s.all {
		if sub.beginNS != 0 {
			p := sub.process()
			p.Coverage = slices.Clone(p.Coverage) // the writer has it while the recording goes on
			meta.Processes = append(meta.Processes, p)
		}
	}
	return meta
}
