package record

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/rounds"
	"github.com/gosched/gosched/record/snapshot"
)

// Sampling says that goroutines are read at random instants, and how often. Nothing is attached then:
// a recording with it takes no eBPF.
type Sampling struct {
	RatePerS float64 // rounds a second in each process; 0: goroutines are not sampled
	MaxCPUs  float64 // what they may take, in CPU-seconds a second; 0: DefaultSamplingCPUs; AnyCPUs: no bound
	Seed     int64   // 0: one at random, which the metadata has
}

// defaultRounds is how many rounds a second there are where others than the options ask for them.
const defaultRounds = 20

// DefaultSamplingCPUs is what sampling goroutines may take where Options do not say.
const DefaultSamplingCPUs = 0.01

// AnyCPUs is the MaxCPUs of sampling without a bound.
const AnyCPUs = -1

// MaxSamplingPerSecond is the largest rate of rounds.
const MaxSamplingPerSecond = 1000

const (
	// lookEvery is how often a recording of samples looks for what has changed in its processes beside
	// goroutines, and hands on what it has.
	lookEvery = 500 * time.Millisecond
	// sampledSegment and lookEvery are how much a killed recorder of samples loses: five seconds. A
	// segment costs as much as ten rounds of a small process.
	sampledSegment = 4500 * time.Millisecond
)

// notSampledFor is from when on it is a gap that no round could be made.
const notSampledFor = time.Second

// notWatchedSampled is why a recording of samples covers no transition.
const notWatchedSampled = "goroutines were sampled, and nothing was attached to see them move"

// on says whether goroutines are sampled.
func (o *Sampling) on() bool { return o.RatePerS > 0 }

func (o *Sampling) check() error {
	switch {
	case o.RatePerS < 0 || math.IsNaN(o.RatePerS):
		return fmt.Errorf("%g is no rate of sampling goroutines", o.RatePerS)
	case o.RatePerS > MaxSamplingPerSecond:
		return fmt.Errorf("sampling goroutines %g times a second is more than %d", o.RatePerS, MaxSamplingPerSecond)
	case math.IsNaN(o.MaxCPUs) || o.MaxCPUs < 0 && o.MaxCPUs != AnyCPUs:
		return fmt.Errorf("%g CPUs are no bound for sampling goroutines", o.MaxCPUs)
	}
	return nil
}

// settled is what holds where the options do not say.
func (o Sampling) settled() format.GoroutineSampling {
	s := format.GoroutineSampling{RatePerS: o.RatePerS, Seed: o.Seed, MaxCPUs: o.MaxCPUs}
	if s.RatePerS == 0 {
		s.RatePerS = defaultRounds
	}
	switch s.MaxCPUs {
	case 0:
		s.MaxCPUs = DefaultSamplingCPUs
	case AnyCPUs:
		s.MaxCPUs = 0
	}
	for s.Seed == 0 {
		s.Seed = int64(rand.Uint64() >> 11) // a number that every reader of JSON has whole
	}
	return s
}

// sampler makes the rounds of one process, one at a time.
type sampler struct {
	pacer  *rounds.Pacer
	reader *snapshot.Rounds
	texts  []placeTexts // by place, of the goroutine that was found there last
	found  []event      // room for what a round finds
	counts format.Rounds
	ended  int64 // when the last round ended, or sampling began
}

// placeTexts are the stacks of a goroutine that has not changed.
type placeTexts struct{ stack, byStack format.StringID }

// beginRounds begins to sample the goroutines of every process that is recorded, from a time on: as a
// recording by itself, or while probes are off.
func (s *session) beginRounds(at int64) {
	how := s.meta.GoroutineSampling
	if how == nil {
		settled := s.opts.Sampling.settled()
		how = &settled
		s.meta.GoroutineSampling = how
	}
	s.roundsCPU = processCPU()
	for _, sub := range s.subjects {
		sub.beginRounds(at, how)
	}
	s.shareRounds(at)
}

// endRounds ends sampling. What was counted stays.
func (s *session) endRounds() {
	for _, sub := range s.subjects {
		sub.sampling = false
	}
}

