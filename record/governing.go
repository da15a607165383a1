package record

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/governor"
	"github.com/gosched/gosched/record/kernel"
)

const (
	// restEvery is how often the session looks after things at least while nothing is attached, and
	// leastRest how often at most.
	restEvery = 250 * time.Millisecond
	leastRest = 20 * time.Millisecond
	// strainEvery is how often it is asked what the machine is short of.
	strainEvery = time.Second
	// strainsAtOnce is of how many processes: the others come later.
	strainsAtOnce = 4
	// longestGap is how long a gap is whose end is not known yet. Longer ones are several rows, so that
	// what a killed recorder leaves says it too.
	longestGap = int64(500 * time.Millisecond)
	// unwatchedEvery is how long gaps of one class are at most, which are told when they have been: not
	// longer than the order waits.
	unwatchedEvery = int64(lookahead) / 2
	// floorCPUs is what recording may always cost, in CPU-seconds a second: what it takes to watch a
	// process that does nothing.
	floorCPUs = 0.005
	// tracepointNS is what the kernel needs to call a program at a tracepoint, and interruptNS to
	// interrupt a CPU for a sample: BenchmarkSamples measured that, in a virtual machine.
	tracepointNS = 50
	interruptNS  = 30_000
)

// groups are what is attached for each class that is governed.
var groups = [governor.NumClasses]kernel.Group{
	governor.Goroutines: kernel.GroupGoroutines, governor.Syscalls: kernel.GroupSyscalls,
	governor.Threads: kernel.GroupThreads, governor.Samples: kernel.GroupSamples,
}

// classes are what the trace calls them; moves of goroutines are all classes but the others.
var classes = [governor.NumClasses]format.Transition{
	governor.Goroutines: format.TransitionRun, governor.Syscalls: format.TransitionSyscalls,
	governor.Threads: format.TransitionKernel, governor.Samples: format.TransitionSamples,
}

// causes are the reasons of gaps.
var causes = [governor.NumCauses]format.Reason{
	governor.CauseBudget: format.ReasonBudget, governor.CauseKillSwitch: format.ReasonKillSwitch,
	governor.CauseMemory: format.ReasonMemoryPressure, governor.CauseThrottled: format.ReasonThrottled,
}

// governing keeps a session's cost below what it may be. A nil one does not.
type governing struct {
	in      *session
	cfg     governor.Config
	trap    kernel.TrapCost
	g       *governor.Governor
	plan    governor.Plan
	asked   int64 // when it was last decided
	ownNS   int64 // the recorder's CPU time when the recording began
	attach  int64 // of what came since, what attaching and detaching took
	tookOff int64 // when everything was last taken off

	on      [governor.NumClasses]bool // what is attached
	window  window
	watched int64 // how long that lasted, in all windows before

	watch    governor.Watch
	rounding bool  // goroutines are sampled meanwhile
	strained int64 // when it was last asked
	next     int   // whose strain is read next
	pressure governor.Cause
	said     [governor.NumCauses]bool
}

// newGoverning is nil where nothing is to be governed.
func (s *session) newGoverning() (*governing, error) {
	o := &s.opts
	if o.MaxOverhead == 0 && o.MaxCPUs == 0 && o.KillSwitch == "" {
		return nil, nil
	}
	if s.probes.OneByOne() {
		return nil, fmt.Errorf("%w: what a recording costs cannot be bounded on this kernel, which takes a tenth of a "+
			"second to take off each probe (uprobe_multi that filters by process came with Linux 6.10)", ErrUnsupported)
	}
	trap, err := kernel.MeasureTrap()
	if err != nil {
		return nil, err
	}
	cfg := governor.Config{Seed: o.Seed, Rounds: true, Rarest: o.RarestWindow}
	bound(&cfg, o)
	trapNS := int64(trap.NS)
	cfg.BesidesNS = [governor.NumClasses]int64{trapNS, trapNS, tracepointNS, interruptNS}
	cfg.Wanted = [governor.NumClasses]bool{governor.Goroutines: true, governor.Samples: o.samplePeriod() != 0}
	cfg.Wanted[governor.Syscalls] = !slices.Contains(o.Without, format.TransitionSyscalls)
	cfg.Wanted[governor.Threads] = !slices.Contains(o.Without, format.TransitionKernel)
	return &governing{in: s, cfg: cfg, trap: trap}, nil
}

