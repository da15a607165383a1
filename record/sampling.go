package record

import (
	"cmp"
	"math"
	"slices"

	"github.com/gosched/gosched/format"
)

// DefaultSamplesPerSecond is how often a busy CPU is looked at where Options do not say. A sample
// takes about 40 µs of CPU where it was measured (BenchmarkSamples, in a virtual machine), most of
// it the interrupt: so many cost less than 0.2% of the CPU. It is no round number, so that it does
// not keep step with what programs do at round ones.
const DefaultSamplesPerSecond = 39

// MaxSamplesPerSecond is the largest rate of samples: more would cost more than they tell.
const MaxSamplesPerSecond = 10_000

// NoSamples is the SamplesPerSecond of a recording without samples.
const NoSamples = -1

// samplesPerSecond is the rate with the default filled in; 0: none are taken.
func (o *Options) samplesPerSecond() float64 {
	if o.SamplesPerSecond < 0 || slices.Contains(o.Without, format.TransitionSamples) {
		return 0
	}
	return cmp.Or(o.SamplesPerSecond, DefaultSamplesPerSecond)
}

// samplePeriod is the CPU time that each sample stands for; 0: none are taken.
func (o *Options) samplePeriod() int64 {
	if rate := o.samplesPerSecond(); rate > 0 {
		return int64(math.Round(1e9 / rate))
	}
	return 0
}

// sample begins to sample the CPUs. Where that cannot be done the trace says so.
func (s *session) sample() {
	period := s.opts.samplePeriod()
	if period == 0 {
		return
	}
	if err := s.probes.Sample(period); err != nil {
		s.unsampled = err.Error()
		for _, sub := range s.subjects {
			sub.withoutSamples()
		}
		return
	}
	s.meta.SamplesPerSecond, s.meta.SamplePeriodNS = s.opts.samplesPerSecond(), period
}

// withoutSamples has the trace say that the process has no samples, where the kernel gives none.
func (s *subject) withoutSamples() {
	if s.in.unsampled != "" {
		c := s.choice.of(format.TransitionSamples)
		c.Covered, c.Why = false, s.in.unsampled
	}
}

// readSample fills in where a sample's thread was.
func (s *subject) readSample(raw []byte, e *event) error {
	sample, err := decodeSample(raw, e.flags)
	if err != nil {
		return err
	}
	stack, where := s.stacks.Sampled(&sample)
	e.stack, e.text = uint64(stack), uint32(s.texts.id(where))
	return nil
}

// sample writes what a thread was doing on its CPU. It moves nothing.
func (f *follower) sample(e *event) {
	w := format.NoEvent
	w.TimeNS, w.Kind, w.TID, w.CPU, w.Proc = e.time, format.KindSample, e.tid, int32(e.cpu), e.proc
	w.GoID, w.Reason, w.Stack = format.GoID(e.goid), format.StringID(e.text), format.StringID(e.stack)
	f.write(&w)
	f.counts.Samples++
}