// shareRounds shares what rounds may take between the processes that there are.
func (s *session) shareRounds(at int64) {
	n, may := 0, s.meta.GoroutineSampling.MaxCPUs
	if s.roundsMay > 0 && (may == 0 || s.roundsMay < may) {
		may = s.roundsMay
	}
	for _, sub := range s.subjects {
		if sub.sampling {
			n++
		}
	}
	for _, sub := range s.subjects {
		if sub.sampling {
			sub.sampler.pacer.Allow(may/float64(n), at)
		}
	}
}

func (s *subject) beginRounds(at int64, how *format.GoroutineSampling) {
	if s.beginNS == 0 || s.ended != "" || s.endNS != 0 {
		return
	}
	if s.sampler == nil {
		s.sampler = &sampler{reader: s.reader.Rounds(), pacer: rounds.New(rounds.Config{
			RatePerS: how.RatePerS, MaxCPUs: how.MaxCPUs, Seed: how.Seed, Stream: int(s.number),
		}, at)}
	}
	s.sampler.pacer.Resume(at)
	s.sampler.ended, s.sampling = at, true
}

// nextRound is when the next round of any process is due; false: none is.
func (s *session) nextRound() (next int64, ok bool) {
	for _, sub := range s.subjects {
		if sub.sampling && (!ok || sub.sampler.pacer.Next() < next) {
			next, ok = sub.sampler.pacer.Next(), true
		}
	}
	return next, ok
}

// makeRounds reads the goroutines of the processes whose rounds are due.
func (s *session) makeRounds() error {
	for _, sub := range s.subjects {
		if !sub.sampling || sub.endNS != 0 || !sub.sampler.pacer.Due(now()) {
			continue
		}
		if s.governing != nil { // what else the recorder does is not for the rounds
			s.roundsCPU = processCPU()
		}
		began := s.roundsCPU
		err := sub.round()
		s.roundsNS += s.roundsCPU - began
		if err != nil {
			if err = sub.unlessReplaced(err); err != nil {
				return s.of(sub.proc, err)
			}
			sub.sampling = false
		}
	}
	return nil
}

// round reads the process's goroutines once. Everything that the recorder has done since the last round
// is what this one costs.
func (s *subject) round() error {
	r := s.sampler
	began := now()
	places, err := r.reader.Places()
	if err != nil {
		return err
	}
	if places == 0 { // the process is only being started
		return nil
	}
	for more := places - len(r.texts); more > 0; more = 0 {
		r.texts = append(r.texts, make([]placeTexts, more)...)
	}
	from, step := r.pacer.Choose(places)
	cpu := processCPU()
	r.found = r.found[:0]
	read, err := r.reader.Read(from, step, func(gs []snapshot.Goroutine) { s.take(gs, int64(step)) })
	if err != nil {
		return err
	}
	end := now()
	s.tellRound(began, end, int64(step))
	after := processCPU()
	r.pacer.Made(end, step, rounds.Cost{Read: read, PlacesNS: after - cpu, TotalNS: after - s.in.roundsCPU})
	s.in.roundsCPU = after
	s.count(r.pacer.Counts(), end-began)
	return nil
}

// take makes events of goroutines that a round found.
func (s *subject) take(gs []snapshot.Goroutine, weight int64) {
	r := s.sampler
	for i := range gs {
		g := &gs[i]
		texts := &r.texts[g.Place]
		if g.Unchanged {
			r.counts.Unchanged++
		} else {
			*texts = placeTexts{s.stacks.Found(&g.Stack), s.stacks.Creator(g.CreatorPC)}
		}
		r.found = append(r.found, event{
			op: opRoundFound, time: g.After, goid: g.ID, byGoid: g.Creator, reason: g.WaitReason, tid: g.TID,
			proc: g.Proc, flags: uint16(g.State()),
			stack: uint64(texts.stack), byStack: uint64(texts.byStack), object: weight,
		})
	}
}