// bound says what may be spent.
func bound(cfg *governor.Config, o *Options) {
	cfg.MaxOverhead, cfg.MaxCPUs, cfg.FloorCPUs = o.MaxOverhead, o.MaxCPUs, floorCPUs
	if o.MaxOverhead == 0 {
		cfg.FloorCPUs = 0
	}
	if o.MaxOverhead == 0 && o.MaxCPUs == 0 {
		cfg.MaxCPUs = math.MaxInt32
	}
}

// change has other bounds hold from now on.
func (g *governing) change(b Budget) {
	if g == nil || g.g == nil {
		return
	}
	o := &g.in.opts
	o.MaxOverhead, o.MaxCPUs, o.KillSwitch, o.Need = b.MaxOverhead, b.MaxCPUs, b.KillSwitch, b.Need
	bound(&g.cfg, o)
	g.g.Bound(g.cfg)
}

// begin begins to govern, with everything attached unless it was held back.
func (g *governing) begin() {
	if g == nil {
		return
	}
	g.ownNS = ownCPU()
	r, err := g.reading(g.in.startNS)
	if err != nil {
		r = governor.Reading{NowNS: g.in.startNS}
	}
	r.Pressure = g.pressure
	g.g = governor.New(g.cfg, r)
	g.plan = g.g.Plan()
	g.on, g.window = g.plan.On, window{beginNS: g.in.startNS, toldNS: g.in.startNS}
	if !g.plan.Any() {
		g.window.end(g.in.startNS)
		g.tell(g.in.startNS)
		g.say(governor.CauseNone)
	}
}

// heldBack says whether nothing is to be attached when the recording begins, as the kill switch is
// there already, and sees to it that nothing will be.
func (g *governing) heldBack() (bool, error) {
	if g == nil || !g.switchedOff() {
		return false, nil
	}
	g.pressure = governor.CauseKillSwitch
	return true, g.in.probes.Pause(kernel.Groups()...)
}

// switchedOff says whether the kill switch is there.
func (g *governing) switchedOff() bool {
	path := g.in.opts.KillSwitch
	if path == "" {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

// leaveAlone says whether processes are not to be read either: nothing is attached, for another
// reason than the budget.
func (g *governing) leaveAlone() bool { return g.resting() && g.plan.Why != governor.CauseBudget }

// ownCPU is this process's CPU time.
func ownCPU() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) // it cannot fail with this clock
	return ts.Nano()
}

// reading is what has been counted up to now.
func (g *governing) reading(at int64) (governor.Reading, error) {
	r := governor.Reading{NowNS: at, RecorderNS: ownCPU() - g.ownNS, AttachNS: g.attach, RoundsNS: g.in.roundsNS,
		Pressure: g.pressure}
	hits, err := g.in.probes.Hits()
	if err != nil {
		return r, err
	}
	for c, group := range groups {
		h := hits[group]
		r.Hits[c] = governor.Hits{Count: h.Count, Timed: h.Timed, NS: h.NS}
	}
	for _, sub := range g.in.subjects {
		r.TargetNS += int64(sub.cpu.spent())
		if sub.ended == "" {
			r.Goroutines += sub.read
		}
	}
	return r, nil
}

// decide finds out what is to be attached now, and sees to it.
func (g *governing) decide() error {
	at := now()
	if g == nil || g.in.endNS != 0 || at-g.asked < int64(g.pace())/2 {
		return nil
	}
	g.asked = at
	g.look(at)
	r, err := g.reading(at)
	if err != nil {
		return err
	}
	plan, before := g.g.Decide(r), g.plan
	g.plan = plan
	if plan.On != before.On {
		err = errors.Join(g.takeOff(), g.putOn())
	}
	g.makeRounds()
	g.tell(now())
	g.say(before.Why)
	return err
}

// pace is how often the rings are drained.
func (g *governing) pace() time.Duration {
	if g == nil || g.plan.Any() {
		return drainEvery
	}
	return min(max(time.Duration(g.plan.OffUntilNS-now()), leastRest), restEvery)
}