// tellRound hands the round and what it found to the order. A time without rounds is a gap,
// where it is not one already.
func (s *subject) tellRound(began, end, weight int64) {
	r := s.sampler
	if s.in.probes == nil && began-r.ended > int64(notSampledFor) && r.pacer.LateNS() > int64(notSampledFor) {
		s.gap(r.ended, began, 0, format.ReasonNotSampled)
	}
	r.ended = end
	s.own(event{op: opRound, time: began, byGoid: end, object: weight})
	for i := range r.found {
		s.own(r.found[i])
	}
}

// count takes what became of the instants.
func (s *subject) count(c rounds.Counts, lasted int64) {
	r := &s.sampler.counts
	r.Goroutines += int64(len(s.sampler.found))
	r.ReadNS += lasted
	r.Made, r.Weighted, r.MaxWeight = c.Made, c.Weighted, int32(c.MaxStep)
	r.LeftOut, r.Skipped, r.Late, r.MaxLateNS, r.CPUNS = c.LeftOut, c.Skipped, c.Late, c.MaxLateNS, c.CPUNS
}

// roundsSoFar adds up the rounds of all processes; nil: none were to be made.
func (s *session) roundsSoFar() *format.Rounds {
	if s.meta.GoroutineSampling == nil {
		return nil
	}
	var all format.Rounds
	for _, sub := range s.subjects {
		if sub.sampler == nil {
			continue
		}
		c := &sub.sampler.counts
		all.Made, all.Goroutines = all.Made+c.Made, all.Goroutines+c.Goroutines
		all.Unchanged += c.Unchanged
		all.Weighted, all.MaxWeight = all.Weighted+c.Weighted, max(all.MaxWeight, c.MaxWeight)
		all.LeftOut, all.Skipped, all.Late = all.LeftOut+c.LeftOut, all.Skipped+c.Skipped, all.Late+c.Late
		all.ReadNS, all.CPUNS, all.MaxLateNS = all.ReadNS+c.ReadNS, all.CPUNS+c.CPUNS, max(all.MaxLateNS, c.MaxLateNS)
	}
	return &all
}

// round writes that goroutines were read.
func (f *follower) round(e *event) {
	w := format.NoEvent
	w.Kind, w.TimeNS, w.EndNS, w.Weight = format.KindRound, e.time, e.byGoid, weightOf(e)
	f.write(&w)
}

// roundFound writes a goroutine that a round found. Nothing follows from it for what is known of its
// moves.
func (f *follower) roundFound(e *event) {
	w := format.Event{
		TimeNS: e.time, Kind: format.KindSnapshot, TID: e.tid, CPU: format.Unknown, Proc: e.proc,
		GoID: format.GoID(e.goid), To: format.State(e.flags & snapshotState), Weight: weightOf(e),
		Stack: format.StringID(e.stack), ByGoID: format.GoID(e.byGoid), ByStack: format.StringID(e.byStack),
	}
	if w.To == format.StateWaiting {
		w.Reason = f.waitReason(e)
	}
	f.write(&w)
}

// weightOf is the weight of a row of a round.
func weightOf(e *event) int32 { return int32(e.object) }

// processCPU is the CPU time of the recorder.
func processCPU() int64 { return readClock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// openSampled prepares to sample the processes, without eBPF.
func (s *session) openSampled() error {
	if err := s.each((*subject).openReader); err != nil {
		return err
	}
	s.order = newOrderer(0, s.meta.ClockStepNS)
	return nil
}

// readSampled learns what Go code a process has that is not to be probed.
func (s *subject) readSampled() error {
	s.choice = unwatched(notWatchedSampled)
	if err := s.lookForModules(); err != nil {
		return err
	}
	s.modules.LookForRuntimes()
	return nil
}

// lookForReplaced finds out that a process that is not probed has replaced its program.
func (s *subject) lookForReplaced() {
	// Of one that has ended there is an error, and its end is told.
	if replaced, err := s.proc.Replaced(); err == nil && replaced && s.replacedNS == 0 {
		s.replacedNS = now()
	}
}

// unlessReplaced is the error of a process that is still there and runs the program that is recorded.
func (s *subject) unlessReplaced(err error) error {
	if s.lookForReplaced(); s.replacedNS != 0 {
		return nil
	}
	return s.unlessGone(err)
}