// takeOff takes off all that is attached.
func (g *governing) takeOff() error {
	if g.resting() {
		return nil
	}
	s := g.in
	if err := s.drain(); err != nil {
		return err
	}
	began := ownCPU()
	g.tookOff = now()
	g.window.end(g.tookOff)
	g.watched += max(0, g.tookOff-g.window.beginNS)
	g.tellUnwatched(g.tookOff)
	err := s.probes.Pause(kernel.Groups()...)
	g.attach += ownCPU() - began
	s.endReadings()
	return errors.Join(err, g.drop())
}

// drop drains what came while things were being attached or taken off, and was lost then.
func (g *governing) drop() error {
	s := g.in
	err := s.probes.Drain(s.accept)
	s.drained = now()
	return errors.Join(err, s.probes.TakeLosses(kernel.MaxSubjects, func(int, int64, int64) {}))
}

// putOn attaches what is to be, and begins a window.
func (g *governing) putOn() error {
	if !g.plan.Any() {
		return nil
	}
	s := g.in
	g.makeRounds() // there are none in a window
	began := ownCPU()
	g.on = g.plan.On
	g.window.prepare()
	if err := g.attachPlanned(); err != nil {
		return err
	}
	g.attach += ownCPU() - began
	for _, sub := range s.subjects {
		if err := s.probes.Forget(int(sub.number)); err != nil {
			return err
		}
	}
	err := g.drop()
	g.window.begin(now())
	g.gaps(g.window.beginNS, causes[governor.CauseBudget])
	return errors.Join(err, g.read())
}

// attachPlanned attaches what the plan says. What the programs can rely on depends on it.
func (g *governing) attachPlanned() error {
	s := g.in
	var on []kernel.Group
	for c, group := range groups {
		if g.plan.On[c] && group != kernel.GroupSamples {
			on = append(on, group)
		}
	}
	for _, sub := range s.subjects {
		if err := g.know(sub); err != nil {
			return err
		}
	}
	if err := s.probes.Resume(on...); err != nil {
		return err
	}
	if g.plan.On[governor.Samples] {
		s.sample()
	}
	return nil
}

// know tells the programs what they can rely on in a process, with what is attached or will be.
func (g *governing) know(sub *subject) error {
	if g == nil {
		return nil
	}
	whole := g.plan.On[governor.Syscalls] || !g.cfg.Wanted[governor.Syscalls]
	c := sub.config
	return g.in.probes.Know(int(sub.number), c.Current && whole, c.Proc && whole, c.GoIDs)
}

// makeRounds has goroutines sampled, or not, while nothing is attached: rounds lie in gaps.
func (g *governing) makeRounds() {
	s := g.in
	switch {
	case g.plan.Rounds && !g.rounding:
		g.rounding, s.roundsMay = true, g.plan.RoundsCPUs
		s.beginRounds(now())
	case g.plan.Rounds:
		s.roundsMay = g.plan.RoundsCPUs
		s.shareRounds(now())
	case g.rounding:
		g.rounding = false
		s.endRounds()
	}
}

// samples says whether goroutines are sampled now.
func (g *governing) samples() bool { return g != nil && g.rounding }

// read begins to read the goroutines that are there at the beginning of a window, if that can be
// paid for.
func (g *governing) read() error {
	for _, sub := range g.in.subjects {
		if !g.plan.Snapshot || sub.beginNS == 0 || sub.ended != "" || !sub.proc.Alive() {
			clear(sub.follow.early)
			continue
		}
		if err := sub.beginReading(0); err != nil {
			return g.in.of(sub.proc, err)
		}
	}
	return nil
}

// early says whether an event is from before the time in which everything is watched.
func (g *governing) early(at int64) bool { return g != nil && g.window.early(at) }

// off says whether an event is from while things were being taken off, or from after it.
func (g *governing) off(at int64) bool { return g != nil && g.window.off(at) }

// resting says whether nothing is attached.
func (g *governing) resting() bool { return g != nil && g.window.resting() }

// each is for the processes whose part of the recording has not ended.
func (g *governing) each(do func(*subject)) {
	for _, sub := range g.in.subjects {
		if sub.beginNS != 0 && sub.endNS == 0 {
			do(sub)
		}
	}
}

// look asks whether somebody wants everything off.
func (g *governing) look(at int64) {
	if g.switchedOff() {
		g.pressure = governor.CauseKillSwitch
		return
	}
	if g.pressure == governor.CauseKillSwitch {
		g.pressure = governor.CauseNone
	}
	if at-g.strained < int64(strainEvery) {
		return
	}
	g.strained, g.pressure = at, governor.CauseNone
	for range min(strainsAtOnce, len(g.in.subjects)) {
		g.next = (g.next + 1) % len(g.in.subjects)
		if sub := g.in.subjects[g.next]; sub.beginNS != 0 && sub.ended == "" {
			g.pressure = max(g.pressure, g.strain(sub, at))
		}
	}
}

// strain asks what a process's cgroups are short of.
func (g *governing) strain(sub *subject, at int64) governor.Cause {
	if sub.strain == nil {
		var err error
		if sub.strain, err = sub.proc.StrainReader(); err != nil {
			return governor.CauseNone // it has ended
		}
	}
	s := sub.strain.Read()
	g.watch.Need = g.in.opts.Need
	return g.watch.Look(at, int(sub.pid), governor.Strain{
		StalledNS: int64(s.Stalled + s.GroupStalled), Memory: s.Memory, Throttled: s.Throttled,
	})
}

// say tells whoever wants to know of each reason for which everything came off, the first time.
func (g *governing) say(before governor.Cause) {
	why := g.plan.Why
	if why == before || g.said[why] || g.in.opts.Governed == nil {
		return
	}
	if why != governor.CauseNone {
		g.said[why] = true
	}
	g.in.opts.Governed(causes[why])
}

// end ends what is told of what is not watched, with the recording.
func (g *governing) end(at int64) {
	if g == nil || g.g == nil {
		return
	}
	if r, err := g.reading(at); err == nil {
		g.g.Decide(r)
	}
	if g.resting() {
		g.gaps(at, causes[g.plan.Why])
		return
	}
	g.watched += max(0, at-g.window.beginNS)
	g.tellUnwatched(at)
}

// describe is what the trace says of it.
func (g *governing) describe() *format.Governor {
	if g == nil || g.g == nil {
		return nil
	}
	s := g.g.Sums()
	end, watched := g.in.endNS, g.watched
	if end == 0 { // it goes on
		if end = now(); !g.resting() {
			watched += max(0, end-g.window.beginNS)
		}
	}
	d := &format.Governor{
		MaxOverhead: g.cfg.MaxOverhead, MaxCPUs: g.in.opts.MaxCPUs, FloorCPUs: g.cfg.FloorCPUs,
		CPUs: s.CPUs(), Overhead: s.Overhead(), TargetNS: int64(s.TargetNS), HitsNS: int64(s.HitsNS),
		RecorderNS: int64(s.RecorderNS), AttachNS: int64(s.AttachNS),
		TrapNS: g.trap.NS, TrapSDNS: g.trap.SDNS, Windows: s.Windows,
		DutyCycle: float64(watched) / float64(max(1, end-g.in.startNS)),
	}
	if d.MaxOverhead > 0 || d.MaxCPUs > 0 {
		d.AllowedCPUs = s.AllowedCPUs(&g.cfg)
	}
	for c, wanted := range g.cfg.Wanted {
		if wanted {
			h := s.Hits[c]
			d.Hits = append(d.Hits, format.Hits{
				Transition: classes[c], Hits: h.Count, HitNS: s.HitNS[c], Measured: h.Timed,
			})
		}
		if s.DroppedNS[c] > 0 {
			d.Dropped = append(d.Dropped, format.Dropped{Transition: classes[c], OffNS: int64(s.DroppedNS[c])})
		}
	}
	for why := governor.CauseBudget; why < governor.NumCauses; why++ {
		if s.Offs[why] > 0 {
			d.Off = append(d.Off, format.Off{
				Reason: causes[why].String(), Times: s.Offs[why], OffNS: int64(s.OffNS[why]),
			})
		}
	}
	return d
}
